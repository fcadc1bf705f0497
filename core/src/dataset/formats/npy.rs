//! NPY, one array of NumPy: its header, and its numbers whatever their type and order.

use std::io::{self, Read};

/// The longest header that is read, in bytes: NumPy's own limit.
const MAX_HEADER: usize = 10_000;

/// The header of an NPY file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// NumPy's name of the type, for example `<f4`; a description in words for a record type.
    pub(super) dtype: String,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<u64>,
}

impl Header {
    /// Reads a header's text, a Python dictionary: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let dtype = match value_of(text, "descr")?.strip_prefix(['\'', '"']) {
            Some(rest) => rest.split_once(['\'', '"'])?.0.to_owned(),
            None => "record".to_owned(),
        };
        let order = value_of(text, "fortran_order")?;
        let fortran_order = order.starts_with("True");
        let shape = value_of(text, "shape")?.strip_prefix('(')?.split_once(')')?.0;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        // Python 2 wrote long numbers with an L.
        let sizes = sizes.map(|size| size.trim_end_matches('L').parse().ok());
        let shape = sizes.collect::<Option<Vec<u64>>>()?;
        (fortran_order || order.starts_with("False")).then_some(Self { dtype, fortran_order, shape })
    }
}

/// What follows `key` and its colon.
fn value_of<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    let (_, after) = text.split_once(&format!("'{key}'")).or_else(|| text.split_once(&format!("\"{key}\"")))?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// Reads the text of an NPY header and leaves `reader` where the data starts.
fn read_header(mut reader: impl Read) -> io::Result<String> {
    let mut magic = [0_u8; 8];
    reader.read_exact(&mut magic)?;
    let [start @ .., version, _] = magic;
    if start != *b"\x93NUMPY" {
        return Err(io::Error::other("it is no NPY file"));
    }
    let mut length = [0_u8; 4];
    match version {
        1 => reader.read_exact(&mut length[..2])?,
        2 | 3 => reader.read_exact(&mut length)?,
        _ => return Err(io::Error::other(format!("its NPY version {version} is unknown"))),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        return Err(io::Error::other(format!("its header claims {length} bytes, more than the {MAX_HEADER} that NumPy allows")));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// Reads an NPY header and leaves `reader` where the data starts.
pub(super) fn header_of(reader: impl Read) -> io::Result<Header> {
    Header::parse(&read_header(reader)?).ok_or_else(|| io::Error::other("its header is not understood"))
}

/// The numbers of NumPy's type `dtype` in `bytes`, where these are whole and not negative.
pub(super) fn whole_numbers(dtype: &str, bytes: &[u8]) -> Option<Vec<u32>> {
    let element = Element::of_dtype(dtype)?;
    let numbers = bytes.chunks_exact(element.width).map(|bytes| element.value(bytes));
    numbers
        .map(|number| (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32))
        .collect()
}

/// A NumPy type of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    kind: Kind,
    width: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
}

impl Element {
    /// The type that NumPy writes as `dtype`, for example `<i8`.
    pub(super) fn of_dtype(dtype: &str) -> Option<Self> {
        let (order, rest) = dtype.split_at_checked(1)?;
        let (kind, width) = rest.split_at_checked(1)?;
        let big_endian = ["<", "|", ">"].iter().position(|&known| known == order)? == 2;
        let width = width.parse::<usize>().ok()?;
        let kind = match (kind, width) {
            ("b", 1) => Kind::Bool,
            ("i", 1 | 2 | 4 | 8) => Kind::Signed,
            ("u", 1 | 2 | 4 | 8) => Kind::Unsigned,
            ("f", 2 | 4 | 8) => Kind::Float,
            _ => return None,
        };
        Some(Self { kind, width, big_endian })
    }

    pub(super) fn width(self) -> usize {
        self.width
    }

    /// The number in `width` bytes. Integers beyond 2⁵³ are rounded.
    fn value(self, bytes: &[u8]) -> f64 {
        let append = |number: u64, &byte: &u8| (number << 8) | u64::from(byte);
        let bits = if self.big_endian { bytes.iter().fold(0, append) } else { bytes.iter().rev().fold(0, append) };
        match (self.kind, self.width) {
            (Kind::Bool | Kind::Unsigned, _) => bits as f64,
            (Kind::Signed, width) => {
                // Shifting up and back down as i64 repeats the sign bit of a narrower integer.
                let free = 64 - 8 * width;
                ((bits << free) as i64 >> free) as f64
            }
            (Kind::Float, 2) => half(bits as u16),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
        }
    }
}

/// The number of a float of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    }
}

