//! Folders of PNG or JPEG pictures by class, as torchvision's `ImageFolder` reads them: `CLASS/picture.png`, or `train/CLASS/picture.png` and
//! `test/CLASS/picture.png`. Classes are counted in the order of their names. An archive (zip, tar, tar.gz) of such a folder is read as well.

use std::path::Path;

use super::{
    Format, Reader, bundle,
    found::Found,
    only,
    picture::{Common, Picture, decode},
};
use crate::dataset::{DatasetError, FEWER, MAX_NUMBERS, Raw, Samples, balance_notes};

pub(super) const FORMAT: Format = Format {
    name: "images",
    usage: "images:DIR",
    about: "a folder (or .zip, .tar.gz) of PNG or JPEG pictures, one subfolder a class",
    sniff: |found: &Found| found.inside.iter().any(|name| is_picture(name) && name.contains('/')),
    read: Reader::Pictures(|paths| read(only(paths)?)),
};

const EXPECTED: &str = "CLASS/picture.png, or train/CLASS/picture.png and test/CLASS/picture.png";
/// What folders of a train and of a test part are called. A validation part stands for a test part where there is none.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 5] = ["test", "testing", "val", "valid", "validation"];
/// The largest file of one picture.
const LARGEST: u64 = 1 << 26;
/// How many names a note lists.
const SHOWN: usize = 10;

/// Whether a file of this name is taken for a picture: PNG or JPEG.
pub fn is_picture(name: &str) -> bool {
    let kind = name.rsplit_once('.').map(|(_, kind)| kind.to_ascii_lowercase()).unwrap_or_default();
    ["png", "jpg", "jpeg"].contains(&kind.as_str())
}

/// A picture with its name and what its folders say.
struct Labelled {
    name: String,
    parts: Vec<String>,
    picture: Picture,
}

fn read(path: &Path) -> Result<Raw, DatasetError> {
    let mut pictures: Vec<Labelled> = Vec::new();
    let (mut others, mut numbers) = (0, 0_u64);
    bundle::each(path, &mut |name, reader| {
        if !is_picture(name) {
            others += 1;
            return Ok(true);
        }
        let bytes = bundle::whole(path, name, reader, LARGEST)?;
        let picture =
            decode(&bytes).map_err(|what| DatasetError::malformed(path, format!("`{name}` {what}"), "a PNG or JPEG picture"))?;
        numbers += picture.bytes.len() as u64;
        if numbers > MAX_NUMBERS {
            return Err(DatasetError::malformed(path, format!("holds more than {MAX_NUMBERS} numbers"), FEWER));
        }
        let parts = name.split('/').map(str::to_owned).collect();
        pictures.push(Labelled { name: name.to_owned(), parts, picture });
        Ok(true)
    })?;
    // An archive has its own order; a set has that of its names, as torchvision has.
    pictures.sort_by(|a, b| a.parts.cmp(&b.parts));
    if pictures.is_empty() {
        return Err(DatasetError::malformed(path, format!("holds no picture among {others} files"), EXPECTED));
    }
    let mut notes = Vec::new();
    if others > 0 {
        notes.push(format!("{others} files that are no PNG or JPEG are left out"));
    }
    // What all lie in is the name of the set: an archive has its folder in every name.
    while pictures.iter().all(|one| one.parts.len() > 1 && one.parts[0] == pictures[0].parts[0] && !is_part(&one.parts[0]))
        && pictures.iter().any(|one| one.parts.len() > 2)
    {
        let classes_below = pictures.iter().any(|one| one.parts[1] != pictures[0].parts[1]);
        pictures.iter_mut().for_each(|one| drop(one.parts.remove(0)));
        if classes_below {
            break;
        }
    }
    let named = pictures.iter().map(|one| (format!("`{}`", one.name), &one.picture));
    let common = Common::of(named, &mut notes).map_err(|(found, expected)| DatasetError::malformed(path, found, expected))?;
    let parted = pictures.iter().all(|one| is_part(&one.parts[0]));
    let class_at = usize::from(parted);
    if let Some(bare) = pictures.iter().find(|one| one.parts.len() < class_at + 2) {
        return Err(DatasetError::malformed(path, format!("`{}` lies in no folder of a class", bare.name), EXPECTED));
    }
    let mut names: Vec<String> = pictures.iter().map(|one| one.parts[class_at].clone()).collect();
    names.sort();
    names.dedup();
    if let [only] = names.as_slice() {
        let expected = format!("two classes at least: {EXPECTED}");
        return Err(DatasetError::malformed(path, format!("holds pictures of one class alone, `{only}`"), expected));
    }
    notes.push(class_note(&names));
    let has = |wanted: &[&str]| parted && pictures.iter().any(|one| wanted.contains(&part_of(one).as_str()));
    let test_names: Vec<&str> = if has(&TEST[..2]) { TEST[..2].to_vec() } else { TEST[2..].to_vec() };
    let (train, test): (Vec<Labelled>, Vec<Labelled>) = if parted {
        let left: usize = pictures
            .iter()
            .filter(|one| !TRAIN.contains(&part_of(one).as_str()) && !test_names.contains(&part_of(one).as_str()))
            .count();
        if left > 0 {
            notes.push(format!("{left} pictures of a validation part are left out: --validation draws one from train"));
        }
        let wanted = pictures
            .into_iter()
            .filter(|one| TRAIN.contains(&part_of(one).as_str()) || test_names.contains(&part_of(one).as_str()));
        wanted.partition(|one| TRAIN.contains(&part_of(one).as_str()))
    } else {
        (pictures, Vec::new())
    };
    let (train, test) = if train.is_empty() {
        notes.push("there is no train folder: all parts are taken from the one there is".to_owned());
        (test, train)
    } else {
        (train, test)
    };
    let samples = samples(train, &names, class_at, common);
    let own_test = (!test.is_empty()).then(|| self::samples(test, &names, class_at, common));
    notes.extend(balance_notes(&samples.labels));
    Ok(Raw {
        shape: common.shape(),
        classes: names.len().max(2),
        samples,
        own_test,
        usual_test: None,
        notes,
        origin: common.origin(),
    })
}

