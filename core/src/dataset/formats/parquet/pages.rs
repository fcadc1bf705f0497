//! The values of a column, out of the pages of one group of rows.

use std::{borrow::Cow, io::Read as _};

use super::{
    super::codecs,
    footer::{Chunk, Column, Type},
    thrift::{Value, structure, varint},
};

/// What a page may hold at most, unpacked.
const LARGEST: usize = 1 << 28;
/// How many rows a group may have.
const ROWS: usize = 1 << 24;
/// How many bytes of pictures a group of rows may have, with those counted twice that a dictionary gives to two rows.
const HELD: usize = 1 << 31;

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Ints(Vec<i64>),
    Bytes(Vec<Vec<u8>>),
}

impl Values {
    fn of(column: &Column) -> Self {
        if column.of == Type::Bytes { Self::Bytes(Vec::new()) } else { Self::Ints(Vec::new()) }
    }

    fn len(&self) -> usize {
        match self {
            Self::Ints(numbers) => numbers.len(),
            Self::Bytes(texts) => texts.len(),
        }
    }

    /// Adds the value of each of these places of a dictionary.
    fn look_up(&mut self, dictionary: &Self, places: &[u64]) -> Option<()> {
        match (self, dictionary) {
            (Self::Ints(numbers), Self::Ints(known)) => {
                for place in places {
                    numbers.push(*known.get(usize::try_from(*place).ok()?)?);
                }
            }
            (Self::Bytes(texts), Self::Bytes(known)) => {
                let mut held: usize = texts.iter().map(Vec::len).sum();
                for place in places {
                    let text = known.get(usize::try_from(*place).ok()?)?;
                    held = held.checked_add(text.len()).filter(|held| *held <= HELD)?;
                    texts.push(text.clone());
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds `count` values that are written one after the other.
    fn plain(&mut self, mut bytes: &[u8], count: usize, wide: bool) -> Option<()> {
        for _ in 0..count {
            match self {
                Self::Ints(numbers) if wide => {
                    let (number, rest) = bytes.split_first_chunk::<8>()?;
                    numbers.push(i64::from_le_bytes(*number));
                    bytes = rest;
                }
                Self::Ints(numbers) => {
                    let (number, rest) = bytes.split_first_chunk::<4>()?;
                    numbers.push(i64::from(i32::from_le_bytes(*number)));
                    bytes = rest;
                }
                Self::Bytes(texts) => {
                    let (length, rest) = bytes.split_first_chunk::<4>()?;
                    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                    texts.push(text.to_vec());
                    bytes = rest;
                }
            }
        }
        Some(())
    }
}

/// The values of a chunk of `file`, one for each row.
///
/// # Errors
/// What is wrong with them.
pub(super) fn read(file: &[u8], column: &Column, chunk: &Chunk) -> Result<Values, String> {
    let damaged = || format!("has damaged pages in `{}`", column.name());
    let mut pages = file.get(chunk.bytes.clone()).ok_or_else(damaged)?;
    if chunk.values > ROWS {
        return Err(format!("claims {} rows in one group, of which {ROWS} are read at most", chunk.values));
    }
    let mut dictionary = None;
    let mut values = Values::of(column);
    while values.len() < chunk.values {
        let (head, length) = structure(pages).ok_or_else(damaged)?;
        pages = &pages[length..];
        let (packed, size) = head.count(3).zip(head.count(2).filter(|size| *size <= LARGEST)).ok_or_else(damaged)?;
        let (page, rest) = pages.split_at_checked(packed).ok_or_else(damaged)?;
        pages = rest;
        match head.int(1) {
            Some(0) => {
                let about = head.field(5).ok_or_else(damaged)?;
                let page = unpacked(page, size, chunk.codec)?;
                let count = about.count(1).ok_or_else(damaged)?;
                let rest = if column.optional > 0 {
                    let (length, rest) = page.split_first_chunk::<4>().ok_or_else(damaged)?;
                    let (levels, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(damaged)?;
                    all_there(levels, column, count, values.len())?;
                    rest
                } else {
                    &page
                };
                add(&mut values, dictionary.as_ref(), column, (about.int(2), rest, count))?;
            }
            Some(2) => {
                let about = head.field(7).ok_or_else(damaged)?;
                let mut known = Values::of(column);
                let page = unpacked(page, size, chunk.codec)?;
                let count = about.count(1).ok_or_else(damaged)?;
                known.plain(&page, count, column.of == Type::Int64).ok_or_else(damaged)?;
                dictionary = Some(known);
            }
            Some(3) => {
                let about = head.field(8).ok_or_else(damaged)?;
                let count = about.count(1).ok_or_else(damaged)?;
                let (levels, repetitions) = (about.count(5).unwrap_or(0), about.count(6).unwrap_or(0));
                let (_, page) = page.split_at_checked(repetitions).ok_or_else(damaged)?;
                let (levels, page) = page.split_at_checked(levels).ok_or_else(damaged)?;
                if column.optional > 0 {
                    all_there(levels, column, count, values.len())?;
                }
                // Levels are never packed.
                let codec = if about.field(7) == Some(&Value::Bool(false)) { 0 } else { chunk.codec };
                let size = size.checked_sub(levels.len() + repetitions).ok_or_else(damaged)?;
                add(&mut values, dictionary.as_ref(), column, (about.int(4), &unpacked(page, size, codec)?, count))?;
            }
            // An index, which is passed over.
            Some(1) => {}
            _ => return Err(damaged()),
        }
    }
    if values.len() == chunk.values { Ok(values) } else { Err(damaged()) }
}

/// Adds the values of a data page.
fn add(
    values: &mut Values,
    dictionary: Option<&Values>,
    column: &Column,
    (encoding, bytes, count): (Option<i64>, &[u8], usize),
) -> Result<(), String> {
    let damaged = || format!("has damaged pages in `{}`", column.name());
    match (encoding, dictionary) {
        (Some(0), _) => values.plain(bytes, count, column.of == Type::Int64).ok_or_else(damaged),
        // Places in the dictionary; the first byte says how many bits each has.
        (Some(2 | 8), Some(dictionary)) => {
            let (width, bytes) = bytes.split_first().ok_or_else(damaged)?;
            let places = hybrid(bytes, u32::from(*width), count).ok_or_else(damaged)?;
            values.look_up(dictionary, &places).ok_or_else(damaged)
        }
        (Some(other), _) => {
            Err(format!("writes `{}` in an encoding that is not read here (number {other} of Parquet's)", column.name()))
        }
        (None, _) => Err(damaged()),
    }
}

/// Refuses a page in which a row has no value.
fn all_there(levels: &[u8], column: &Column, count: usize, before: usize) -> Result<(), String> {
    let width = u64::BITS - column.optional.leading_zeros();
    let levels = hybrid(levels, width, count).ok_or_else(|| format!("has damaged pages in `{}`", column.name()))?;
    match levels.iter().position(|level| *level != column.optional) {
        Some(place) => Err(format!("has no `{}` in row {} (counted from 0)", column.name(), before + place)),
        None => Ok(()),
    }
}

/// `count` numbers of `width` bits: runs of one number, and groups of eight packed without gaps.
fn hybrid(mut bytes: &[u8], width: u32, count: usize) -> Option<Vec<u64>> {
    if width > 32 || count > ROWS {
        return None;
    }
    let of_run = width.div_ceil(8) as usize;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let (head, length) = varint(bytes)?;
        bytes = &bytes[length..];
        let left = count - numbers.len();
        if head & 1 == 0 {
            let (number, rest) = bytes.split_at_checked(of_run)?;
            let number = number.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            let run = usize::try_from(head >> 1).ok().filter(|run| *run > 0)?.min(left);
            numbers.resize(numbers.len() + run, number);
            bytes = rest;
        } else {
            let groups = usize::try_from(head >> 1).ok().filter(|groups| *groups > 0)?;
            let (packed, rest) = bytes.split_at_checked(groups.checked_mul(width as usize)?.min(bytes.len()))?;
            let bit = |place: usize| packed.get(place / 8).map(|byte| u64::from(byte >> (place % 8) & 1));
            for place in 0..left.min(groups.checked_mul(8)?) {
                let first = place * width as usize;
                let number = (0..width as usize).try_fold(0_u64, |number, at| Some(number | bit(first + at)? << at))?;
                numbers.push(number);
            }
            bytes = rest;
        }
    }
    Some(numbers)
}

/// A page without what packed it.
fn unpacked(page: &[u8], size: usize, codec: i64) -> Result<Cow<'_, [u8]>, String> {
    let outcome = match codec {
        0 => return Ok(Cow::Borrowed(page)),
        1 => codecs::snappy(page, size),
        2 => {
            let mut bytes = Vec::new();
            // What the page says is no reason to believe it: one byte more is enough to tell.
            let unpacked = flate2::read::MultiGzDecoder::new(page).take(size as u64 + 1).read_to_end(&mut bytes);
            unpacked.map(|_| bytes).map_err(|cause| cause.to_string())
        }
        6 => codecs::zstandard(page, size),
        other => {
            let name = match other {
                3 => "LZO",
                4 => "Brotli",
                5 | 7 => "LZ4",
                _ => "an unknown compression",
            };
            return Err(format!("is packed with {name}; Snappy, gzip, Zstandard and no compression are read here"));
        }
    };
    match outcome {
        Ok(bytes) if bytes.len() == size => Ok(Cow::Owned(bytes)),
        Ok(_) => Err(format!("has a page of other than the {size} bytes that it claims")),
        Err(cause) => Err(format!("has a page that cannot be unpacked ({cause})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_groups_follow_each_other_and_lies_are_refused() {
        // Three times 5, then 0 to 7 in three bits each.
        let bytes = [3 << 1, 5, 1 << 1 | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(hybrid(&bytes, 3, 11).unwrap(), [5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(hybrid(&bytes, 3, 2).unwrap(), [5, 5]);
        assert_eq!(hybrid(&bytes, 3, 12), None);
        assert_eq!(hybrid(&bytes[..5], 3, 11), None);
        assert_eq!(hybrid(&[0, 1], 1, 5), None, "a run of nothing goes on for ever");
        assert_eq!(hybrid(&[6], 0, 3).unwrap(), [0, 0, 0]);
        assert_eq!(hybrid(&bytes, 40, 1), None);
    }
}
