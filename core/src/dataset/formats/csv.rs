//! Tables of numbers as text (CSV): points of a plane, rows of features, or pixels; with a header or none.
//!
//! The label stands in the column that is called so, else in the last one (without a header also in the first, where only that can be one).
//! Labels may be words: classes are counted in their order.

use std::{collections::HashMap, path::Path};

use super::{
    Format, Reader,
    found::{Found, bytes_of},
    image_folder::class_note,
    labels::{MAX_CLASSES, labels, strange},
    npy::Numbers,
    only,
    pixels::{Layout, Pixels, Range, layout, pixels_of, range},
};
use crate::{
    dataset::{DataRange, DatasetError, FEWER, MAX_NUMBERS, Raw, SampleShape, Samples, classes_of},
    files::what_else,
};

pub(super) const FORMAT: Format = Format {
    name: "csv",
    usage: "csv:FILE",
    about: "CSV, a table of numbers with a column of labels",
    sniff,
    read: Reader::Numbers(|paths, range| read(only(paths)?, range)),
};

const EXPECTED: &str = "a table: one row a sample, numbers, and a label in a column called `label` or in the last one";
/// What a column of labels may be called.
const LABELS: [&str; 9] = ["label", "labels", "class", "target", "species", "digit", "category", "classes", "targets"];
/// What a column may be called that counts rows.
const INDICES: [&str; 5] = ["", "id", "index", "unnamed: 0", "row"];
/// Numbers of a row that is a picture: MNIST, MNIST with a margin, CIFAR.
const PICTURES: [(usize, SampleShape); 3] = [
    (784, SampleShape::Image { channels: 1, height: 28, width: 28 }),
    (1024, SampleShape::Image { channels: 1, height: 32, width: 32 }),
    (3072, SampleShape::Image { channels: 3, height: 32, width: 32 }),
];
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

fn sniff(found: &Found) -> bool {
    let Ok(text) = std::str::from_utf8(valid(&found.start)) else { return false };
    if found.folder || what_else(&found.start).is_some() || text.contains('\0') {
        return false;
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(first), second) = (lines.next(), lines.next()) else { return false };
    let separator = separator_of(first.as_bytes());
    // What stands in quotes separates nothing.
    let cells = |line: &str| line.split('"').step_by(2).flat_map(str::bytes).filter(|byte| *byte == separator).count();
    let number = |line: &str| line.split(char::from(separator)).any(|cell| cell.trim().parse::<f64>().is_ok());
    cells(first) > 0
        && second.map_or_else(
            || number(first),
            |second| number(second) && (cells(first) == cells(second) || found.length > found.start.len() as u64),
        )
}

