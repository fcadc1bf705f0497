//! The sorted program: blocks of bytes as they are, and blocks of functions whose bytes are kept apart by their kind.
//!
//! A block begins with its kind. Bytes as they are: 0, how many, and they. Functions: 1, how many, the length of each stream, and the
//! streams one after the other. The head of the section of functions: 2, and its size with and without fused instructions. All numbers are
//! of four bytes, the lowest first.
//!
//! Not every browser multiplies and adds in one instruction. The program is compiled with it, and where it lacks each becomes the two:
//! `a b c madd` is `a b c (set s) mul (get s) add`, with a local `s` of its own. So that nobody must know the types of functions here, each
//! such instruction is followed by how many parameters its function has, among the locals. `relaxed_min` and `relaxed_max`, which the
//! compiler uses then, become `pmin` and `pmax` before anything is packed.

use crate::code::{self, Bytes, FUSED, STREAMS};

const PLAIN: u8 = 0;
const FUNCTIONS: u8 = 1;
const HEAD: u8 = 2;
/// The section of functions.
const CODE: u8 = 10;
/// Bytes of a number.
const WORD: usize = 4;

/// What the program may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// Those that it was compiled to.
    All,
    /// None that multiplies and adds in one.
    Plain,
}

/// Function bodies that are built from streams.
struct Streams<'a> {
    streams: [&'a [u8]; STREAMS],
    body: Vec<u8>,
    instructions: Instructions,
    /// Where the declarations of locals end.
    declared: usize,
    /// Whether an instruction of the body needs a local more.
    spare: bool,
}

impl Bytes for Streams<'_> {
    fn next(&mut self, stream: usize) -> Result<u8, String> {
        let (first, rest) = self.streams[stream].split_first().ok_or("a stream has ended too early")?;
        self.streams[stream] = rest;
        if stream == code::DECLARATIONS {
            self.declared = self.body.len() + 1;
        }
        self.body.push(*first);
        Ok(*first)
    }

    fn fused(&mut self, locals: u64) -> Result<(), String> {
        let end = self.body.len();
        let spare = locals.saturating_add(code::number(self, code::LOCALS)?);
        self.body.truncate(end);
        if self.instructions == Instructions::All {
            return Ok(());
        }
        self.spare = true;
        self.take_back();
        let local = |body: &mut Vec<u8>, how| {
            body.push(how);
            code::write_number(spare as usize, |byte| body.push(byte));
        };
        local(&mut self.body, 0x21);
        // f32x4.mul
        self.body.extend([0xfd, 0xe6, 0x01]);
        local(&mut self.body, 0x20);
        // f32x4.add
        self.body.extend([0xfd, 0xe4, 0x01]);
        Ok(())
    }
}

impl Streams<'_> {
    /// Takes back the last instruction, of three bytes.
    fn take_back(&mut self) {
        self.body.truncate(self.body.len().saturating_sub(FUSED.len()));
    }

    /// Puts the next function behind `whole`.
    fn function(&mut self, whole: &mut Vec<u8>) -> Result<(), String> {
        self.body.clear();
        self.spare = false;
        code::function(self)?;
        if self.spare {
            let (groups, first) = code::number_at(&self.body, 0).ok_or("a function declares no locals")?;
            let mut declared = Vec::new();
            code::write_number(groups + 1, |byte| declared.push(byte));
            declared.extend_from_slice(&self.body[first..self.declared]);
            // One vector.
            declared.extend([1, 0x7b]);
            self.body.splice(..self.declared, declared);
        }
        code::write_number(self.body.len(), |byte| whole.push(byte));
        whole.extend_from_slice(&self.body);
        Ok(())
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at + WORD)?.try_into().ok()?;
    Some(u32::from_le_bytes(word) as usize)
}

