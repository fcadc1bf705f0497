//! The archive for each system: `.tar.gz`, on Windows `.zip`.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    Outcome,
    contents::{Contents, File, gzip, tar},
};

/// Writes the archive `name` into `out`; everything in it lies in a folder of that name.
pub(crate) fn write(contents: &Contents, out: &Path, name: &str) -> Outcome<PathBuf> {
    let files = files(contents, name, std::env::consts::EXE_SUFFIX);
    let (path, bytes) = if cfg!(windows) {
        (out.join(format!("{name}.zip")), zipped(&files)?)
    } else {
        (out.join(format!("{name}.tar.gz")), gzip(&tar(&files)?)?)
    };
    fs::write(&path, bytes)?;
    Ok(path)
}

fn files(contents: &Contents, name: &str, suffix: &str) -> Vec<File> {
    let inside = |folder: &str, file: &File| File { path: format!("{name}/{folder}{}", file.path), ..file.clone() };
    let program = File { executable: true, ..File::new(format!("{name}/gairat{suffix}"), contents.program.clone()) };
    let list = File::new(format!("{name}/components.cdx.json"), contents.component_list.clone());
    let documents = contents.documents.iter().map(|file| inside("", file));
    let man = contents.man.iter().map(|file| inside("man/", file));
    let completions = contents.completions.iter().map(|file| inside("completions/gairat.", file));
    [program, list].into_iter().chain(documents).chain(man).chain(completions).collect()
}

fn zipped(files: &[File]) -> Outcome<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let mode = if file.executable { 0o755 } else { 0o644 };
        archive.start_file(file.path.as_str(), SimpleFileOptions::default().unix_permissions(mode))?;
        archive.write_all(&file.bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn contents() -> Contents {
        Contents {
            program: b"program".to_vec(),
            documents: vec![File::new("README.md", "read")],
            man: vec![File::new("gairat.1", ".TH")],
            completions: vec![File::new("bash", "complete")],
            ..Contents::default()
        }
    }

    #[test]
    fn everything_lies_in_one_folder_and_the_program_can_be_started() {
        let files = files(&contents(), "gairat-1", ".exe");
        assert!(files.iter().all(|file| file.path.starts_with("gairat-1/")));
        let names: Vec<&str> = files.iter().filter(|file| file.executable).map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["gairat-1/gairat.exe"]);
        for path in ["gairat-1/README.md", "gairat-1/man/gairat.1", "gairat-1/completions/gairat.bash"] {
            assert!(files.iter().any(|file| file.path == path), "{path}");
        }
    }

    #[test]
    fn both_kinds_of_archive_give_back_what_was_put_in_and_are_repeatable() {
        let files = files(&contents(), "gairat-1", "");
        let packed = tar(&files).expect("it is written to memory");
        assert_eq!(packed, tar(&files).expect("it is written to memory"));
        let mut archive = tar::Archive::new(&packed[..]);
        let mut modes = Vec::new();
        for entry in archive.entries().expect("it is an archive") {
            let entry = entry.expect("it is whole");
            modes.push((
                entry.path().expect("it has a name").display().to_string(),
                entry.header().mode().expect("it has a mode"),
            ));
        }
        assert!(modes.contains(&("gairat-1/gairat".to_owned(), 0o755)), "{modes:?}");
        let mut archive =
            zip::ZipArchive::new(Cursor::new(zipped(&files).expect("it is written to memory"))).expect("it is an archive");
        let mut text = String::new();
        archive.by_name("gairat-1/README.md").expect("it is there").read_to_string(&mut text).expect("it is text");
        assert_eq!(text, "read");
    }
}
