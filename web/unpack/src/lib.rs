//! Packs the program of the page, and unpacks it while it is being loaded.
//!
//! Plain file servers send files as they are, and gzip leaves a third more of a program than LZMA does. Before it is packed, the program is
//! sorted: its instructions are taken apart into streams of one kind of number each (see [`code`]), which are more like themselves than
//! the instructions in their order are. That is a twentieth of what is left.

mod block;
mod code;

use block::Instructions;
use lzma_rust2::{Action, Lzma2Stream, Status};
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(feature = "pack")]
pub use block::pack;

/// How far back the packed bytes may refer: more than the program is long.
const DICTIONARY: u32 = 24 << 20;
/// How much is unpacked at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// What was packed, piece by piece.
#[wasm_bindgen]
pub struct Unpacker {
    inner: Lzma2Stream,
    instructions: Instructions,
    /// What is unpacked and not yet a whole block.
    sorted: Vec<u8>,
    ended: bool,
}

#[wasm_bindgen]
impl Unpacker {
    /// One that has seen nothing yet. `fused`: whether the program may multiply and add in one instruction.
    #[wasm_bindgen(constructor)]
    pub fn new(fused: bool) -> Self {
        let instructions = if fused { Instructions::All } else { Instructions::Plain };
        Self { inner: Lzma2Stream::new(DICTIONARY), instructions, sorted: Vec::new(), ended: false }
    }

    /// Takes the next piece; gives what it comes to, which may be nothing.
    ///
    /// # Errors
    /// In words, where the piece is not what was packed.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, String> {
        self.take(piece, Action::Run)?;
        let (whole, used) = block::joined(&self.sorted, self.instructions).map_err(|what| damaged(&what))?;
        self.sorted.drain(..used);
        Ok(whole)
    }

    /// Nothing comes after this; gives the rest.
    ///
    /// # Errors
    /// In words, where something lacks.
    pub fn end(mut self) -> Result<Vec<u8>, String> {
        let rest = self.push(&[])?;
        if self.ended && self.sorted.is_empty() { Ok(rest) } else { Err("the program arrived in part".to_owned()) }
    }
}

impl Unpacker {
    fn take(&mut self, mut piece: &[u8], action: Action) -> Result<(), String> {
        let mut buffer = vec![0; BUFFER];
        while !self.ended {
            let done = self.inner.process(piece, &mut buffer, action).map_err(|error| damaged(&error))?;
            piece = &piece[done.bytes_consumed..];
            self.sorted.extend_from_slice(&buffer[..done.bytes_produced]);
            self.ended = done.status == Status::StreamEnd;
            if done.bytes_consumed == 0 && done.bytes_produced == 0 {
                break;
            }
        }
        if piece.is_empty() { Ok(()) } else { Err(damaged(&"something follows its end")) }
    }
}

