//! Thrift's compact protocol, in which Parquet writes everything but its numbers: structures of numbered fields.

/// How deep structures and lists may lie in one another.
const DEEPEST: usize = 24;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    List(Vec<Value<'a>>),
    /// Fields by their numbers.
    Struct(Vec<(i16, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The field of this number of a structure.
    pub(super) fn field(&self, number: i16) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(other, _)| *other == number).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A whole number in a field.
    pub(super) fn int(&self, number: i16) -> Option<i64> {
        if let Self::Int(value) = self.field(number)? { Some(*value) } else { None }
    }

    /// A whole number in a field that counts something.
    pub(super) fn count(&self, number: i16) -> Option<usize> {
        usize::try_from(self.int(number)?).ok()
    }

    /// The text in a field.
    pub(super) fn text(&self, number: i16) -> Option<&'a str> {
        if let Self::Bytes(bytes) = self.field(number)? { std::str::from_utf8(bytes).ok() } else { None }
    }

    /// The list in a field.
    pub(super) fn list(&self, number: i16) -> Option<&[Self]> {
        if let Self::List(values) = self.field(number)? { Some(values) } else { None }
    }
}

/// Reads one structure; gives it and how many bytes it has. `None` where the bytes are no such thing, or break off.
pub(super) fn structure(bytes: &[u8]) -> Option<(Value<'_>, usize)> {
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.structure(0)?;
    Some((value, reader.at))
}

/// A number of at most ten bytes of seven bits each, the lowest first; gives it and how many bytes it has.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f).checked_shl(7 * place as u32)?;
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (number, length) = varint(self.bytes.get(self.at..)?)?;
        self.at += length;
        Some(number)
    }

    /// Signs are in the lowest bit.
    fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn structure(&mut self, depth: usize) -> Option<Value<'a>> {
        let mut fields = Vec::new();
        let mut number = 0_i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(Value::Struct(fields));
            }
            number = match head >> 4 {
                0 => i16::try_from(self.signed()?).ok()?,
                further => number.checked_add(i16::from(further))?,
            };
            let value = match head & 0x0f {
                1 => Value::Bool(true),
                2 => Value::Bool(false),
                kind => self.value(kind, depth)?,
            };
            fields.push((number, value));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value<'a>> {
        if depth > DEEPEST {
            return None;
        }
        Some(match kind {
            // In a list; of a field the kind says it all.
            1 | 2 => Value::Bool(self.byte()? == 1),
            3 => Value::Int(i64::from(self.byte()? as i8)),
            4..=6 => Value::Int(self.signed()?),
            7 => Value::Double(f64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            8 => {
                let length = usize::try_from(self.unsigned()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => usize::try_from(self.unsigned()?).ok()?,
                    count => usize::from(count),
                };
                // Every value has a byte at least: a count that lies asks for no memory.
                if count > self.bytes.len() - self.at {
                    return None;
                }
                Value::List((0..count).map(|_| self.value(head & 0x0f, depth + 1)).collect::<Option<_>>()?)
            }
            11 => {
                let count = usize::try_from(self.unsigned()?).ok()?;
                if count > self.bytes.len() - self.at {
                    return None;
                }
                let kinds = if count > 0 { self.byte()? } else { 0 };
                let mut entries = Vec::new();
                for _ in 0..count {
                    entries.push(self.value(kinds >> 4, depth + 1)?);
                    entries.push(self.value(kinds & 0x0f, depth + 1)?);
                }
                Value::List(entries)
            }
            12 => self.structure(depth + 1)?,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lists_and_structures_are_read_and_torn_ones_refused() {
        // 1: i32 5, 3: "ab", 4: [true, false], 20: { 1: -1 }
        let bytes = [0x15, 10, 0x28, 2, b'a', b'b', 0x19, 0x21, 1, 2, 0x0c, 40, 0x16, 1, 0, 0];
        let (value, length) = structure(&bytes).unwrap();
        assert_eq!(length, bytes.len());
        assert_eq!((value.int(1), value.text(3), value.count(1)), (Some(5), Some("ab"), Some(5)));
        assert_eq!(value.list(4), Some([Value::Bool(true), Value::Bool(false)].as_slice()));
        assert_eq!(value.field(20).unwrap().int(1), Some(-1));
        for end in 0..bytes.len() {
            assert_eq!(structure(&bytes[..end]), None, "cut at {end}");
        }
        // Lists of lists, and a list that claims more than there is.
        assert_eq!(structure(&[[0x19].as_slice(), &[0x19; 100]].concat()), None);
        assert_eq!(structure(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]), None);
    }
}