/// What numbers are read as.
pub(super) trait Real: Copy + Default {
    /// The nearest number.
    fn of(number: f64) -> Self;
}

impl Real for f32 {
    fn of(number: f64) -> Self {
        number as Self
    }
}

impl Real for f64 {
    fn of(number: f64) -> Self {
        number
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers<T> {
    pub(super) sizes: Vec<usize>,
    /// Whether its type holds whole numbers alone.
    pub(super) whole: bool,
    /// Whether its type is a byte without sign.
    pub(super) byte: bool,
    /// In C order: the last dimension runs fastest.
    pub(super) values: Vec<T>,
}

impl<T: Real> Numbers<T> {
    /// The numbers in `bytes`, as many as the header says.
    pub(super) fn new(header: &Header, element: Element, bytes: &[u8]) -> Self {
        let sizes: Vec<usize> = header.shape.iter().map(|&size| size as usize).collect();
        let mut values: Vec<T> = bytes.chunks_exact(element.width).map(|bytes| T::of(element.value(bytes))).collect();
        if header.fortran_order && sizes.len() > 1 {
            values = c_order(&sizes, &values);
        }
        let byte = element.kind == Kind::Unsigned && element.width == 1;
        Self { sizes, whole: element.kind != Kind::Float, byte, values }
    }
}

/// Numbers whose first dimension runs fastest, so that the last one does.
fn c_order<T: Real>(sizes: &[usize], values: &[T]) -> Vec<T> {
    let mut turned = vec![T::default(); values.len()];
    let mut place = vec![0_usize; sizes.len()];
    for value in values {
        let index = place.iter().zip(sizes).fold(0, |index, (place, size)| index * size + place);
        turned[index] = *value;
        for (place, size) in place.iter_mut().zip(sizes) {
            *place += 1;
            if *place < *size {
                break;
            }
            *place = 0;
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_other_writers_are_read() {
        let expected = Header { dtype: "<f4".to_owned(), fortran_order: false, shape: vec![4, 2] };
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }          \n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, ), }\n",
            "{\"shape\":(4,2),\"fortran_order\":False,\"descr\":\"<f4\"}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4L, 2L), }\n",
        ] {
            assert_eq!(Header::parse(text).as_ref(), Some(&expected), "{text}");
        }
    }

    #[test]
    fn a_number_keeps_its_sign_and_its_byte_order() {
        let value = |dtype: &str, bytes: &[u8]| Element::of_dtype(dtype).map(|element| element.value(bytes));
        assert_eq!(value("|i1", &[0xff]), Some(-1.0));
        assert_eq!(value("|u1", &[0xff]), Some(255.0));
        assert_eq!(value("|b1", &[1]), Some(1.0));
        assert_eq!(value("<i2", &[0x01, 0x80]), Some(-32_767.0));
        assert_eq!(value(">i2", &[0x01, 0x80]), Some(384.0));
        assert_eq!(value("<i8", &(-3_i64).to_le_bytes()), Some(-3.0));
        assert_eq!(value(">u4", &7_u32.to_be_bytes()), Some(7.0));
        assert_eq!(value(">f8", &0.1_f64.to_be_bytes()), Some(0.1));
        assert_eq!(value("<f4", &0.25_f32.to_le_bytes()), Some(0.25));
        // 1/3 in 16 bits, the least number above 0, and infinity.
        assert_eq!(value("<f2", &0x3555_u16.to_le_bytes()), Some(0.333_251_953_125));
        assert_eq!(value("<f2", &1_u16.to_le_bytes()), Some(2.0_f64.powi(-24)));
        assert_eq!(value(">f2", &0xfc00_u16.to_be_bytes()), Some(f64::NEG_INFINITY));
        for other in ["<i3", "<i16", "i4", "", "<", "<M8[ns]", "|S1", "é", "<c8", "|O", "<f16"] {
            assert_eq!(Element::of_dtype(other), None, "{other}");
        }
    }

    #[test]
    fn fortran_order_is_turned() {
        // 2 x 3 x 2 numbers that are their own places in C order.
        let sizes = [2, 3, 2];
        let mut values = vec![0.0_f64; 12];
        for (a, b, c) in (0..2).flat_map(|a| (0..3).flat_map(move |b| (0..2).map(move |c| (a, b, c)))) {
            values[a + 2 * b + 6 * c] = (6 * a + 2 * b + c) as f64;
        }
        assert_eq!(c_order(&sizes, &values), (0..12).map(f64::from).collect::<Vec<_>>());
    }
}
