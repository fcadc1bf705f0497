//! The four IDX files of MNIST, Fashion-MNIST, KMNIST, QMNIST and of each part of EMNIST, in one folder.

use std::path::{Path, PathBuf};

use super::{
    Format, Reader,
    found::{Found, name_of, unreadable},
    idx::{self, Pair},
    labels::strange,
    only,
};
use crate::{
    dataset::{DataRange, DatasetError, Raw, Samples, Source, classes_of},
    files,
};

pub(super) const FORMAT: Format = Format {
    name: "mnist",
    usage: "mnist:DIR",
    about: "a folder with the four IDX files of MNIST, Fashion-MNIST, KMNIST, QMNIST or EMNIST",
    sniff,
    read: Reader::Numbers(|paths, range| read_folder(only(paths)?, range)),
};

/// The four files: train images and labels, test images and labels.
const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
/// What the same files are called elsewhere: EMNIST and QMNIST say `test`, QMNIST's labels have eight columns.
const ALSO: [(&str, &str); 3] =
    [("t10k-", "test-"), ("labels-idx1-ubyte", "labels-idx2-int"), ("test-labels-idx1-ubyte", "test-labels-idx2-int")];

fn sniff(found: &Found) -> bool {
    if found.folder { !prefixes(&found.path).is_empty() } else { is_prefix(&found.path) }
}

/// Whether a path that is no file begins the names of train images: `DIR/emnist-letters`.
pub(super) fn is_prefix(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(Path::new(""));
    !files::exists(path) && !name_of(path).is_empty() && prefixes(folder).contains(&format!("{}-", name_of(path)))
}

/// What stands before the names of train images in a folder: nothing for MNIST, `emnist-letters-` for one part of EMNIST.
fn prefixes(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = files::list(folder).unwrap_or_default().into_iter().map(|path| name_of(&path));
    let mut prefixes: Vec<String> = names.filter_map(|name| Some(name.split_once("train-images")?.0.to_owned())).collect();
    prefixes.sort();
    prefixes.dedup();
    prefixes
}

/// Reads the four files of a folder, each with or without `.gz` and with `-idx` or `.idx` in its name.
fn read_folder(path: &Path, range: &DataRange) -> Result<Raw, DatasetError> {
    let (folder, prefix) = if is_prefix(path) {
        (path.parent().unwrap_or(Path::new("")).to_owned(), format!("{}-", name_of(path)))
    } else if !files::exists(path) {
        return Err(unreadable(path, &std::io::Error::from(std::io::ErrorKind::NotFound)));
    } else if !files::is_dir(path) {
        return Err(DatasetError::malformed(path, "is no folder", "a folder with the four files of MNIST"));
    } else {
        (path.to_owned(), prefix_in(path)?)
    };
    let found = NAMES.map(|name| find(&folder, &prefix, name));
    let [Some(train_images), Some(train_labels), Some(test_images), Some(test_labels)] = &found else {
        return Err(incomplete(path, &found));
    };
    let Pair { pixels: train, labels, mut notes } = idx::read_samples(train_images, train_labels, range)?;
    let Pair { pixels: test, labels: test_of, .. } = idx::read_samples(test_images, test_labels, range)?;
    if test.shape != train.shape {
        let expected = format!("images of {} numbers, as in {}", train.shape, train_images.display());
        return Err(DatasetError::malformed(test_images, format!("holds images of {} numbers", test.shape), expected));
    }
    let (labels, test_of) = from_zero(&prefix, labels, test_of, &mut notes);
    if prefix.starts_with("emnist-") {
        notes.push("EMNIST's images lie as they are stored, rows for columns".to_owned());
    }
    notes.extend(strange(&labels));
    let classes = classes_of(&labels).max(classes_of(&test_of));
    let in_order = |pixels, labels: Vec<u32>| Samples { pixels, rows: (0..labels.len() as u32).collect(), labels };
    let (shape, origin) = (train.shape, train.origin);
    let (samples, own_test) = (in_order(train.values, labels), Some(in_order(test.values, test_of)));
    Ok(Raw { shape, classes, samples, own_test, usual_test: None, notes, origin })
}

