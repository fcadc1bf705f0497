//! The sorted program: blocks of bytes as they are, and blocks of functions whose bytes are kept apart by their kind.
//!
//! A block begins with its kind. Bytes as they are: 0, how many, and they. Functions: 1, how many, the length of each stream, and the
//! streams one after the other. All numbers are of four bytes, the lowest first.

use crate::code::{self, Bytes, STREAMS};

const PLAIN: u8 = 0;
const FUNCTIONS: u8 = 1;
/// Bytes of a number.
const WORD: usize = 4;

/// Function bodies that are built from streams.
struct Streams<'a> {
    streams: [&'a [u8]; STREAMS],
    body: Vec<u8>,
}

impl Bytes for Streams<'_> {
    fn next(&mut self, stream: usize) -> Result<u8, String> {
        let (first, rest) = self.streams[stream].split_first().ok_or("a stream has ended too early")?;
        self.streams[stream] = rest;
        self.body.push(*first);
        Ok(*first)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at + WORD)?.try_into().ok()?;
    Some(u32::from_le_bytes(word) as usize)
}

/// What the whole blocks at the beginning of `sorted` were before they were sorted, and how many of its bytes they are.
///
/// # Errors
/// In words, where they are no blocks.
pub(crate) fn joined(sorted: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let mut whole = Vec::new();
    let mut used = 0;
    while let Some((kind, rest)) = sorted[used..].split_first() {
        let Some(count) = word(rest, 0) else { break };
        let taken = match *kind {
            PLAIN => rest.get(WORD..WORD + count).map(|bytes| {
                whole.extend_from_slice(bytes);
                WORD + count
            }),
            FUNCTIONS => functions(rest, count, &mut whole)?,
            other => return Err(format!("a block is of the kind {other}")),
        };
        let Some(taken) = taken else { break };
        used += 1 + taken;
    }
    Ok((whole, used))
}

/// Puts functions together; gives how many bytes of `rest` they were, or nothing where not all are there.
fn functions(rest: &[u8], count: usize, whole: &mut Vec<u8>) -> Result<Option<usize>, String> {
    let mut at = (1 + STREAMS) * WORD;
    let mut streams: [&[u8]; STREAMS] = [&[]; STREAMS];
    for (place, stream) in streams.iter_mut().enumerate() {
        let Some(length) = word(rest, (1 + place) * WORD) else { return Ok(None) };
        let Some(bytes) = rest.get(at..at + length) else { return Ok(None) };
        *stream = bytes;
        at += length;
    }
    let mut streams = Streams { streams, body: Vec::new() };
    for _ in 0..count {
        code::function(&mut streams)?;
        code::write_number(streams.body.len(), |byte| whole.push(byte));
        whole.append(&mut streams.body);
    }
    if streams.streams.iter().any(|left| !left.is_empty()) {
        return Err("a block has more than its functions".to_owned());
    }
    Ok(Some(at))
}

#[cfg(feature = "pack")]
pub use packing::pack;

#[cfg(feature = "pack")]
mod packing {
    use std::io::Write as _;

    use lzma_rust2::{Lzma2Options, Lzma2Writer, LzmaOptions};

    use super::{Bytes, FUNCTIONS, PLAIN, STREAMS, code};
    use crate::DICTIONARY;

    /// Bytes of functions in one block: a page compiles each as soon as it has it, and larger ones pack smaller.
    const BLOCK: usize = 4 << 20;
    /// What a module begins with.
    const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
    /// The section of functions.
    const CODE: u8 = 10;

    /// A function that is taken apart.
    struct Body<'a> {
        left: &'a [u8],
        streams: [Vec<u8>; STREAMS],
    }

    impl Bytes for Body<'_> {
        fn next(&mut self, stream: usize) -> Result<u8, String> {
            let (first, rest) = self.left.split_first().ok_or("a function has ended too early")?;
            self.left = rest;
            self.streams[stream].push(*first);
            Ok(*first)
        }
    }

    /// Packs a module as small as it gets; other bytes are packed as they are.
    ///
    /// # Errors
    /// In words, where the module has an instruction that is not known, or memory is short.
    pub fn pack(module: &[u8]) -> Result<Vec<u8>, String> {
        let sorted = sorted(module)?;
        let mut options = Lzma2Options::with_preset(9);
        // What was measured to be the smallest: streams of numbers have little to do with the byte before, and nothing with where they are.
        options.lzma_options =
            LzmaOptions { dict_size: DICTIONARY, lc: 1, lp: 0, pb: 0, nice_len: 273, depth_limit: 500, ..options.lzma_options };
        let mut writer = Lzma2Writer::new(Vec::new(), options);
        writer.write_all(&sorted).and_then(|()| writer.finish()).map_err(|error| format!("the module cannot be packed: {error}"))
    }

    fn put_word(sorted: &mut Vec<u8>, value: usize) {
        sorted.extend(u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn put_plain(sorted: &mut Vec<u8>, bytes: &[u8]) {
        sorted.push(PLAIN);
        put_word(sorted, bytes.len());
        sorted.extend_from_slice(bytes);
    }

    /// A number in LEB128 at `at`, and where it ends.
    fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
        let mut value = 0;
        for (place, byte) in bytes.get(at..)?.iter().take(5).enumerate() {
            value |= usize::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                return Some((value, at + place + 1));
            }
        }
        None
    }

    /// Where the functions of a module are, and how many.
    fn functions(module: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
        let mut at = module.starts_with(MAGIC).then_some(MAGIC.len())?;
        loop {
            let kind = *module.get(at)?;
            let (length, begin) = number(module, at + 1)?;
            if kind == CODE {
                let (count, first) = number(module, begin)?;
                let end = begin + length;
                return (end <= module.len()).then_some((first..end, count));
            }
            at = begin + length;
        }
    }

    fn sorted(module: &[u8]) -> Result<Vec<u8>, String> {
        let mut sorted = Vec::with_capacity(module.len());
        let Some((range, count)) = functions(module) else {
            put_plain(&mut sorted, module);
            return Ok(sorted);
        };
        put_plain(&mut sorted, &module[..range.start]);
        let end = range.end;
        let (mut at, mut left) = (range.start, count);
        while left > 0 {
            let begin = at;
            let mut body = Body { left: &[], streams: Default::default() };
            let mut taken = 0;
            while left > 0 && at - begin < BLOCK {
                let cut = || "the functions of the module are cut off".to_owned();
                let (length, first) = number(module, at).ok_or_else(cut)?;
                body.left = module.get(first..first + length).filter(|_| first + length <= end).ok_or_else(cut)?;
                code::function(&mut body)?;
                let mut shortest = 0;
                code::write_number(length, |_| shortest += 1);
                if !body.left.is_empty() || first - at != shortest {
                    return Err("a function of the module has another length than it says".to_owned());
                }
                at = first + length;
                (taken, left) = (taken + 1, left - 1);
            }
            sorted.push(FUNCTIONS);
            put_word(&mut sorted, taken);
            body.streams.iter().for_each(|stream| put_word(&mut sorted, stream.len()));
            body.streams.iter().for_each(|stream| sorted.extend_from_slice(stream));
        }
        put_plain(&mut sorted, &module[at..]);
        Ok(sorted)
    }
}
