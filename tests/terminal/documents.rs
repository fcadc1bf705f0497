//! The documents as a reader meets them: pages that are made from lists are those lists, links lead somewhere, and commands do what they say.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{command, fail, json, run, succeed};

/// Read from top to bottom; its `sh` blocks are followed, as are those of the guides.
const README: &str = "README.md";
const GUIDES: [&str; 3] = ["docs/guide/student.md", "docs/guide/teacher.md", "docs/guide/researcher.md"];

/// Commands of README and guides that need a screen, an installation or an hour: which file runs each, by these words in it.
const RUN_ELSEWHERE: [(&str, &str, &str); 2] = [
    ("cargo run --release", "tests/screen/main.rs", "CARGO_BIN_EXE_gairat"),
    ("cargo test --release --workspace", ".ci/run", "cargo test --release --workspace"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every document, by its path from the root.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/guide"] {
        let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let pages = entries.filter(|name| name.ends_with(".md"));
        found.extend(pages.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }));
    }
    found.sort();
    found
}

/// The lines in blocks of this language.
fn blocks(document: &str, language: &str) -> String {
    let (mut inside, mut lines) = (false, String::new());
    for line in text(document).lines() {
        match line.strip_prefix("```") {
            Some(opened) => inside = !inside && opened == language,
            None if inside => lines = lines + line + "\n",
            None => {}
        }
    }
    lines
}

/// Runs a script with the program in reach and a home of its own.
fn shell(folder: &Path, script: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_gairat")).parent().unwrap().to_owned();
    let paths = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let path = std::env::join_paths(std::iter::once(program).chain(paths)).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]).current_dir(folder).env("HOME", folder).env("PATH", path);
    // What opens a window where there is a screen works in the terminal where there is none.
    bash.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap()
}

#[test]
fn the_pages_made_from_lists_are_those_lists() {
    let folder = tempfile::tempdir().unwrap();
    for list in ["methods", "attacks"] {
        let made = succeed(folder.path(), &format!("{list} --markdown"));
        assert!(made == text(&format!("docs/{list}.md")), "run `gairat {list} --markdown > docs/{list}.md`");
    }
}

/// Runs the `sh` blocks of a document in an empty folder, which it gives back.
fn follow(document: &str) -> TempDir {
    let can_draw = std::env::var_os("GAIRAT_TEST_ADAPTER").is_some();
    let blocks = blocks(document, "sh");
    let script: Vec<&str> = blocks.lines().filter(|line| can_draw || !line.contains("--screenshot")).collect();
    assert!(script.iter().any(|line| line.starts_with("gairat")), "{document} has no command");
    let folder = tempfile::tempdir().unwrap();
    let output = shell(folder.path(), &script.join("\n"));
    assert!(output.status.success(), "{document}: {}", String::from_utf8_lossy(&output.stderr));
    folder
}

#[test]
#[cfg(unix)]
fn guides_can_be_followed_from_an_empty_folder() {
    for guide in GUIDES {
        follow(guide);
    }
}

/// README's figures are means over five seeds of one machine. Another instruction set rounds otherwise, which after some hundred steps is like
/// another seed: the means differ by some 3 √2 deviations / √5 at most, and by one test sample of 540.
#[test]
#[cfg(unix)]
fn readme_can_be_followed_and_prints_its_table() {
    let folder = follow(README);
    let table: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("results/table.json")).unwrap()).unwrap();
    let rows = table["table"]["blocks"][0]["rows"].as_array().unwrap();
    let [at, gairat] = ["at", "gairat"].map(|method| {
        let row = rows.iter().find(|row| row["variant"] == method).unwrap_or_else(|| panic!("{method} in {rows:?}"));
        let found = ["natural", "pgd20", "cw20", "robust"].map(|name| {
            let column = row["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap();
            100.0 * column["spread"]["mean"].as_f64().unwrap()
        });
        let readme = text(README);
        let line = readme.lines().find(|line| line.starts_with(&format!("| `{method}` |"))).unwrap();
        let cells: Vec<&str> = line.trim_matches('|').split('|').skip(1).collect();
        assert_eq!(cells.len(), found.len(), "{line}");
        for (cell, found) in cells.iter().zip(found) {
            let (mean, deviation) = cell.split_once('±').unwrap();
            let [mean, deviation] = [mean, deviation].map(|number| number.trim().parse::<f64>().unwrap());
            let apart = 3.0 * 2.0_f64.sqrt() * deviation / 5.0_f64.sqrt() + 100.0 / 540.0;
            assert!((found - mean).abs() <= apart, "{method}: {found:.2} in place of {cell}");
        }
        found
    });
    assert!(gairat[1] > at[1] && gairat[3] < at[3], "PGD-20 and the suite must disagree: {at:?}, {gairat:?}");
}