/// The letters of EMNIST are counted from 1: there classes are from 0.
fn from_zero(prefix: &str, train: Vec<u32>, test: Vec<u32>, notes: &mut Vec<String>) -> (Vec<u32>, Vec<u32>) {
    let from_one = prefix == "emnist-letters-" && train.iter().chain(&test).all(|&label| label > 0);
    if !from_one {
        return (train, test);
    }
    notes.push("EMNIST's letters are counted from 1: 1 was taken from every label".to_owned());
    let less = |labels: Vec<u32>| labels.into_iter().map(|label| label - 1).collect();
    (less(train), less(test))
}

/// What stands before the names in a folder that has one set.
fn prefix_in(folder: &Path) -> Result<String, DatasetError> {
    let prefixes = prefixes(folder);
    match prefixes.as_slice() {
        [prefix] => Ok(prefix.clone()),
        [] => Ok(String::new()),
        several if several.contains(&String::new()) => Ok(String::new()),
        several => {
            let names: Vec<&str> = several.iter().map(|prefix| prefix.trim_end_matches('-')).collect();
            let example = folder.join(names[0]);
            let found = format!("holds {} sets ({})", names.len(), names.join(", "));
            Err(DatasetError::malformed(folder, found, format!("one of them, such as `mnist:{}`", example.display())))
        }
    }
}

/// The file of this name in `dir`, in whichever way it is spelled there.
fn find(dir: &Path, prefix: &str, name: &str) -> Option<PathBuf> {
    let mut names = vec![name.to_owned()];
    for (usual, also) in ALSO {
        names.extend(names.clone().into_iter().map(|name| name.replace(usual, also)));
    }
    names
        .into_iter()
        .flat_map(|name| {
            let dotted = name.replace("-idx", ".idx");
            [name.clone(), format!("{name}.gz"), format!("{dotted}.gz"), dotted]
        })
        .map(|spelling| dir.join(format!("{prefix}{spelling}")))
        .find(|path| files::is_file(path))
}

/// What to say of a folder that lacks some of the four files.
fn incomplete(dir: &Path, found: &[Option<PathBuf>; 4]) -> DatasetError {
    let lacking: Vec<&str> = NAMES.into_iter().zip(found).filter(|(_, path)| path.is_none()).map(|(name, _)| name).collect();
    let lacking = lacking.join(", ");
    let all = "the four files of MNIST, each with or without `.gz`";
    let (part, images, labels) = match found {
        [_, _, Some(images), Some(labels)] => ("test", images, labels),
        [Some(images), Some(labels), _, _] => ("train", images, labels),
        _ => return DatasetError::malformed(dir, format!("has no {lacking}"), all),
    };
    let pair = format!("idx:{},{}", images.display(), labels.display());
    let found = format!("has only the {part} pair and no {lacking}");
    DatasetError::malformed(dir, found, format!("{all}; to use this pair alone, give `{pair}`"))
}