/// What the whole blocks at the beginning of `sorted` were before they were sorted, of these instructions, and how many of its bytes they
/// are.
///
/// # Errors
/// In words, where they are no blocks.
pub(crate) fn joined(sorted: &[u8], instructions: Instructions) -> Result<(Vec<u8>, usize), String> {
    let mut whole = Vec::new();
    let mut used = 0;
    while let Some((kind, rest)) = sorted[used..].split_first() {
        let Some(count) = word(rest, 0) else { break };
        let taken = match *kind {
            PLAIN => rest.get(WORD..).and_then(|rest| rest.get(..count)).map(|bytes| {
                whole.extend_from_slice(bytes);
                WORD + count
            }),
            FUNCTIONS => functions(rest, count, instructions, &mut whole)?,
            HEAD => word(rest, WORD).map(|plain| {
                whole.push(CODE);
                code::write_number(if instructions == Instructions::All { count } else { plain }, |byte| whole.push(byte));
                2 * WORD
            }),
            other => return Err(format!("a block is of the kind {other}")),
        };
        let Some(taken) = taken else { break };
        used += 1 + taken;
    }
    Ok((whole, used))
}

/// Puts functions together; gives how many bytes of `rest` they were, or nothing where not all are there.
fn functions(rest: &[u8], count: usize, instructions: Instructions, whole: &mut Vec<u8>) -> Result<Option<usize>, String> {
    let mut at = (1 + STREAMS) * WORD;
    let mut streams: [&[u8]; STREAMS] = [&[]; STREAMS];
    for (place, stream) in streams.iter_mut().enumerate() {
        let Some(length) = word(rest, (1 + place) * WORD) else { return Ok(None) };
        let Some(bytes) = rest.get(at..).and_then(|rest| rest.get(..length)) else { return Ok(None) };
        *stream = bytes;
        at += length;
    }
    let mut streams = Streams { streams, body: Vec::new(), instructions, declared: 0, spare: false };
    for _ in 0..count {
        streams.function(whole)?;
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

    use super::{Bytes, CODE, FUNCTIONS, FUSED, HEAD, Instructions, PLAIN, STREAMS, code, joined};
    use crate::{DICTIONARY, code::RELAXED};

    /// Bytes of functions in one block: a page compiles each as soon as it has it, and larger ones pack smaller.
    const BLOCK: usize = 4 << 20;
    /// What a module begins with.
    const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
    /// What the type of a function begins with.
    const FUNCTION: u8 = 0x60;
    /// The sections of types, and of which type each function is.
    const TYPES: u8 = 1;
    const TYPE_OF_EACH: u8 = 3;

    /// A function that is taken apart.
    struct Body<'a> {
        left: &'a [u8],
        parameters: usize,
        streams: [Vec<u8>; STREAMS],
        /// How many bytes follow each relaxed instruction, and what is in its place in the streams.
        relaxed: Vec<(usize, [u8; 3])>,
    }

    impl Bytes for Body<'_> {
        fn next(&mut self, stream: usize) -> Result<u8, String> {
            let (first, rest) = self.left.split_first().ok_or("a function has ended too early")?;
            self.left = rest;
            self.streams[stream].push(*first);
            Ok(*first)
        }

        fn fused(&mut self, _: u64) -> Result<(), String> {
            self.is_short(FUSED)?;
            code::write_number(self.parameters, |byte| self.streams[code::LOCALS].push(byte));
            Ok(())
        }

        fn relaxed(&mut self, place: usize) -> Result<(), String> {
            let [relaxed, meant] = RELAXED[place];
            self.is_short(relaxed)?;
            let opcodes = &mut self.streams[code::OPCODES];
            let at = opcodes.len() - relaxed.len();
            opcodes[at..].copy_from_slice(&meant);
            self.relaxed.push((self.left.len(), meant));
            Ok(())
        }
    }

    impl Body<'_> {
        /// The unpacker takes so many bytes back.
        fn is_short(&self, instruction: [u8; 3]) -> Result<(), String> {
            let short = self.streams[code::OPCODES].ends_with(&instruction);
            if short { Ok(()) } else { Err("an instruction is longer than it need be".to_owned()) }
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

    /// What a module says of its functions.
    struct Functions {
        /// Where their section begins, and where they do.
        section: usize,
        bodies: std::ops::Range<usize>,
        /// How many parameters each has.
        parameters: Vec<usize>,
    }

    /// The numbers of parameters of the types in this section.
    fn parameters(section: &[u8]) -> Option<Vec<usize>> {
        let (count, mut at) = code::number_at(section, 0)?;
        let mut parameters = Vec::new();
        for _ in 0..count {
            let (some, first) = code::number_at(section, at + 1).filter(|_| section.get(at) == Some(&FUNCTION))?;
            let (results, last) = code::number_at(section, first + some)?;
            parameters.push(some);
            at = last + results;
        }
        (at == section.len()).then_some(parameters)
    }

    /// The types of the functions of this section.
    fn types(section: &[u8]) -> Option<Vec<usize>> {
        let (count, mut at) = code::number_at(section, 0)?;
        let mut types = Vec::new();
        for _ in 0..count {
            let (kind, next) = code::number_at(section, at)?;
            types.push(kind);
            at = next;
        }
        Some(types)
    }

    /// `None` where the bytes are no whole module, or where its types are not known.
    fn functions(module: &[u8]) -> Option<Functions> {
        let mut at = MAGIC.len();
        let (mut of_types, mut of_each) = (Vec::new(), Vec::new());
        loop {
            let kind = *module.get(at)?;
            let (length, begin) = code::number_at(module, at + 1)?;
            let section = module.get(begin..begin + length)?;
            match kind {
                TYPES => of_types = parameters(section)?,
                TYPE_OF_EACH => of_each = types(section)?,
                CODE => {
                    let (count, first) = code::number_at(module, begin)?;
                    let parameters: Vec<_> = of_each.iter().filter_map(|kind| of_types.get(*kind).copied()).collect();
                    let whole = parameters.len() == count;
                    return whole.then_some(Functions { section: at, bodies: first..begin + length, parameters });
                }
                _ => {}
            }
            at = begin + length;
        }
    }

    fn sorted(module: &[u8]) -> Result<Vec<u8>, String> {
        let mut sorted = Vec::with_capacity(module.len());
        if !module.starts_with(MAGIC) {
            put_plain(&mut sorted, module);
            return Ok(sorted);
        }
        let Functions { section, bodies, parameters } =
            functions(module).ok_or("the module has no functions, or some of a type that is not known")?;
        let mut expected = module.to_vec();
        let mut blocks = Vec::new();
        let mut count = Vec::new();
        code::write_number(parameters.len(), |byte| count.push(byte));
        put_plain(&mut blocks, &count);
        let (mut at, mut left) = (bodies.start, parameters.as_slice());
        while !left.is_empty() {
            let begin = at;
            let mut body = Body { left: &[], parameters: 0, streams: Default::default(), relaxed: Vec::new() };
            let mut taken = 0;
            while let Some((parameters, others)) = left.split_first().filter(|_| at - begin < BLOCK) {
                let cut = || "the functions of the module are cut off".to_owned();
                let (length, first) = code::number_at(module, at).ok_or_else(cut)?;
                body.left = module.get(first..first + length).filter(|_| first + length <= bodies.end).ok_or_else(cut)?;
                body.parameters = *parameters;
                code::function(&mut body)?;
                let mut shortest = 0;
                code::write_number(length, |_| shortest += 1);
                if !body.left.is_empty() || first - at != shortest {
                    return Err("a function of the module has another length than it says".to_owned());
                }
                at = first + length;
                for (behind, meant) in body.relaxed.drain(..) {
                    let end = at - behind;
                    expected[end - meant.len()..end].copy_from_slice(&meant);
                }
                (taken, left) = (taken + 1, others);
            }
            blocks.push(FUNCTIONS);
            put_word(&mut blocks, taken);
            body.streams.iter().for_each(|stream| put_word(&mut blocks, stream.len()));
            body.streams.iter().for_each(|stream| blocks.extend_from_slice(stream));
        }
        put_plain(&mut sorted, &module[..section]);
        sorted.push(HEAD);
        for instructions in [Instructions::All, Instructions::Plain] {
            put_word(&mut sorted, joined(&blocks, instructions)?.0.len());
        }
        sorted.append(&mut blocks);
        put_plain(&mut sorted, &module[at..]);
        if joined(&sorted, Instructions::All)?.0 != expected {
            return Err("the module does not come back as it was".to_owned());
        }
        Ok(sorted)
    }
}