#[test]
fn what_readme_and_guides_cannot_have_run_here_is_run_elsewhere() {
    for document in GUIDES.into_iter().chain([README]) {
        for line in blocks(document, "console").lines().filter(|line| !line.is_empty()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            let elsewhere = RUN_ELSEWHERE.iter().find(|(command, ..)| *command == line);
            let (_, file, words) = elsewhere.unwrap_or_else(|| panic!("{document}: nothing runs `{line}`"));
            assert!(text(file).contains(words), "{file} no longer runs `{line}`");
        }
    }
}

/// What a document shows as a command is known to the program, its flags and its values too.
#[test]
fn commands_in_all_documents_are_known() {
    let folder = tempfile::tempdir().unwrap();
    for document in documents() {
        let shown = text(&document);
        let indented = shown.lines().filter_map(|line| line.strip_prefix("    gairat ").map(str::to_owned));
        let fenced = blocks(&document, "sh") + &blocks(&document, "console");
        let fenced: Vec<String> = fenced.lines().filter_map(|line| line.strip_prefix("gairat ")).map(str::to_owned).collect();
        for line in indented.chain(fenced) {
            // Behind two blanks stands what the command is for.
            let line = line.split("  ").next().unwrap_or_default();
            let line = line.split([';', '&', '>', '|']).next().unwrap_or_default();
            let known = run_words(folder.path(), line);
            assert!(known.status.success(), "{document}: `gairat {line}`: {}", String::from_utf8_lossy(&known.stderr));
        }
    }
}

/// Asks for the help of a command behind its arguments: what is wrong with them is said first, and nothing is done.
fn run_words(folder: &Path, line: &str) -> Output {
    let quoted = line.split(['\'', '"']).enumerate();
    let words = quoted.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _ => vec![part.to_owned()],
    });
    command(folder, "").args(words).arg("--help").output().unwrap()
}

/// The headings of a page as GitHub names them.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = text(document).lines().filter_map(|line| line.strip_prefix('#').map(str::to_owned)).collect::<Vec<_>>();
    let anchor = |heading: &String| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    };
    headings.iter().map(anchor).collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    for document in documents() {
        let folder = Path::new(&document).parent().unwrap().to_owned();
        for target in text(&document).split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let path = if file.is_empty() { PathBuf::from(&document) } else { folder.join(file) };
            assert!(root().join(&path).exists(), "{document}: {target} is not there");
            if let Some(anchor) = anchor {
                let there = anchors(&path.to_string_lossy());
                assert!(there.contains(anchor), "{document}: {target}: there are {there:?}");
            }
        }
    }
}

#[test]
fn readme_is_short_and_counts_what_there_is() {
    let readme = text(README);
    let lines = readme.lines().count();
    assert!(lines <= 120, "README.md has {lines} lines; expected at most 120: move something into docs/");
    // The first adversary of the list does nothing.
    let attacks = gairat::evaluate::ADVERSARIES.len() - 1;
    for count in [format!("**{} methods**", gairat::method::METHODS.len()), format!("**{attacks} attacks**")] {
        assert!(readme.contains(&count), "README.md should say {count}");
    }
}