/// The bytes without a character at their end that was cut.
fn valid(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// The separator that a line has most of.
fn separator_of(line: &[u8]) -> u8 {
    let count = |separator: &u8| line.iter().filter(|byte| *byte == separator).count();
    // Of equal ones the last is the greatest.
    SEPARATORS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}

#[derive(Debug, Default)]
struct Table {
    header: Option<Vec<String>>,
    columns: usize,
    /// Numbers, row by row; a word is a NaN that carries the place of it in `words`.
    cells: Vec<f64>,
    words: Vec<String>,
    places: HashMap<String, usize>,
}

fn read(path: &Path, given: &DataRange) -> Result<Raw, DatasetError> {
    let malformed = |found: String| DatasetError::malformed(path, found, EXPECTED);
    let table = table(path)?;
    let rows = table.cells.len() / table.columns.max(1);
    if rows == 0 {
        return Err(malformed("has no row of numbers".to_owned()));
    }
    let mut notes = Vec::new();
    let label = label_column(&table).map_err(malformed)?;
    let name = |column: usize| {
        table.header.as_ref().map_or_else(|| format!("column {}", column + 1), |names| format!("column `{}`", names[column]))
    };
    notes.push(format!("{} holds the labels{}", name(label), if table.header.is_some() { "" } else { "; there is no header" }));
    let mut kept: Vec<usize> = (0..table.columns).filter(|&column| column != label).collect();
    if let Some(names) = &table.header {
        let is_index = |column: &usize| INDICES.contains(&names[*column].to_lowercase().as_str());
        if let Some(column) = kept.iter().copied().find(is_index).filter(|_| kept.len() > 1) {
            notes.push(format!("{} counts rows and is left out", name(column)));
            kept.retain(|&other| other != column);
        }
    }
    let mut values = Vec::with_capacity(rows * kept.len());
    for (row, cells) in table.cells.chunks_exact(table.columns).enumerate() {
        for &column in &kept {
            if table.is_word(cells[column]) {
                let first = row + 1 + usize::from(table.header.is_some());
                return Err(malformed(format!(
                    "holds `{}` in row {first} (counted from 1), {}",
                    table.word(cells[column]),
                    name(column)
                )));
            }
            values.push(cells[column] as f32);
        }
    }
    let (labels, classes) = table
        .labels(label, &mut notes)
        .map_err(|(found, expected)| DatasetError::malformed(path, format!("{} {found}", name(label)), expected))?;
    let picture = PICTURES.into_iter().find(|(len, _)| *len == kept.len());
    let sizes = vec![rows, kept.len()];
    let mut row = layout(&sizes).map_err(|(found, expected)| DatasetError::malformed(path, found, expected))?;
    if let Some((len, shape)) = picture {
        row = Layout { shape, channels_last: false };
        notes.push(format!("rows of {len} numbers are taken as images of {shape}"));
    }
    if kept.len() == 2 && *given == DataRange::Auto {
        scale(&mut values, &mut notes);
    }
    let numbers = Numbers { sizes, whole: false, byte: false, values };
    let Pixels { shape, values, notes: done, origin } = pixels_of("the table", numbers, row, given)
        .map_err(|(found, expected)| DatasetError::malformed(path, found, expected))?;
    notes.extend(done);
    let samples = Samples { pixels: values, rows: (0..rows as u32).collect(), labels };
    Ok(Raw { shape, classes, samples, own_test: None, usual_test: None, notes, origin: format!("CSV, {origin}") })
}

/// Points of a plane are moved and scaled, by one factor for both axes, so that they lie in [0, 1].
fn scale(values: &mut [f32], notes: &mut Vec<String>) {
    if matches!(range(values, false), Range::Unit) || values.iter().any(|x| !x.is_finite()) {
        return;
    }
    let ends =
        |axis: usize| values.iter().skip(axis).step_by(2).fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    let [(left, right), (bottom, top)] = [ends(0), ends(1)];
    let size = (right - left).max(top - bottom);
    if size <= 0.0 {
        return;
    }
    for point in values.chunks_exact_mut(2) {
        point[0] = ((point[0] - left) / size).clamp(0.0, 1.0);
        point[1] = ((point[1] - bottom) / size).clamp(0.0, 1.0);
    }
    notes.push(format!(
        "points from ({left}, {bottom}) to ({right}, {top}) are moved and divided by {size}, so that they lie in [0, 1]: a radius of 0.1 is \
         {} there",
        0.1 * size
    ));
}

impl Table {
    fn is_word(&self, cell: f64) -> bool {
        cell.is_nan()
    }

    /// A word as it was written.
    fn word(&self, cell: f64) -> &str {
        // The place of the word is what a NaN carries.
        self.words.get((cell.to_bits() & 0xffff_ffff) as usize).map_or("", String::as_str)
    }

    fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.cells.iter().skip(column).step_by(self.columns.max(1)).copied()
    }

    /// Whether a column could hold classes: words, or whole numbers of which there are several.
    fn could_be_labels(&self, column: usize) -> bool {
        let first = self.column(column).next().map(f64::to_bits);
        let whole = |cell: f64| self.is_word(cell) || cell.fract() == 0.0 && (0.0..f64::from(MAX_CLASSES)).contains(&cell);
        self.column(column).all(whole) && self.column(column).any(|cell| Some(cell.to_bits()) != first)
    }

    fn labels(&self, column: usize, notes: &mut Vec<String>) -> Result<(Vec<u32>, usize), (String, String)> {
        let cells: Vec<f64> = self.column(column).collect();
        if cells.iter().any(|&cell| self.is_word(cell)) {
            let written = |cell: f64| if self.is_word(cell) { self.word(cell).to_owned() } else { cell.to_string() };
            let mut names: Vec<String> = cells.iter().map(|&cell| written(cell)).collect();
            names.sort();
            names.dedup();
            if names.len() as u32 > MAX_CLASSES {
                return Err((format!("holds {} different words", names.len()), format!("at most {MAX_CLASSES} classes")));
            }
            notes.push(class_note(&names));
            // Every name is in the list, which is in order.
            let labels = cells.iter().map(|&cell| names.binary_search(&written(cell)).unwrap_or_default() as u32).collect();
            return Ok((labels, names.len().max(2)));
        }
        let labels = labels(1, &cells)?;
        notes.extend(strange(&labels));
        let classes = classes_of(&labels);
        Ok((labels, classes))
    }
}