fn damaged(what: &dyn std::fmt::Display) -> String {
    format!("the program arrived damaged ({what})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpacked(packed: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        unpacked_for(true, packed, piece)
    }

    fn unpacked_for(fused: bool, packed: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let mut unpacker = Unpacker::new(fused);
        let mut all = Vec::new();
        for piece in packed.chunks(piece) {
            all.extend(unpacker.push(piece)?);
        }
        all.extend(unpacker.end()?);
        Ok(all)
    }

    /// A module of these function bodies, each without its size, and of sections before and behind them. Every second function has two
    /// parameters and a result, and the others none.
    fn module(bodies: &[Vec<u8>]) -> Vec<u8> {
        let number = |bytes: &mut Vec<u8>, value: usize| code::write_number(value, |byte| bytes.push(byte));
        let section = |module: &mut Vec<u8>, kind, bytes: &[u8]| {
            module.push(kind);
            number(module, bytes.len());
            module.extend(bytes);
        };
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        section(&mut module, 1, b"\x02\x60\0\0\x60\x02\x7f\x7f\x01\x7b");
        let (mut types, mut code) = (Vec::new(), Vec::new());
        number(&mut types, bodies.len());
        number(&mut code, bodies.len());
        for (place, body) in bodies.iter().enumerate() {
            types.push((place % 2) as u8);
            number(&mut code, body.len());
            code.extend(body);
        }
        section(&mut module, 3, &types);
        section(&mut module, 10, &code);
        section(&mut module, 11, b"\x01\x02\x03");
        module
    }

    /// Bodies of instructions of all kinds; some have none.
    fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let number = any::<u32>().prop_map(|value| {
            let mut bytes = Vec::new();
            code::write_number(value as usize, |byte| bytes.push(byte));
            bytes
        });
        let one = (0..17_u8, number.clone(), number, any::<[u8; 16]>()).prop_map(|(kind, a, b, raw)| match kind {
            0 => [&[0x20], &a[..]].concat(),
            1 => [&[0x41], &a[..]].concat(),
            2 => [&[0x42], &a[..]].concat(),
            3 => [&[0x10], &a[..]].concat(),
            4 => [&[0x28 + a[0] % 23], &[raw[0] & 3], &b[..]].concat(),
            5 => [&[0x43], &raw[..4]].concat(),
            6 => [&[0x44], &raw[..8]].concat(),
            7 => [&[0xfd, 12], &raw[..]].concat(),
            8 => [&[0xfd, 0][..], &[raw[0] & 3], &b[..]].concat(),
            9 => [&[0x0e, 1], &a[..], &b[..]].concat(),
            10 => [&[0x02, 0x40, 0x0c], &a[..], &[0x0b]].concat(),
            11 => [&[0x11], &a[..], &b[..]].concat(),
            12 => vec![0xfc, 10, 0, 0],
            13 => [&[0xfd, 84][..], &[raw[0] & 3], &b[..], &[raw[1] & 15]].concat(),
            14 => code::FUSED.to_vec(),
            15 => code::RELAXED[usize::from(raw[0] % 4)][1].to_vec(),
            _ => vec![0x6a],
        });
        let body = prop::collection::vec(one, 0..40).prop_map(|all| [&[1, 2, 0x7f], &all.concat()[..], &[0x0b]].concat());
        prop::collection::vec(body, 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn pieces_of_any_size_come_to_the_whole(bodies in bodies(), piece in 1..400_usize) {
            let module = module(&bodies);
            let packed = pack(&module).unwrap();
            prop_assert_eq!(unpacked(&packed, piece).unwrap(), module);
        }

        #[test]
        fn what_is_relaxed_becomes_what_the_compiler_meant(places in prop::collection::vec(0..4_usize, 1..40), fused: bool) {
            let body = |of: usize| {
                let code: Vec<u8> = places.iter().flat_map(|&place| [&[0x20, 1], &code::RELAXED[place][of][..]].concat()).collect();
                module(&[[&[0], &code[..], &[0x0b]].concat()])
            };
            prop_assert_eq!(unpacked_for(fused, &pack(&body(0)).unwrap(), 16).unwrap(), body(1));
        }

        #[test]
        fn what_multiplies_and_adds_in_one_becomes_two(groups in prop::collection::vec(0..200_usize, 0..130), times in 1..20_usize,
                                                       second: bool, piece in 1..40_usize) {
            let number = |value: usize| {
                let mut bytes = Vec::new();
                code::write_number(value, |byte| bytes.push(byte));
                bytes
            };
            let declared = |groups: &[usize]| {
                let vectors = groups.iter().flat_map(|&vectors| [number(vectors), vec![0x7b]].concat());
                [number(groups.len()), vectors.collect()].concat()
            };
            // A local get before and behind.
            let fused = [[0x20, 1].as_slice(), &code::FUSED, &[0x20, 0]].concat().repeat(times);
            let spare = number(groups.iter().sum::<usize>() + if second { 2 } else { 0 });
            let two = [[0x20, 1, 0x21].as_slice(), &spare, &[0xfd, 0xe6, 0x01, 0x20], &spare, &[0xfd, 0xe4, 0x01], &[0x20, 0]].concat();
            let more = [groups.as_slice(), &[1]].concat();
            let bodies = |last: Vec<u8>| [vec![0, 0x0b], last][usize::from(!second)..].to_vec();
            let module_of = |groups: &[usize], code: Vec<u8>| module(&bodies([declared(groups), code, vec![0x0b]].concat()));
            let packed = pack(&module_of(&groups, fused)).unwrap();
            prop_assert_eq!(unpacked_for(false, &packed, piece).unwrap(), module_of(&more, two.repeat(times)));
        }

        #[test]
        fn what_is_no_module_is_packed_as_it_is(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            prop_assert_eq!(unpacked(&pack(&bytes).unwrap(), 100).unwrap(), bytes);
        }

        #[test]
        fn what_arrived_in_part_is_refused(bodies in bodies(), part in 0.0..1.0_f64) {
            let packed = pack(&module(&bodies)).unwrap();
            let kept = (packed.len() as f64 * part) as usize;
            prop_assert!(unpacked(&packed[..kept], 64).is_err());
        }

        #[test]
        fn what_arrived_damaged_is_no_panic(bodies in bodies(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut packed = pack(&module(&bodies)).unwrap();
            let at = at.index(packed.len());
            packed[at] = byte;
            // A checksum is the server's and the browser's business: here it is enough that nothing breaks.
            let _ = unpacked(&packed, 64);
            let _ = unpacked_for(false, &packed, 64);
        }
    }
}
