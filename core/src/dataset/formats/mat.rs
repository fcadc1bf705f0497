//! MATLAB's files of version 5: their arrays of numbers.
//!
//! A file is a header of 128 bytes and elements: a type, a length and that many bytes, in the byte order that the header names. An element
//! of type 15 is another one, packed with zlib; one of type 14 is an array: flags, sizes, name and numbers, each an element again. ("MAT-File
//! Format", The MathWorks.) The crates that read them take all of a file into memory as floats of 64 bits, or build C; this is a page.

use std::io::Read;

use flate2::read::ZlibDecoder;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub(super) name: String,
    pub(super) sizes: Vec<usize>,
    /// The type of the numbers as the file stores them.
    kind: u32,
    little: bool,
    bytes: Vec<u8>,
}

/// How the text in the header of a version 5 file begins.
pub(super) const MAGIC: &[u8] = b"MATLAB 5.0 MAT-file";
const HEADER: usize = 128;
const MATRIX: u32 = 14;
const PACKED: u32 = 15;

/// Bytes of a number of this type.
fn width_of(kind: u32) -> Option<usize> {
    match kind {
        1 | 2 => Some(1),
        3 | 4 => Some(2),
        5..=7 => Some(4),
        9 | 12 | 13 => Some(8),
        _ => None,
    }
}

impl Array {
    /// Whether its numbers are bytes without sign.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (self.kind == 2).then_some(&self.bytes)
    }

    /// Its numbers, the first dimension fastest.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.bytes.chunks_exact(width_of(self.kind).unwrap_or(1)).map(|bytes| {
            let append = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
            let bits = if self.little { bytes.iter().rev().fold(0, append) } else { bytes.iter().fold(0, append) };
            match self.kind {
                1 => f64::from(bits as u8 as i8),
                3 => f64::from(bits as u16 as i16),
                5 => f64::from(bits as u32 as i32),
                7 => f64::from(f32::from_bits(bits as u32)),
                9 => f64::from_bits(bits),
                12 => bits as i64 as f64,
                _ => bits as f64,
            }
        })
    }
}

/// The arrays of numbers in a file of at most `most` bytes when it is unpacked; what is no array of numbers is left out.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn arrays(file: &[u8], most: u64) -> Result<Vec<Array>, String> {
    if !file.starts_with(MAGIC) || file.len() < HEADER {
        return Err("does not begin as a MATLAB file of version 5".to_owned());
    }
    let little = match &file[126..HEADER] {
        b"IM" => true,
        b"MI" => false,
        other => return Err(format!("names no byte order ({other:02x?})")),
    };
    let mut rest = &file[HEADER..];
    let mut arrays = Vec::new();
    while !rest.is_empty() {
        let (kind, data, after) = element(rest, little)?;
        if kind == PACKED {
            let mut unpacked = Vec::new();
            let outcome = ZlibDecoder::new(data).take(most + 1).read_to_end(&mut unpacked);
            outcome.map_err(|cause| format!("breaks off within an array, after {} bytes ({cause})", unpacked.len()))?;
            if unpacked.len() as u64 > most {
                return Err(format!("holds an array of more than {most} bytes"));
            }
            let (kind, data, _) = element(&unpacked, little)?;
            arrays.extend(array(kind, data, little)?);
        } else {
            arrays.extend(array(kind, data, little)?);
        }
        rest = after;
    }
    Ok(arrays)
}

fn number(bytes: &[u8], little: bool) -> u32 {
    let append = |number: u32, &byte: &u8| number << 8 | u32::from(byte);
    if little { bytes.iter().rev().fold(0, append) } else { bytes.iter().fold(0, append) }
}

/// The type of an element, its bytes, and what follows it.
fn element(bytes: &[u8], little: bool) -> Result<(u32, &[u8], &[u8]), String> {
    let torn = || "breaks off within an element".to_owned();
    let tag = bytes.get(..8).ok_or_else(torn)?;
    let first = number(&tag[..4], little);
    // A short element has its length in the upper half of its type, and its bytes behind that.
    if first >> 16 != 0 {
        let length = (first >> 16) as usize;
        let data = tag.get(4..4 + length).ok_or("has a short element that is too long")?;
        return Ok((first & 0xffff, data, &bytes[8..]));
    }
    let length = number(&tag[4..], little) as usize;
    let end = 8_usize.checked_add(length).ok_or_else(torn)?;
    let data =
        bytes.get(8..end).ok_or_else(|| format!("breaks off: an element claims {length} bytes, {} are left", bytes.len() - 8))?;
    // Elements begin at multiples of 8, but for packed ones; the last one may go without what fills it up.
    let next = if first == PACKED { end } else { end.next_multiple_of(8).min(bytes.len()) };
    Ok((first, data, &bytes[next..]))
}

/// The array of an element; none where it is no array of numbers.
fn array(kind: u32, data: &[u8], little: bool) -> Result<Option<Array>, String> {
    if kind != MATRIX {
        return Ok(None);
    }
    let (_, flags, rest) = element(data, little)?;
    // Classes 6 to 15 are numbers: doubles, singles, and integers of 8 to 64 bits.
    let class = flags.get(..4).map_or(0, |flags| number(flags, little) & 0xff);
    let complex = flags.get(..4).is_some_and(|flags| number(flags, little) & 0x800 != 0);
    if !(6..=15).contains(&class) || complex {
        return Ok(None);
    }
    let (_, sizes, rest) = element(rest, little)?;
    let sizes: Vec<usize> = sizes.chunks_exact(4).map(|size| number(size, little) as usize).collect();
    let (_, name, rest) = element(rest, little)?;
    let (kind, numbers, _) = element(rest, little)?;
    let name = String::from_utf8_lossy(name).into_owned();
    let width = width_of(kind).ok_or_else(|| format!("has an array `{name}` of the unknown type {kind}"))?;
    let claimed = sizes.iter().try_fold(width, |product, &size| product.checked_mul(size));
    if claimed != Some(numbers.len()) {
        return Err(format!("has an array `{name}` of {sizes:?} with {} bytes of numbers", numbers.len()));
    }
    Ok(Some(Array { name, sizes, kind, little, bytes: numbers.to_vec() }))
}