fn label_column(table: &Table) -> Result<usize, String> {
    if table.columns < 2 {
        return Err(format!("has {} column", table.columns));
    }
    let last = table.columns - 1;
    if let Some(names) = &table.header {
        let place = |wanted: &str| names.iter().position(|name| name.to_lowercase() == wanted);
        // Beside `x` a column `y` is a coordinate.
        let bare = || place("y").filter(|_| place("x").is_none());
        return Ok(LABELS.into_iter().find_map(place).or_else(bare).unwrap_or(last));
    }
    match [last, 0].into_iter().find(|&column| table.could_be_labels(column)) {
        Some(column) => Ok(column),
        None => Err("has no header, and neither its last nor its first column holds classes".to_owned()),
    }
}

fn table(path: &Path) -> Result<Table, DatasetError> {
    let malformed = |found: String| DatasetError::malformed(path, found, EXPECTED);
    let bytes = bytes_of(path, MAX_NUMBERS)?;
    if let Some(what) = what_else(&bytes) {
        return Err(malformed(what.to_owned()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let line = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let mut parser = csv_core::ReaderBuilder::new().delimiter(separator_of(line)).build();
    let mut table = Table::default();
    let mut first: Option<Vec<String>> = None;
    // A record is never longer than what is left of the file, nor has it more fields.
    let mut out = vec![0; 1 << 16];
    let mut ends = vec![0; 1 << 10];
    let (mut input, mut filled, mut fields) = (bytes, 0, 0);
    loop {
        let (result, read, written, ended) = parser.read_record(input, &mut out[filled..], &mut ends[fields..]);
        input = &input[read..];
        (filled, fields) = (filled + written, fields + ended);
        match result {
            csv_core::ReadRecordResult::OutputFull => out.resize(2 * out.len(), 0),
            csv_core::ReadRecordResult::OutputEndsFull => ends.resize(2 * ends.len(), 0),
            // With no input left, the parser is asked once more and ends the last record.
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::End => break,
            csv_core::ReadRecordResult::Record => {
                let mut begin = 0;
                let mut record = Vec::with_capacity(fields);
                for &end in &ends[..fields] {
                    let cell =
                        std::str::from_utf8(&out[begin..end]).map_err(|_| malformed("holds text that is no UTF-8".to_owned()))?;
                    record.push(cell.trim());
                    begin = end;
                }
                match first.take() {
                    // The second row says whether the first is a header.
                    None if table.columns == 0 => {
                        table.columns = record.len();
                        first = Some(record.iter().map(|&cell| cell.to_owned()).collect());
                    }
                    Some(names) => {
                        if is_header(&names, &record) {
                            table.header = Some(names);
                        } else {
                            table.add(&names.iter().map(String::as_str).collect::<Vec<_>>(), path)?;
                        }
                        table.add(&record, path)?;
                    }
                    None => table.add(&record, path)?,
                }
                (filled, fields) = (0, 0);
            }
        }
    }
    if let Some(only) = first {
        table.add(&only.iter().map(String::as_str).collect::<Vec<_>>(), path)?;
    }
    Ok(table)
}

/// Whether a row is a header, by the row after it: it has words where that has numbers.
fn is_header(names: &[String], record: &[&str]) -> bool {
    let number = |cell: &str| cell.parse::<f64>().is_ok();
    names.iter().zip(record).any(|(name, cell)| !number(name) && number(cell)) || names.iter().all(|name| !number(name))
}

impl Table {
    fn add(&mut self, record: &[&str], path: &Path) -> Result<(), DatasetError> {
        let row = self.cells.len() / self.columns.max(1) + 1 + usize::from(self.header.is_some());
        if record.len() != self.columns {
            let found = format!("has {} columns in row {row} (counted from 1)", record.len());
            return Err(DatasetError::malformed(path, found, format!("{}, as in the first row", self.columns)));
        }
        if (self.cells.len() + record.len()) as u64 > MAX_NUMBERS {
            return Err(DatasetError::malformed(path, format!("holds more than {MAX_NUMBERS} numbers"), FEWER));
        }
        for cell in record {
            match cell.parse::<f64>() {
                Ok(number) if number.is_finite() => self.cells.push(number),
                _ => {
                    let place = self.places.get(*cell).copied().unwrap_or_else(|| {
                        self.words.push((*cell).to_owned());
                        self.places.insert((*cell).to_owned(), self.words.len() - 1);
                        self.words.len() - 1
                    });
                    self.cells.push(f64::from_bits(0x7ff8_0000_0000_0000 | place as u64));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("the system gives a temporary file");
        fs::write(file.path(), text).expect("the temporary file can be written");
        file
    }

    fn raw(text: &str) -> Raw {
        read(file(text).path(), &DataRange::Auto).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refusal(text: &str) -> String {
        read(file(text).path(), &DataRange::Auto).expect_err("it is broken").to_string()
    }

    #[test]
    fn points_are_read_with_and_without_a_header_and_whatever_separates_them() {
        for text in [
            "x,y,class\n0,0.5,0\n1,0.25,1\n",
            "0,0.5,0\n1,0.25,1\n",
            "class;a;b\r\n0;0;0.5\r\n1;1;0.25\r\n",
            "\u{feff}a\tb\tlabel\n0\t0.5\t0\n1\t0.25\t1",
            "id,\"x, first\",y,target\n7,0,0.5,0\n8,1,0.25,1\n",
            "\n0;0.5;0\n\n1;0.25;1\n",
        ] {
            let raw = raw(text);
            assert_eq!((raw.shape, raw.samples.labels.as_slice()), (SampleShape::Flat(2), [0, 1].as_slice()), "{text}");
            assert_eq!(raw.samples.pixels, [0.0, 0.5, 1.0, 0.25], "{text}");
            assert!(sniff(&Found::at(file(text).path()).expect("it is there")), "{text}");
        }
    }

    #[test]
    fn words_are_classes_in_their_order_and_points_are_scaled() {
        let raw = raw("x,y,species\n-1,0,setosa\n3,2,iris\n1,1,setosa\n");
        assert_eq!((raw.samples.labels.as_slice(), raw.classes), ([1, 0, 1].as_slice(), 2));
        // 4 wide and 2 high: one factor for both.
        assert_eq!(raw.samples.pixels, [0.0, 0.0, 1.0, 0.5, 0.5, 0.25]);
        let notes = raw.notes.join("; ");
        assert!(
            notes.contains("0 iris, 1 setosa") && notes.contains("divided by 4") && notes.contains("column `species`"),
            "{notes}"
        );
    }

    #[test]
    fn rows_of_784_bytes_are_images_and_the_label_may_come_first() {
        let row = |label: u8, ink: u8| format!("{label},{}0\n", format!("{ink},").repeat(783));
        let raw = raw(&(row(5, 51) + &row(3, 255)));
        assert_eq!(raw.shape, SampleShape::Image { channels: 1, height: 28, width: 28 });
        assert_eq!(
            (raw.samples.labels.as_slice(), raw.samples.pixels[0], raw.samples.pixels[784]),
            ([5, 3].as_slice(), 0.2, 1.0)
        );
        assert!(raw.notes.join("; ").contains("no sample has 0, 1, 2"), "{:?}", raw.notes);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_row() {
        assert!(refusal("x,y,label\n0,0.5,0\n1,0\n").contains("2 columns in row 3"));
        assert!(refusal("x,y,label\n0,0.5,0\n?,0.5,1\n").contains("`?` in row 3 (counted from 1), column `x`"));
        assert!(refusal("x,y,label\n0,0.5,0\n,0.5,1\n").contains("`` in row 3"));
        assert!(refusal("x,y,label\n0,0.5,0\nnan,0.5,1\n").contains("`nan` in row 3"));
        assert!(refusal("a,b,c,label\n0,0.5,0,0.5\n0,1,0,1\n").contains("column `label` holds 0.5"));
        assert!(refusal("a,b,c,label\n0,0.5,-3,0\n0,1,7,1\n").contains("as after normalising"));
        assert!(refusal("x\n1\n2\n").contains("1 column"));
        assert!(refusal("0.5,0.5,0.5\n0.25,0.5,0.75\n").contains("neither its last nor its first"));
        assert!(refusal("<!DOCTYPE html>\n<p>a,b</p>").contains("web page"));
        assert!(refusal("").contains("no row"));
    }

    #[test]
    fn text_that_is_no_table_is_not_taken_for_one() {
        for text in ["A sentence, with a comma.\nAnother, too.\n", "no comma\n1\n", "<html>1,2</html>\n1,2", "\0\0,1\n0,1\n"] {
            assert!(!sniff(&Found::at(file(text).path()).expect("it is there")), "{text}");
        }
    }
}
