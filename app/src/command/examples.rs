//! The examples below each help text. A test parses every one of them.

/// A section of examples: what each is for, and its line without the name of the program.
pub(super) fn examples(lines: &[(&str, &str)]) -> String {
    lines.iter().fold("Examples:".to_owned(), |text, (purpose, line)| format!("{text}\n  # {purpose}\n  gairat {line}"))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use crate::command::definition;

    /// The words of a line, as a shell splits them where quotes hold blanks together.
    fn words(line: &str) -> Vec<String> {
        let quoted = line.split('"').enumerate();
        let parts = quoted.flat_map(|(number, part)| match number % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        });
        parts.collect()
    }

    /// The commands that have a help text of their own, with the words that lead to them.
    fn shown(command: &Command, path: &str) -> Vec<(String, Command)> {
        let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
        let below = below.flat_map(|below| shown(below, &format!("{path} {}", below.get_name())));
        std::iter::once((path.to_owned(), command.clone())).chain(below).collect()
    }

    #[test]
    fn every_command_shows_examples_and_takes_each_of_them() {
        for (path, command) in shown(&definition(), "gairat") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  gairat")).collect();
            assert!(!lines.is_empty(), "`{path} --help` shows no example");
            for line in lines {
                let line = format!("gairat{line}");
                assert!(line.starts_with(&path), "`{line}` is shown by `{path}`");
                if let Err(error) = definition().try_get_matches_from(words(&line)) {
                    panic!("`{line}` is refused: {error}");
                }
            }
        }
    }
}
