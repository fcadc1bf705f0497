//! The samples of a set: which files it has, which columns, and what is in them.

use std::path::{Path, PathBuf};

use super::{
    super::{
        bundle,
        found::{name_of, unreadable},
        image_folder::class_note,
        labels,
        picture::{Common, Picture, decode},
    },
    footer::{self, Column, Footer, Type},
    pages::{self, Values},
};
use crate::{
    dataset::{DatasetError, FEWER, MAX_NUMBERS, Raw, Samples, balance_notes},
    files,
};

/// What columns of pictures and of labels are called, the most wanted first.
const PICTURES: [&str; 5] = ["image", "img", "images", "picture", "pixel_values"];
const LABELS: [&str; 6] = ["label", "fine_label", "labels", "class", "target", "y"];
const EXPECTED: &str =
    "a column of pictures, such as `image` or `img` of `bytes`, and a whole-numbered one of labels, such as `label`";
/// What the names of files begin with that hold a test part, the most wanted first.
const TESTS: [&str; 4] = ["test", "validation", "valid", "val"];
/// How many names a folder may have that are looked at.
const NAMES: usize = 10_000;

/// What a file says besides its samples.
struct Part {
    pictures: Vec<Picture>,
    labels: Vec<u32>,
    /// Names of the classes, where the library noted them.
    names: Vec<String>,
    /// What its columns are called.
    columns: (String, String),
    /// Columns of labels that were not taken.
    others: Vec<String>,
}

/// Reads a set: `path` is a file, one of several that belong together, or a folder of such files.
pub(super) fn read(path: &Path) -> Result<Raw, DatasetError> {
    let Parts { train, test, mut notes } = parts(path)?;
    let mut numbers = 0;
    let train = part(&train, &mut numbers)?;
    let test = if test.is_empty() { None } else { Some(part(&test, &mut numbers)?) };
    let malformed = |(found, expected): (String, String)| DatasetError::malformed(path, found, expected);
    let all = |part: &'static str| move |(row, picture)| (format!("the picture in row {row} of {part}"), picture);
    let tested = test.iter().flat_map(|part| part.pictures.iter().enumerate().map(all("test")));
    let common = Common::of(train.pictures.iter().enumerate().map(all("train")).chain(tested), &mut notes).map_err(malformed)?;
    notes.push(format!("pictures are in `{}`, labels in `{}`", train.columns.0, train.columns.1));
    if !train.others.is_empty() {
        notes.push(format!("labels in {} are left out", train.others.join(", ")));
    }
    if !train.names.is_empty() {
        notes.push(class_note(&train.names).replace("in the order of their names", "as the file names them"));
    }
    notes.extend(balance_notes(&train.labels));
    let highest = train.labels.iter().chain(test.iter().flat_map(|part| &part.labels)).max().copied().unwrap_or(0);
    let classes = (highest as usize + 1).max(train.names.len()).max(2);
    let samples = |part: Part| {
        let rows = (0..part.labels.len() as u32).collect();
        let pixels = part.pictures.into_iter().flat_map(|picture| common.numbers(picture)).collect();
        Samples { pixels, labels: part.labels, rows }
    };
    if test.is_none() {
        notes.push("there is no file of a test part: it is taken from this one".to_owned());
    }
    Ok(Raw {
        shape: common.shape(),
        classes,
        samples: samples(train),
        own_test: test.map(samples),
        usual_test: None,
        notes,
        origin: common.origin(),
    })
}

/// The files of a set.
struct Parts {
    train: Vec<PathBuf>,
    test: Vec<PathBuf>,
    notes: Vec<String>,
}

/// Finds the files of the set that `path` is of.
fn parts(path: &Path) -> Result<Parts, DatasetError> {
    let folder = if files::is_dir(path) { path } else { path.parent().unwrap_or(Path::new("")) };
    let alone = || Parts { train: vec![path.to_owned()], test: Vec::new(), notes: Vec::new() };
    let begins = |name: &str, part: &str| last(name).to_ascii_lowercase().starts_with(part);
    if !files::is_dir(path) && !begins(&name_of(path), "train") {
        return Ok(alone());
    }
    let mut names: Vec<String> = if files::is_dir(path) {
        bundle::names_in_folder(folder, NAMES)?
    } else {
        files::list(folder).map_err(|cause| unreadable(folder, &cause))?.iter().map(|file| name_of(file)).collect()
    };
    names.retain(|name| name.ends_with(".parquet"));
    names.sort();
    let of =
        |part: &str| -> Vec<PathBuf> { names.iter().filter(|name| begins(name, part)).map(|name| folder.join(name)).collect() };
    let (train, tests) = (of("train"), TESTS.map(of));
    let test = tests.iter().find(|files| !files.is_empty()).cloned().unwrap_or_default();
    let mut notes = Vec::new();
    if train.is_empty() {
        if files::is_dir(path) && test.is_empty() {
            let all = names.iter().map(|name| folder.join(name)).collect();
            return Ok(Parts { train: all, test, notes });
        }
        notes.push("there is no file of a train part: all parts are taken from the one there is".to_owned());
        return Ok(Parts { train: test, test: Vec::new(), notes });
    }
    let files = train.len() + test.len();
    if files > 1 {
        notes.push(format!("{files} files of one set: {} of train, {} of test", train.len(), test.len()));
    }
    Ok(Parts { train, test, notes })
}