fn part_of(one: &Labelled) -> String {
    one.parts[0].to_ascii_lowercase()
}

fn is_part(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TRAIN.contains(&name.as_str()) || TEST.contains(&name.as_str())
}

/// Which class is which.
pub(super) fn class_note(names: &[String]) -> String {
    let shown =
        names.iter().take(SHOWN).enumerate().map(|(class, name)| format!("{class} {name}")).collect::<Vec<_>>().join(", ");
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    format!("classes in the order of their names: {shown}{more}")
}

fn samples(pictures: Vec<Labelled>, names: &[String], class_at: usize, common: Common) -> Samples {
    let mut samples = Samples::default();
    for one in pictures {
        // Every name is in the list, which is in order.
        samples.labels.push(names.binary_search(&one.parts[class_at]).unwrap_or_default() as u32);
        samples.pixels.extend(common.numbers(one.picture));
    }
    samples.rows = (0..samples.labels.len() as u32).collect();
    samples
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Cursor};

    use image::{DynamicImage, ImageFormat, RgbImage};

    use super::*;
    use crate::dataset::SampleShape;

    /// A picture of 2 x 3 pixels (height x width) of this colour, but for the first pixel, which is black.
    fn picture(colour: [u8; 3], format: ImageFormat, grey: bool) -> Vec<u8> {
        let mut image = RgbImage::from_pixel(3, 2, image::Rgb(colour));
        image.put_pixel(0, 0, image::Rgb([0, 0, 0]));
        let image = if grey { DynamicImage::from(image).into_luma8().into() } else { DynamicImage::from(image) };
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, format).expect("a vector takes every byte");
        file.into_inner()
    }

    fn write(root: &Path, name: &str, bytes: &[u8]) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the temporary folder can be written");
        fs::write(path, bytes).expect("the temporary folder can be written");
    }

    #[test]
    fn classes_are_counted_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        let png = |colour| picture(colour, ImageFormat::Png, false);
        write(dir.path(), "zebra/1.png", &png([255, 0, 51]));
        write(dir.path(), "ant/b.PNG", &png([0, 255, 0]));
        write(dir.path(), "ant/a.png", &png([0, 0, 255]));
        write(dir.path(), "ant/.DS_Store", b"x");
        write(dir.path(), "readme.txt", b"x");
        assert!((FORMAT.sniff)(&Found::at(dir.path()).expect("it is there")));
        let raw = read(dir.path()).expect("the folder is whole");
        assert_eq!(raw.shape, SampleShape::Image { channels: 3, height: 2, width: 3 });
        assert_eq!((raw.samples.labels.as_slice(), raw.classes), ([0, 0, 1].as_slice(), 2));
        // The zebra: red, with a black corner; its third channel is a fifth.
        assert_eq!(raw.samples.pixels[36..], [0., 1., 1., 1., 1., 1., 0., 0., 0., 0., 0., 0., 0., 0.2, 0.2, 0.2, 0.2, 0.2]);
        let notes = raw.notes.join("; ");
        assert!(notes.contains("0 ant, 1 zebra") && notes.contains("1 files"), "{notes}");
    }

    #[test]
    fn a_picture_beside_the_classes_and_a_class_alone_are_refused_in_folders_and_archives() {
        let png = picture([255, 0, 51], ImageFormat::Png, false);
        for (names, wanted) in [
            (["ant/1.png", "bee/1.png", "logo.png"], "`set/logo.png` lies in no folder of a class"),
            (["1.png", "2.png", "3.png"], "one class alone, `set`"),
            (["ant/1.png", "ant/2.png", "ant/3.png"], "one class alone, `ant`"),
        ] {
            let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for name in names {
                write(dir.path(), &format!("set/{name}"), &png);
                zip.start_file(format!("set/{name}"), zip::write::SimpleFileOptions::default()).expect("it takes an entry");
                std::io::Write::write_all(&mut zip, &png).expect("the entry takes its bytes");
            }
            let archive = tempfile::NamedTempFile::with_suffix(".zip").expect("the system gives a temporary file");
            fs::write(archive.path(), zip.finish().expect("it can be closed").into_inner()).expect("it can be written");
            for path in [dir.path(), archive.path()] {
                let error = read(path).expect_err(wanted).to_string();
                assert!(error.contains(wanted), "{error}");
            }
        }
    }

    #[test]
    fn parts_and_grey_pictures_and_archives_are_read() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        let grey = |value| picture([value; 3], ImageFormat::Png, true);
        let files = [("train/a/1.png", 51), ("train/b/1.png", 102), ("test/b/1.png", 153), ("val/a/1.png", 204)];
        files.iter().for_each(|(name, value)| write(dir.path(), name, &grey(*value)));
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, value) in files {
            zip.start_file(format!("set/{name}"), zip::write::SimpleFileOptions::default()).expect("the archive takes an entry");
            std::io::Write::write_all(&mut zip, &grey(value)).expect("the entry takes its bytes");
        }
        let archive = tempfile::NamedTempFile::with_suffix(".zip").expect("the system gives a temporary file");
        fs::write(archive.path(), zip.finish().expect("the archive can be closed").into_inner()).expect("it can be written");
        for path in [dir.path(), archive.path()] {
            assert!((FORMAT.sniff)(&Found::at(path).expect("it is there")));
            let raw = read(path).expect("the set is whole");
            assert_eq!(raw.shape, SampleShape::Image { channels: 1, height: 2, width: 3 });
            assert_eq!(
                (raw.samples.labels.as_slice(), raw.samples.pixels[1], raw.samples.pixels[7]),
                ([0, 1].as_slice(), 0.2, 0.4)
            );
            let test = raw.own_test.expect("there is a test folder");
            assert_eq!((test.labels.as_slice(), test.pixels[1]), ([1].as_slice(), 0.6));
            assert!(raw.notes.join("; ").contains("1 pictures of a validation part"), "{:?}", raw.notes);
        }
    }

    #[test]
    fn a_jpeg_is_nearly_its_colour() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        for class in ["a", "b"] {
            write(dir.path(), &format!("{class}/1.jpg"), &picture([200, 200, 200], ImageFormat::Jpeg, true));
        }
        let raw = read(dir.path()).expect("the folder is whole");
        // JPEG rounds, most of all beside a black pixel.
        assert!((raw.samples.pixels[5] * 255.0 - 200.0).abs() < 25.0, "{}", raw.samples.pixels[5] * 255.0);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let refusal = |files: &[(&str, Vec<u8>)]| {
            let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
            files.iter().for_each(|(name, bytes)| write(dir.path(), name, bytes));
            read(dir.path()).expect_err("it does not fit").to_string()
        };
        let small = picture([9; 3], ImageFormat::Png, false);
        let mut wide = Cursor::new(Vec::new());
        DynamicImage::from(RgbImage::new(4, 2)).write_to(&mut wide, ImageFormat::Png).expect("a vector takes every byte");
        let error = refusal(&[("a/1.png", small.clone()), ("b/2.png", wide.into_inner())]);
        assert!(error.contains("`b/2.png` has 2 x 4") && error.contains("`a/1.png` 2 x 3"), "{error}");
        assert!(refusal(&[("a/1.png", small[..20].to_vec())]).contains("`a/1.png` cannot be decoded"));
        assert!(refusal(&[("a/1.png", b"<html>".to_vec())]).contains("web page"));
        assert!(refusal(&[("1.png", small.clone()), ("b/1.png", small)]).contains("`1.png` lies in no folder"));
        assert!(refusal(&[("a/1.txt", vec![1])]).contains("no picture among 1 files"));
    }
}