/// The source that IDX files make together: a pair of images and labels, or the four of MNIST in one folder. `None` where no file is IDX, by
/// its first bytes.
///
/// # Errors
/// A sentence that says what lacks or is too much.
pub(in crate::dataset) fn source_of(paths: &[PathBuf]) -> Result<Option<Source>, String> {
    let ranks = paths.iter().filter_map(|path| Some((path, idx::rank(path)?)));
    let (labels, images): (Vec<_>, Vec<_>) = ranks.partition(|(_, rank)| *rank == 1);
    let names = |files: &[(&PathBuf, u8)]| files.iter().map(|(path, _)| name_of(path)).collect::<Vec<_>>().join(", ");
    match (images.as_slice(), labels.as_slice()) {
        ([], []) => Ok(None),
        ([(images, _)], [(labels, _)]) => Ok(Some(Source::of(&idx::FORMAT, [(*images).clone(), (*labels).clone()]))),
        ([(first, _), _], [_, _]) => {
            let folder = first.parent().unwrap_or(Path::new(""));
            let of_mnist = NAMES.iter().all(|name| find(folder, "", name).is_some_and(|file| paths.contains(&file)));
            of_mnist.then(|| Some(Source::of(&FORMAT, [folder.to_owned()]))).ok_or_else(|| {
                let (images, labels) = (names(&images), names(&labels));
                format!(
                    "two pairs of IDX files are taken with the names of MNIST alone ({}); found {images} and {labels}",
                    NAMES.join(", ")
                )
            })
        }
        (images, []) => Err(format!("{}: images in IDX without their labels; give both files together", names(images))),
        ([], labels) => Err(format!("{}: labels in IDX without their images; give both files together", names(labels))),
        (images, labels) => Err(format!(
            "expected one IDX file of images and one of labels, or the four of MNIST; found the images {} and the labels {}",
            names(images),
            names(labels)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::idx::tests::{folder, gzip, idx as idx_file, pair, write};
    use super::*;

    fn read_folder_of(path: &Path) -> Result<Raw, DatasetError> {
        read_folder(path, &DataRange::Auto)
    }

    #[test]
    fn files_that_come_together_are_a_pair_or_mnist_or_named_as_neither() {
        let dir = folder();
        let (images, labels) = pair();
        let (a, b) = (write(&dir, "a", &gzip(&images)), write(&dir, "b", &labels));
        let other = write(&dir, "c.json", b"{}");
        let pair = Source::of(&idx::FORMAT, [a.clone(), b.clone()]);
        assert_eq!(source_of(&[b.clone(), other.clone(), a.clone()]), Ok(Some(pair)));
        assert_eq!(source_of(std::slice::from_ref(&other)), Ok(None));
        assert_eq!(source_of(&[dir.path().join("nothing")]), Ok(None));
        for (alone, lacks) in [(&a, "without their labels"), (&b, "without their images")] {
            let told = source_of(std::slice::from_ref(alone)).expect_err("half a pair");
            assert!(told.contains(lacks), "{told}");
        }
        let told = source_of(&[a.clone(), a.clone(), b.clone()]).expect_err("three files");
        assert!(told.contains("one of labels"), "{told}");
        let four = NAMES.map(|name| write(&dir, &format!("{name}.gz"), if name.contains("images") { &images } else { &labels }));
        assert_eq!(source_of(&four), Ok(Some(Source::of(&FORMAT, [dir.path().to_owned()]))));
        let told = source_of(&[a, four[0].clone(), b, four[1].clone()]).expect_err("two pairs of other names");
        assert!(told.contains("names of MNIST"), "{told}");
    }

    #[test]
    fn a_folder_has_a_train_and_a_test_part_in_every_spelling() {
        let (images, labels) = pair();
        let test_labels = idx_file(&[3], &[4, 0, 1]);
        for (suffix, dotted) in [("", false), (".gz", false), ("", true), (".gz", true)] {
            let dir = folder();
            for (name, bytes) in NAMES.into_iter().zip([&images, &labels, &images, &test_labels]) {
                let name = if dotted { name.replace("-idx", ".idx") } else { name.to_owned() };
                let bytes = if suffix.is_empty() { bytes.clone() } else { gzip(bytes) };
                write(&dir, &format!("{name}{suffix}"), &bytes);
            }
            let raw = read_folder_of(dir.path()).expect("the folder is whole");
            assert_eq!(raw.samples.labels, [2, 0, 1]);
            assert_eq!(raw.own_test.map(|test| test.labels), Some(vec![4, 0, 1]));
            // The highest label of both parts counts.
            assert_eq!(raw.classes, 5);
        }
    }

    #[test]
    fn a_folder_names_every_file_that_it_lacks() {
        let dir = folder();
        let none = read_folder_of(dir.path()).expect_err("the folder is empty").to_string();
        assert!(NAMES.iter().all(|name| none.contains(name)), "{none}");
        write(&dir, NAMES[0], &pair().0);
        write(&dir, NAMES[3], &pair().1);
        let some = read_folder_of(dir.path()).expect_err("two files are lacking").to_string();
        assert!(some.contains(NAMES[1]) && some.contains(NAMES[2]) && !some.contains(NAMES[0]), "{some}");
    }

    #[test]
    fn a_folder_with_the_test_pair_alone_is_told_how_to_use_it() {
        let dir = folder();
        let images = write(&dir, &format!("{}.gz", NAMES[2]), &gzip(&pair().0));
        let labels = write(&dir, NAMES[3], &pair().1);
        let error = read_folder_of(dir.path()).expect_err("the train pair is lacking").to_string();
        let pair = format!("`idx:{},{}`", images.display(), labels.display());
        assert!(error.contains("only the test pair") && error.contains(NAMES[0]) && error.contains(&pair), "{error}");
    }

    #[test]
    fn test_images_of_another_size_are_refused() {
        let dir = folder();
        let (images, labels) = pair();
        for (name, bytes) in NAMES.into_iter().zip([&images, &labels, &idx_file(&[3, 1, 4], &[0; 12]), &labels]) {
            write(&dir, name, bytes);
        }
        let error = read_folder_of(dir.path()).expect_err("the sizes differ").to_string();
        assert!(error.contains("1x1x4") && error.contains("1x2x2"), "{error}");
    }

    #[test]
    fn a_file_is_no_folder() {
        let dir = folder();
        let file = write(&dir, "file", &[]);
        assert!(read_folder_of(&file).expect_err("a file is no folder").to_string().contains("is no folder"));
        assert!(matches!(read_folder_of(&dir.path().join("absent")), Err(DatasetError::Unreadable { .. })));
    }

    #[test]
    fn the_parts_of_emnist_are_told_by_their_names_and_its_letters_count_from_0() {
        let dir = folder();
        let (images, _) = pair();
        let labels = idx_file(&[3], &[1, 3, 2]);
        for part in ["emnist-letters", "emnist-digits"] {
            for name in ["train-images-idx3-ubyte", "test-images-idx3-ubyte"] {
                write(&dir, &format!("{part}-{name}.gz"), &gzip(&images));
            }
            for name in ["train-labels-idx1-ubyte", "test-labels-idx1-ubyte"] {
                write(&dir, &format!("{part}-{name}.gz"), &gzip(&labels));
            }
        }
        let several = read_folder_of(dir.path()).expect_err("there are two sets").to_string();
        assert!(several.contains("emnist-digits, emnist-letters") && several.contains("mnist:"), "{several}");
        let letters = dir.path().join("emnist-letters");
        assert!(sniff(&Found::at(&letters).expect("files begin so")));
        let raw = read_folder_of(&letters).expect("the set is whole");
        assert_eq!((raw.samples.labels.as_slice(), raw.classes), ([0, 2, 1].as_slice(), 3));
        assert_eq!(raw.own_test.map(|test| test.labels), Some(vec![0, 2, 1]));
        assert!(raw.notes.join("; ").contains("counted from 1"), "{:?}", raw.notes);
        // Elsewhere a class that lacks is told and left.
        let raw = read_folder_of(&dir.path().join("emnist-digits")).expect("the set is whole");
        assert_eq!((raw.samples.labels.as_slice(), raw.classes), ([1, 3, 2].as_slice(), 4));
        assert!(raw.notes.join("; ").contains("run from 1 to 3"), "{:?}", raw.notes);
    }

    #[test]
    fn images_find_their_labels() {
        for (images, labels) in [
            ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
            ("a-images-idx3-ubyte.gz", "a-labels-idx1-ubyte"),
            ("qmnist-test-images-idx3-ubyte.gz", "qmnist-test-labels-idx2-int.gz"),
        ] {
            let dir = folder();
            let path = write(&dir, images, &pair().0);
            let alone = [path.clone()];
            let lacking = Source::of(&idx::FORMAT, alone.clone()).to_string();
            let read = || Format::of(&alone).and_then(|format| format.read(&alone, &DataRange::Auto));
            assert!(read().expect_err("there are no labels").to_string().contains("no labels beside it"), "{lacking}");
            write(&dir, labels, &pair().1);
            assert_eq!(read().expect("the pair is whole").samples.labels, [2, 0, 1], "{images}");
        }
    }
}