/// The last part of a name that has folders in it.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Reads the files of a part, one after the other; `numbers` counts those of all pictures so far.
fn part(paths: &[PathBuf], numbers: &mut u64) -> Result<Part, DatasetError> {
    let mut whole: Option<Part> = None;
    for path in paths {
        let read = file(path, numbers)?;
        match &mut whole {
            None => whole = Some(read),
            Some(before) if before.columns != read.columns => {
                let found = format!("has its pictures and labels in `{}` and `{}`", read.columns.0, read.columns.1);
                let expected = format!("`{}` and `{}`, as the file before", before.columns.0, before.columns.1);
                return Err(DatasetError::malformed(path, found, expected));
            }
            Some(before) => {
                before.pictures.extend(read.pictures);
                before.labels.extend(read.labels);
            }
        }
    }
    whole.ok_or_else(|| DatasetError::malformed(Path::new(""), "no file is named", "one file or folder"))
}

fn file(path: &Path, numbers: &mut u64) -> Result<Part, DatasetError> {
    let malformed = |found: String, expected: &str| DatasetError::malformed(path, found, expected.to_owned());
    let bytes = files::read(path).map_err(|cause| unreadable(path, &cause))?;
    let index = footer::read(&bytes).map_err(|found| malformed(found, "a whole Parquet file; fetch it again"))?;
    let (of_pictures, of_labels, others) = columns(&index).map_err(|found| malformed(found, EXPECTED))?;
    let mut read = Part {
        pictures: Vec::new(),
        labels: Vec::new(),
        names: index.about.as_deref().map(|about| names(about, of_labels)).unwrap_or_default(),
        columns: (of_pictures.path[0].clone(), of_labels.name()),
        others,
    };
    for group in &index.groups {
        let values = |column: &Column| {
            let name = column.name();
            let chunk = group.iter().find(|(other, _)| *other == name).map(|(_, chunk)| chunk);
            let chunk = chunk.ok_or_else(|| format!("has no pages of `{name}`"))?;
            pages::read(&bytes, column, chunk)
        };
        let damaged =
            |found: String| malformed(found, "a Parquet file as data set hubs ship it (`datasets`, `pyarrow`), fetched whole");
        let (Values::Bytes(pictures), Values::Ints(labels)) =
            (values(of_pictures).map_err(damaged)?, values(of_labels).map_err(damaged)?)
        else {
            return Err(malformed("has columns of other kinds than it says".to_owned(), EXPECTED));
        };
        if pictures.len() != labels.len() {
            return Err(damaged(format!("has {} pictures and {} labels in one group of rows", pictures.len(), labels.len())));
        }
        let labels: Vec<f64> = labels.into_iter().map(|label| label as f64).collect();
        let labels = labels::labels(1, &labels);
        let labels = labels.map_err(|(found, expected)| malformed(format!("`{}` {found}", of_labels.name()), &expected))?;
        for (picture, label) in pictures.iter().zip(labels) {
            let row = read.labels.len();
            let picture = decode(picture).map_err(|what| {
                malformed(format!("`{}` in row {row} (counted from 0) {what}", of_pictures.name()), "a PNG or JPEG picture")
            })?;
            *numbers += picture.bytes.len() as u64;
            if *numbers > MAX_NUMBERS {
                return Err(malformed(format!("holds more than {MAX_NUMBERS} numbers"), FEWER));
            }
            read.pictures.push(picture);
            read.labels.push(label);
        }
    }
    if read.labels.len() != index.rows {
        return Err(malformed(
            format!("has {} rows and claims {}", read.labels.len(), index.rows),
            "a whole Parquet file; fetch it again",
        ));
    }
    if read.labels.is_empty() {
        return Err(malformed("has no rows".to_owned(), EXPECTED));
    }
    Ok(read)
}

/// The column of pictures, the one of labels, and other columns that could have been the labels.
///
/// # Errors
/// The columns that are there.
fn columns(index: &Footer) -> Result<(&Column, &Column, Vec<String>), String> {
    let listed = || {
        let names: Vec<String> = index.columns.iter().map(|column| format!("`{}`", column.name())).collect();
        format!("has no pictures with labels; its columns are {}", names.join(", "))
    };
    let rank = |known: &[&str], column: &Column| known.iter().position(|name| column.path[0].eq_ignore_ascii_case(name));
    // Pictures are bytes, alone or in a group that also has their path.
    let is_picture = |column: &&Column| {
        column.of == Type::Bytes
            && match column.path.as_slice() {
                [_, leaf] => leaf == "bytes",
                [_] => rank(&PICTURES, column).is_some(),
                _ => false,
            }
    };
    let of_pictures =
        index.columns.iter().filter(is_picture).min_by_key(|column| rank(&PICTURES, column).unwrap_or(PICTURES.len()));
    let whole = |column: &&Column| matches!(column.of, Type::Int32 | Type::Int64) && column.path.len() == 1;
    let known = index.columns.iter().filter(whole).filter(|column| rank(&LABELS, column).is_some());
    let of_labels = known.min_by_key(|column| rank(&LABELS, column)).or_else(|| {
        let mut whole = index.columns.iter().filter(whole);
        whole.next().filter(|_| whole.next().is_none())
    });
    let (of_pictures, of_labels) = of_pictures.zip(of_labels).ok_or_else(listed)?;
    let others = index.columns.iter().filter(whole).filter(|column| *column != of_labels && column.name().contains("label"));
    Ok((of_pictures, of_labels, others.map(|column| format!("`{}`", column.name())).collect()))
}

/// The names of classes that the library noted for a column.
fn names(about: &str, column: &Column) -> Vec<String> {
    let about: serde_json::Value = serde_json::from_str(about).unwrap_or_default();
    let names = &about["info"]["features"][&column.path[0]]["names"];
    names.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests;