/// The walks name files and lists that exist, and their code is that of the files.
#[test]
fn the_walks_of_contributing_are_true() {
    let walks = text("CONTRIBUTING.md");
    let (mut file, mut code) = (String::new(), None::<String>);
    let mut excerpts = 0;
    for line in walks.lines() {
        match (&mut code, line.trim_start()) {
            (None, "```rust") => code = Some(String::new()),
            (Some(excerpt), "```") => {
                let source = text(&file);
                assert!(source.contains(excerpt.as_str()), "this is not in {file}:\n{excerpt}");
                (code, excerpts) = (None, excerpts + 1);
            }
            // A list indents its code by three blanks.
            (Some(excerpt), _) => excerpt.push_str(&format!("{}\n", line.strip_prefix("   ").unwrap_or(line))),
            (None, _) => {
                for name in line.split('`').skip(1).step_by(2) {
                    let is_path = name.contains('/') && !name.contains([' ', ':', '<']) && !name.starts_with("target/");
                    if is_path {
                        assert!(root().join(name).exists(), "CONTRIBUTING.md: {name} is not there");
                        if name.ends_with(".rs") {
                            file = name.to_owned();
                        }
                    }
                }
            }
        }
    }
    assert_eq!(excerpts, 5, "one for each walk but the lesson, two for the method");
    for (list, file) in [
        ("METHODS", "core/src/method/mod.rs"),
        ("ADVERSARIES", "core/src/evaluate/adversary/mod.rs"),
        ("SUITES", "core/src/evaluate/suite.rs"),
        ("FORMATS", "core/src/dataset/formats/mod.rs"),
        ("LAYOUTS", "core/src/checkpoint/layouts/mod.rs"),
        ("LESSONS", "app/src/lesson/mod.rs"),
    ] {
        assert!(walks.contains(&format!("`{list}` in `{file}`")), "CONTRIBUTING.md names {list} and {file}");
        assert!(text(file).contains(&format!("const {list}")), "{list} is not in {file}");
    }
}

#[test]
fn attacks_are_listed_described_and_told_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let list = succeed(folder.path(), "attacks");
    let lines = json(&succeed(folder.path(), "attacks --json"));
    assert_eq!(lines.len(), gairat::evaluate::ADVERSARIES.len());
    for (entry, line) in gairat::evaluate::ADVERSARIES.iter().zip(&lines) {
        let about = entry.about;
        assert!(list.contains(about.summary) && line["name"] == about.name, "{list}");
        let described = succeed(folder.path(), &format!("attacks {}", about.name));
        assert!(described.contains(about.source) && described.contains(&about.usage()), "{described}");
    }
    assert!(list.contains("autoattack-plus"), "{list}");
    assert!(fail(folder.path(), "attacks pgdd", 2).contains("`pgdd` is no attack: expected one of natural, fgsm"));
}

#[test]
fn man_pages_and_completions_cover_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = succeed(folder.path(), "--help");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> = commands
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    assert!(commands.contains(&"train") && commands.contains(&"man"), "{commands:?}");
    succeed(folder.path(), "man pages");
    assert!(folder.path().join("pages/gairat.1").is_file());
    for command in &commands {
        let page = fs::read_to_string(folder.path().join(format!("pages/gairat-{command}.1"))).unwrap();
        assert!(page.contains(".TH") && page.contains("Examples:"), "{page}");
    }
    assert!(!folder.path().join("pages/gairat-record.1").exists(), "a hidden command has no page");
    assert!(fail(folder.path(), "man pages", 2).contains("exists already"));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = succeed(folder.path(), &format!("completions {shell}"));
        for command in &commands {
            assert!(script.contains(command), "{command} in the completions of {shell}");
        }
    }
    assert!(fail(folder.path(), "completions tcsh", 2).contains("bash"));
}

/// What bash offers behind `gairat tr`, and behind a flag that takes one of several words.
#[test]
#[cfg(unix)]
fn bash_completes_commands() {
    let script = "source <(gairat completions bash); COMP_WORDS=(gairat compl); COMP_CWORD=1; \
                  _gairat gairat compl gairat; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let folder = tempfile::tempdir().unwrap();
    let output = shell(folder.path(), script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "completions");
}

#[test]
fn the_version_names_the_commit_and_the_features() {
    let folder = tempfile::tempdir().unwrap();
    let version = succeed(folder.path(), "--version");
    let git = Command::new("git").arg("-C").arg(root()).args(["rev-parse", "HEAD"]).output();
    let head = git.ok().filter(|output| output.status.success()).map(|output| String::from_utf8(output.stdout).unwrap());
    let (_, rest) = version.trim().split_once(" (commit ").unwrap_or_else(|| panic!("{version}"));
    let (commit, features) = rest.split_once(", features: ").unwrap();
    assert!(commit == "unknown" || head.is_none_or(|head| head.starts_with(commit)), "{version}");
    assert!(version.starts_with(&format!("gairat {} ", env!("CARGO_PKG_VERSION"))), "{version}");
    assert!(["window)", "none)"].contains(&features), "{version}");
    assert_eq!(run(folder.path(), "-V").stdout, version.as_bytes());
}
