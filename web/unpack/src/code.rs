//! The instructions of WebAssembly, as far as one must know them to tell what each byte of a function is.

/// The kinds of bytes that are kept apart.
pub(crate) const STREAMS: usize = 12;
pub(crate) const OPCODES: usize = 0;
pub(crate) const LOCALS: usize = 1;
const CONSTANTS: usize = 2;
const OFFSETS: usize = 3;
const CALLS: usize = 4;
const BRANCHES: usize = 5;
const TABLES: usize = 6;
const LONG_CONSTANTS: usize = 7;
const VECTORS: usize = 8;
const INDIRECT: usize = 9;
const FLOATS: usize = 10;
pub(crate) const DECLARATIONS: usize = 11;

/// Goes over bytes: taken from a function and put into streams, or taken from streams and put into a function.
pub(crate) trait Bytes {
    /// The next byte, which belongs to this stream.
    fn next(&mut self, stream: usize) -> Result<u8, String>;

    /// [`FUSED`] has gone by, in a function that declares this many locals.
    fn fused(&mut self, locals: u64) -> Result<(), String>;

    /// One of [`RELAXED`] has gone by, which is in no packed program.
    fn relaxed(&mut self, place: usize) -> Result<(), String> {
        Err(format!("{:?} is no instruction of a packed program", RELAXED[place][0]))
    }
}

/// `f32x4.relaxed_madd`, which not every browser has.
pub(crate) const FUSED: [u8; 3] = [0xfd, 0x85, 0x02];

/// `relaxed_min` and `relaxed_max` of f32x4 and of f64x2, and what the compiler means by each: `pmin` and `pmax`, in whose place it puts
/// them as soon as any function multiplies and adds in one (LLVM's pull request 177814). They are not the same for NaN, which the drawing
/// of letters counts on. All that there were in the program when this was written stood there, and meant just that; a vectorised
/// `f32::max`, for which the compiler may put the same, means `pmax` for all numbers but NaN.
pub(crate) const RELAXED: [[[u8; 3]; 2]; 4] = [
    [[0xfd, 0x8d, 0x02], [0xfd, 0xea, 0x01]],
    [[0xfd, 0x8e, 0x02], [0xfd, 0xeb, 0x01]],
    [[0xfd, 0x8f, 0x02], [0xfd, 0xf6, 0x01]],
    [[0xfd, 0x90, 0x02], [0xfd, 0xf7, 0x01]],
];

/// Goes over one function: its declarations of locals and its instructions, to the end of it.
///
/// # Errors
/// Where an instruction is not known, or where bytes lack.
pub(crate) fn function(bytes: &mut impl Bytes) -> Result<(), String> {
    let mut locals = 0_u64;
    for _ in 0..number(bytes, DECLARATIONS)? {
        locals = locals.saturating_add(number(bytes, DECLARATIONS)?);
        bytes.next(DECLARATIONS)?;
    }
    let mut depth = 1_u32;
    while depth > 0 {
        let opcode = bytes.next(OPCODES)?;
        match opcode {
            // block, loop, if
            0x02..=0x04 => {
                depth += 1;
                number(bytes, OPCODES)?;
            }
            // end
            0x0b => depth -= 1,
            // br, br_if
            0x0c | 0x0d => {
                number(bytes, BRANCHES)?;
            }
            // br_table
            0x0e => {
                for _ in 0..=number(bytes, TABLES)? {
                    number(bytes, TABLES)?;
                }
            }
            // call
            0x10 => {
                number(bytes, CALLS)?;
            }
            // call_indirect
            0x11 => {
                number(bytes, INDIRECT)?;
                number(bytes, INDIRECT)?;
            }
            // select with types
            0x1c => {
                for _ in 0..number(bytes, OPCODES)? {
                    bytes.next(OPCODES)?;
                }
            }
            // local.get, local.set, local.tee
            0x20..=0x22 => {
                number(bytes, LOCALS)?;
            }
            // global.get, global.set, table.get, table.set, memory.size, memory.grow, ref.null, ref.func
            0x23..=0x26 | 0x3f | 0x40 | 0xd0 | 0xd2 => {
                number(bytes, OPCODES)?;
            }
            // Loads and stores: how they are aligned goes with what they are.
            0x28..=0x3e => address(bytes)?,
            // i32.const, i64.const
            0x41 => {
                number(bytes, CONSTANTS)?;
            }
            0x42 => {
                number(bytes, LONG_CONSTANTS)?;
            }
            // f32.const, f64.const
            0x43 => raw(bytes, FLOATS, 4)?,
            0x44 => raw(bytes, FLOATS, 8)?,
            0xfc => match number(bytes, OPCODES)? {
                // Truncations.
                0..=7 => {}
                // memory.init, memory.copy, table.init, table.copy
                8 | 10 | 12 | 14 => {
                    number(bytes, OPCODES)?;
                    number(bytes, OPCODES)?;
                }
                // data.drop, memory.fill, elem.drop, table.grow, table.size, table.fill
                9 | 11 | 13 | 15..=17 => {
                    number(bytes, OPCODES)?;
                }
                other => return Err(format!("the instruction 0xfc {other} is not known")),
            },
            0xfd => match number(bytes, OPCODES)? {
                // Loads and stores of vectors.
                0..=11 | 92 | 93 => address(bytes)?,
                // v128.const, i8x16.shuffle
                12 | 13 => raw(bytes, VECTORS, 16)?,
                // Lanes.
                21..=34 => {
                    bytes.next(OPCODES)?;
                }
                // Loads and stores of lanes.
                84..=91 => {
                    address(bytes)?;
                    bytes.next(OPCODES)?;
                }
                14..=255 => {}
                0x105 => bytes.fused(locals)?,
                place @ 0x10d..=0x110 => bytes.relaxed((place - 0x10d) as usize)?,
                other => return Err(format!("the instruction 0xfd {other} is not known")),
            },
            // Those that are one byte: control, parameters, comparisons, arithmetic, conversions, ref.is_null.
            0x00 | 0x01 | 0x05 | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => {}
            other => return Err(format!("the instruction {other:#04x} is not known")),
        }
    }
    Ok(())
}

fn address(bytes: &mut impl Bytes) -> Result<(), String> {
    number(bytes, OPCODES)?;
    number(bytes, OFFSETS)?;
    Ok(())
}

fn raw(bytes: &mut impl Bytes, stream: usize, count: usize) -> Result<(), String> {
    for _ in 0..count {
        bytes.next(stream)?;
    }
    Ok(())
}

/// A number in LEB128. Of a signed one the value means nothing here.
pub(crate) fn number(bytes: &mut impl Bytes, stream: usize) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = bytes.next(stream)?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number does not end".to_owned())
}

/// A number in LEB128 at `at`, and where it ends.
pub(crate) fn number_at(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = 0;
    for (place, byte) in bytes.get(at..)?.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            return Some((value, at + place + 1));
        }
    }
    None
}

/// Writes a number in LEB128, as short as it gets.
pub(crate) fn write_number(mut value: usize, mut put: impl FnMut(u8)) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return put(low);
        }
        put(low | 0x80);
    }
}
