//! The name of a source after `--data` and in files, and the files that it means.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{
    Toy,
    formats::{self, FORMATS, Format},
};
use crate::files;

/// A source of samples, as written after `--data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// Generated 2-D points.
    Toy(Toy),
    /// The 1,797 handwritten digits of 8 x 8 pixels inside the program.
    Digits,
    /// Files or a folder.
    Files {
        /// Their format; `None` if their content decides.
        format: Option<&'static Format>,
        /// The files of one set, or a folder with them.
        paths: Vec<PathBuf>,
    },
}

impl Source {
    pub(crate) fn of(format: &'static Format, paths: impl Into<Vec<PathBuf>>) -> Self {
        Self::Files { format: Some(format), paths: paths.into() }
    }

    /// An NPZ file.
    pub fn npz(path: impl Into<PathBuf>) -> Self {
        Self::of(&formats::npz::FORMAT, [path.into()])
    }

    /// A file or folder of whichever format.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::Files { format: None, paths: vec![path.into()] }
    }

    /// The files and folders of the source; none for built-in sources.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Self::Toy(_) | Self::Digits => Vec::new(),
            Self::Files { paths, .. } => paths.iter().map(PathBuf::as_path).collect(),
        }
    }

    /// Whether the source is built in, so that a link can name it.
    pub fn is_inside(&self) -> bool {
        !matches!(self, Self::Files { .. })
    }

    /// Whether a page must load decoders of pictures before reading it; on other systems the program contains them.
    pub fn needs_codecs(&self) -> bool {
        match self {
            Self::Toy(_) | Self::Digits => false,
            Self::Files { format: Some(format), .. } => format.needs_codecs(),
            Self::Files { format: None, paths } => Format::of(paths).is_ok_and(Format::needs_codecs),
        }
    }

    /// Says in a few words what lies at `path`, for a message that no known format fits it.
    pub fn looks(path: &Path) -> String {
        formats::looks(path)
    }

    /// Recognises the source that files or a folder form, by their content; `None` if no known format fits.
    ///
    /// # Errors
    /// A sentence about a missing or superfluous file.
    pub fn of_files(paths: &[PathBuf]) -> Result<Option<Self>, String> {
        if let Some(source) = formats::of_idx_files(paths)? {
            return Ok(Some(source));
        }
        let formats: Option<Vec<_>> = paths.iter().map(|path| Format::of(std::slice::from_ref(path)).ok()).collect();
        match formats.as_deref() {
            None | Some([]) => Ok(None),
            Some([format, others @ ..]) => match others.iter().find(|other| *other != format) {
                None => Ok(Some(Self::of(format, paths))),
                Some(other) => Err(format!(
                    "{} is {}, and {} is {}; give files of one set together",
                    paths[0].display(),
                    format.name,
                    paths[1 + others.iter().position(|one| one == other).unwrap_or_default()].display(),
                    other.name
                )),
            },
        }
    }

    /// The names of all built-in sources, and the syntax of files.
    pub fn usages() -> Vec<&'static str> {
        let inside = Toy::ALL.iter().map(|toy| toy.name()).chain(["digits", "PATH"]);
        inside.chain(FORMATS.iter().map(|format| format.usage)).collect()
    }
}

