//! What the library says, in the words of the window: settings by their names in the form rather than by flags, buttons rather than
//! commands.

use gairat::settings::FIELDS;

use super::form;

/// What speaks of the terminal, and what is said instead.
const PHRASES: [(&str, &str); 5] = [
    ("; wait for it, or stop it with Ctrl+C.", ", perhaps in another window or tab; close it there first."),
    (" Name the folder that `gairat train` printed as `run folder`.", " Choose the folder of a run."),
    ("a state that `gairat train` wrote", "a state that a run wrote"),
    (" `gairat devices` lists what there is; `--device cpu` always works.", " `cpu` always works."),
    (" Check the path, its permissions and the space left.", " Check its permissions and the space left."),
];
/// The command that goes on with a run; the run's folder and a quote follow.
const RESUME: &str = "`gairat train --resume ";

/// A sentence for a person who looks at the window.
pub(crate) fn in_window(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in PHRASES {
        text = text.replace(from, to);
    }
    if let Some((before, rest)) = text.split_once(RESUME)
        && let Some((folder, after)) = rest.split_once('`')
    {
        text = format!("{before}Open… and {folder}{}", after.replacen(" goes on", " go on", 1));
    }
    let mut names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    // `--lambda` is the beginning of `--lambda-max`.
    names.sort_unstable_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        text = text.replace(&format!("--{}", name.replace('_', "-")), &form::label(name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use gairat::{checkpoint::CheckpointError, device::DeviceError, settings::Settings};

    #[test]
    fn settings_are_named_as_in_the_form() {
        for field in FIELDS {
            let error = Settings::default().set(field.name, "no such value").err();
            let Some(error) = error else { continue };
            let text = in_window(&error.to_string());
            assert!(!text.contains("--"), "{text}");
            assert!(text.starts_with(&form::label(field.name)), "{text}");
            // What was said once is not changed when it is said again.
            assert_eq!(in_window(&text), text);
        }
        assert_eq!(in_window("a lower --lr or --lambda-max, not --lambda"), "a lower learning rate or λ max, not λ");
    }

    #[test]
    fn nothing_speaks_of_the_terminal() {
        let folder = std::path::PathBuf::from("runs/a");
        let device = DeviceError::NotFound { asked: "gpu".to_owned(), found: "no adapter was found".to_owned() };
        let kept = "The last good state, of epoch 3, is kept: `gairat train --resume runs/a` goes on from it; change something";
        for text in [
            CheckpointError::Busy(folder.clone()).to_string(),
            CheckpointError::NoRun(folder).to_string(),
            device.to_string(),
            kept.to_owned(),
        ] {
            let said = in_window(&text);
            assert!(!said.contains("gairat") && !said.contains("--") && !said.contains("Ctrl"), "{said}");
        }
        assert!(in_window(kept).contains("is kept: Open… and runs/a go on from it"), "{}", in_window(kept));
    }
}
