//! The Debian package: an `ar` archive of a version, an archive of what is said about the package, and an archive of its files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Outcome,
    contents::{Contents, File, gzip, tar},
};

/// What Debian calls the processors that Rust names.
const ARCHITECTURES: [(&str, &str); 3] = [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")];

/// Writes the package into `out`.
pub(crate) fn write(contents: &Contents, out: &Path, package: &str, version: &str, triple: &str) -> Outcome<PathBuf> {
    let found = ARCHITECTURES.iter().find(|(rust, _)| triple.starts_with(rust));
    let (_, architecture) = found.ok_or_else(|| format!("{triple}: no architecture of Debian is known for it"))?;
    let path = out.join(format!("{package}_{version}_{architecture}.deb"));
    fs::write(&path, bytes(contents, package, version, architecture)?)?;
    Ok(path)
}

fn bytes(contents: &Contents, package: &str, version: &str, architecture: &str) -> Outcome<Vec<u8>> {
    let files = files(contents)?;
    let kilobytes = files.iter().map(|file| file.bytes.len().div_ceil(1024)).sum::<usize>();
    let control = control(package, version, architecture, kilobytes);
    let data = gzip(&tar(&files)?)?;
    let about = gzip(&tar(&[File::new("control", control)])?)?;
    Ok(ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &about), ("data.tar.gz", &data)]))
}

fn control(package: &str, version: &str, architecture: &str, kilobytes: usize) -> String {
    let other = if package == "gairat" { "gairat-terminal" } else { "gairat" };
    format!(
        "Package: {package}\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: the gairat developers <noreply@example.org>\n\
         Installed-Size: {kilobytes}\n\
         Section: science\n\
         Priority: optional\n\
         Conflicts: {other}\n\
         Depends: libc6, libgcc-s1\n\
         Recommends: libvulkan1, mesa-vulkan-drivers, libxkbcommon-x11-0\n\
         Suggests: curl\n\
         Description: adversarial training that one can see\n \
         Trains networks against attacks with geometry-aware instance-reweighted\n \
         adversarial training (GAIRAT) and its relatives, on a GPU or on the CPU,\n \
         shows what every sample does, and measures robustness with suites of attacks.\n"
    )
}

fn files(contents: &Contents) -> Outcome<Vec<File>> {
    let mut files = vec![
        File { executable: true, ..File::new("usr/bin/gairat", contents.program.clone()) },
        File::new("usr/share/icons/hicolor/scalable/apps/gairat.svg", contents.icon.clone()),
        File::new("usr/share/applications/gairat.desktop", DESKTOP),
        File::new("usr/share/doc/gairat/components.cdx.json.gz", gzip(&contents.component_list)?),
        File::new("usr/share/doc/gairat/copyright", COPYRIGHT),
    ];
    for document in &contents.documents {
        files.push(File::new(format!("usr/share/doc/gairat/{}.gz", document.path), gzip(&document.bytes)?));
    }
    for page in &contents.man {
        files.push(File::new(format!("usr/share/man/man1/{}.gz", page.path), gzip(&page.bytes)?));
    }
    for (shell, path) in [
        ("bash", "usr/share/bash-completion/completions/gairat"),
        ("zsh", "usr/share/zsh/vendor-completions/_gairat"),
        ("fish", "usr/share/fish/vendor_completions.d/gairat.fish"),
    ] {
        let script = contents.completions.iter().find(|file| file.path == shell);
        files.extend(script.map(|script| File::new(path, script.bytes.clone())));
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

const DESKTOP: &str = "[Desktop Entry]
Type=Application
Name=gairat
Comment=Adversarial training that one can see
Exec=gairat
Icon=gairat
Terminal=false
Categories=Education;Science;ArtificialIntelligence;
";

const COPYRIGHT: &str = "gairat is licensed under MIT OR Apache-2.0; see LICENSE-MIT.gz, LICENSE-APACHE.gz (on Debian also
/usr/share/common-licenses/Apache-2.0) and, for the digits inside the program, LICENSE-digits.md.gz.
LICENSES-dependencies.txt.gz has the licences of everything that it is built from.
";

/// The archive that Debian packages are: a header of 60 bytes for each file, and its bytes, padded to an even number.
fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, data) in members {
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", data.len()).as_bytes());
        bytes.extend(*data);
        if data.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn headers_have_sixty_bytes_and_files_begin_at_even_places() {
        let bytes = ar(&[("a", b"123"), ("b", b"4")]);
        assert_eq!(bytes.len(), 8 + 60 + 4 + 60 + 2);
        assert_eq!(&bytes[8 + 60 + 4..][..2], b"b ");
        assert_eq!(&bytes[66..68], b"`\n");
    }

    #[test]
    fn dpkg_reads_the_package() {
        if Command::new("dpkg-deb").arg("--version").output().is_err() {
            eprintln!("NOT TESTED: there is no dpkg-deb here");
            return;
        }
        let folder = tempfile::tempdir().expect("the system gives a folder for temporary files");
        let contents = Contents {
            program: b"#!/bin/sh\n".to_vec(),
            man: vec![File::new("gairat.1", ".TH gairat 1")],
            completions: vec![File::new("bash", "complete -c gairat")],
            ..Contents::default()
        };
        let path = write(&contents, folder.path(), "gairat", "1.2.3", "x86_64-unknown-linux-gnu").expect("it is written");
        let say = |option: &str| {
            let output = Command::new("dpkg-deb").arg(option).arg(&path).output().expect("dpkg-deb was there a moment ago");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let info = say("--info");
        assert!(
            info.contains("Package: gairat") && info.contains("Version: 1.2.3") && info.contains("Architecture: amd64"),
            "{info}"
        );
        let list = say("--contents");
        for line in ["-rwxr-xr-x root/root", "usr/bin/gairat", "usr/share/man/man1/gairat.1.gz", "completions/gairat"] {
            assert!(list.contains(line), "{line} in {list}");
        }
    }

    #[test]
    fn a_processor_that_debian_does_not_know_is_refused() {
        let refused = write(&Contents::default(), Path::new("."), "gairat", "1", "sparc-sun-solaris").expect_err("it is unknown");
        assert!(refused.to_string().contains("sparc"), "{refused}");
    }
}