/// Whether `text` is meant as a path, though no format stands before it: one word alone is taken for a name that is mistyped, unless there is
/// such a file.
fn is_path(text: &str) -> bool {
    let separated = text.contains(['/', '\\', '.']) || text.starts_with('~');
    // `C:` is a drive, and a word before a colon is meant as a format.
    let format = text.split_once(':').is_some_and(|(word, _)| word.len() > 1 && word.chars().all(char::is_alphanumeric));
    !text.is_empty() && (files::exists(&files::expanded(Path::new(text))) || separated && !format)
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            let usages: Vec<String> = Self::usages().into_iter().map(|usage| format!("`{usage}`")).collect();
            format!("`{text}` is no data source: expected one of {}", usages.join(", "))
        };
        let path = |text: &str| files::expanded(Path::new(text));
        if text == "digits" {
            return Ok(Self::Digits);
        }
        if let Some(toy) = Toy::ALL.into_iter().find(|toy| toy.name() == text) {
            return Ok(Self::Toy(toy));
        }
        match text.split_once(':').and_then(|(name, rest)| Some((Format::named(name)?, rest))) {
            Some((format, rest)) => {
                // A comma stands between the files of a set; a name that has one is taken whole where there is such a file.
                let paths: Vec<PathBuf> =
                    if files::exists(&path(rest)) { vec![path(rest)] } else { rest.split(',').map(path).collect() };
                if paths.iter().any(|path| path.as_os_str().is_empty()) {
                    return Err(format!("`{text}` names no file: expected `{}`", format.usage));
                }
                Ok(Self::of(format, paths))
            }
            None if is_path(text) => Ok(Self::at(path(text))),
            None => Err(expected()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toy(toy) => f.write_str(toy.name()),
            Self::Digits => f.write_str("digits"),
            Self::Files { format, paths } => {
                let paths = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(",");
                match format {
                    Some(format) => write!(f, "{}:{paths}", format.name),
                    // So that a word is not taken for a name.
                    None if !paths.contains(['/', '\\', '.']) => write!(f, "./{paths}"),
                    None => f.write_str(&paths),
                }
            }
        }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_written_as_it_is_read() {
        for text in [
            "moons",
            "digits",
            "npz:a.npz",
            "idx:a,b",
            "mnist:dir",
            "cifar:cifar-10-python.tar.gz",
            "./table",
            "data/x.csv",
            "a.npz",
        ] {
            let source: Source = text.parse().unwrap_or_else(|problem| panic!("{problem}"));
            assert_eq!(source.to_string(), text);
            let json = serde_json::to_string(&source).expect("text can be written");
            assert_eq!(serde_json::from_str::<Source>(&json).expect("it was just written"), source);
        }
        assert_eq!("idx:a,b".parse::<Source>().map(|source| source.files().len()), Ok(2));
        assert_eq!(Source::at("table").to_string(), "./table");
        assert_eq!(r"C:\data\x.npz".parse::<Source>(), Ok(Source::at(r"C:\data\x.npz")));
    }

    #[test]
    fn a_word_is_no_path_unless_there_is_such_a_file() {
        for text in ["moon", "npz:", "hdf5:a.h5", "", "idx:a,"] {
            let problem = text.parse::<Source>().expect_err(text);
            assert!(problem.contains(&format!("`{text}`")) && problem.contains("expected"), "{problem}");
        }
        let listed = "moon".parse::<Source>().expect_err("it is mistyped");
        assert!(FORMATS.iter().all(|format| listed.contains(format.usage)) && listed.contains("`moons`"), "{listed}");
        assert!("~/x.npz".parse::<Source>().is_ok_and(|source| !source.files()[0].starts_with("~")));
    }

    #[test]
    fn the_help_names_every_format() {
        let field = crate::settings::field("data").expect("it is a setting");
        let lacking: Vec<&str> = FORMATS.iter().map(|format| format.name).filter(|name| !field.doc.contains(name)).collect();
        assert_eq!(lacking, Vec::<&str>::new());
    }

    #[test]
    fn files_that_come_together_are_of_one_set_or_named() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        let file = |name: &str, bytes: &[u8]| {
            std::fs::write(dir.path().join(name), bytes).expect("the temporary folder can be written");
            dir.path().join(name)
        };
        let batch = [vec![1], vec![0; 3072]].concat();
        let batches = [file("data_batch_1.bin", &batch), file("test_batch.bin", &batch)];
        let source = Source::of_files(&batches).expect("they are one set").expect("they are data");
        assert_eq!(source.to_string(), format!("cifar:{},{}", batches[0].display(), batches[1].display()));
        let table = file("a.csv", b"x,y,label\n0,1,0\n1,0,1\n");
        assert_eq!(
            Source::of_files(std::slice::from_ref(&table)).map(|source| source.map(|source| source.to_string())),
            Ok(Some(format!("csv:{}", table.display())))
        );
        let mixed = Source::of_files(&[batches[0].clone(), table]).expect_err("they are two sets");
        assert!(mixed.contains("cifar") && mixed.contains("csv"), "{mixed}");
        assert_eq!(Source::of_files(&[file("settings.json", b"{}")]), Ok(None));
    }
}
