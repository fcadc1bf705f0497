//! The machine that a pickle is written for: a stack, marks on it, and a memory of values by number.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Id, Node, Pickle,
    literals::{decimal, long, number, unescaped, unquoted},
};

/// Why bytes are no pickle that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pickle {found} at byte {at}")]
pub(crate) struct PickleError {
    pub(crate) found: String,
    /// Where the opcode lies that it is wrong with.
    pub(crate) at: usize,
}

/// How many values are read. A value takes a hundred times the memory of the byte that can make it; batches of images and checkpoints have
/// some hundred thousand.
pub(crate) const MOST: usize = 1 << 22;

/// Reads the pickle at the beginning of `bytes`; what follows it is left alone ([`Pickle::length`]).
///
/// Memory is bounded by the length of `bytes` and by [`MOST`]: no length that a pickle claims is believed.
///
/// # Errors
/// [`PickleError`] where the pickle breaks off, where it is no pickle, where it holds more than [`MOST`] values, or where it needs what lies
/// outside of it.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle<'_>, PickleError> {
    let mut machine = Machine { bytes, at: 0, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        let at = machine.at;
        if machine.nodes.len().max(machine.memo.len()) > MOST {
            return Err(PickleError { found: format!("holds more than {MOST} values"), at });
        }
        match machine.step() {
            Ok(None) => {}
            Ok(Some(root)) => return Ok(Pickle { nodes: machine.nodes, root, length: machine.at }),
            Err(found) => return Err(PickleError { found, at }),
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

type Step<T> = Result<T, String>;

/// A length of 4 bytes is without sign in some opcodes and with one in others; a negative one is longer than any file.
fn size(bytes: &[u8]) -> usize {
    usize::try_from(number(bytes)).unwrap_or(usize::MAX)
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest
            .get(..count)
            .ok_or_else(|| format!("breaks off: {count} bytes belong to the opcode, {} are left", rest.len()))?;
        self.at += count;
        Ok(taken)
    }

    /// What follows a length of `width` bytes.
    fn counted(&mut self, width: usize) -> Step<&'a [u8]> {
        let count = size(self.take(width)?);
        self.take(count)
    }

    /// The rest of a line.
    fn bytes_of_line(&mut self) -> Step<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("breaks off within a line")?;
        self.at += end + 1;
        Ok(&rest[..end])
    }

    /// The rest of a line of text.
    fn line(&mut self) -> Step<&'a str> {
        self.bytes_of_line().and_then(text).map(|line| line.trim_end_matches('\r'))
    }

    fn push(&mut self, node: Node<'a>) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn pop(&mut self) -> Step<Id> {
        // Values below a mark belong to what the mark begins.
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err("takes a value where there is none".to_owned());
        }
        self.stack.pop().ok_or_else(|| "takes a value where there is none".to_owned())
    }

    fn top(&self) -> Step<Id> {
        self.stack.last().copied().ok_or_else(|| "needs a value where there is none".to_owned())
    }

    /// The values since the last mark.
    fn marked(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("closes what was never begun")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn tuple(&mut self, count: usize) -> Step<()> {
        let mut ids = (0..count).map(|_| self.pop()).collect::<Step<Vec<Id>>>()?;
        ids.reverse();
        self.push(Node::Tuple(ids));
        Ok(())
    }

    fn append(&mut self, new: Vec<Id>) -> Step<()> {
        let to = self.top()?;
        match &mut self.nodes[to] {
            Node::List(ids) | Node::Set(ids) | Node::Object { items: ids, .. } => ids.extend(new),
            _ => return Err("appends to what is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, new: &[Id]) -> Step<()> {
        let to = self.top()?;
        match &mut self.nodes[to] {
            Node::Dict(pairs) | Node::Object { pairs, .. } => pairs.extend(pairs_of(new)?),
            _ => return Err("sets a key of what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn object(&mut self, callable: Id, arguments: Id, named: Option<Id>) {
        self.push(Node::Object { callable, arguments, named, state: None, items: Vec::new(), pairs: Vec::new() });
    }

    /// An object of a class and the values since the last mark.
    fn instance(&mut self, callable: Id, arguments: Vec<Id>) {
        self.nodes.push(Node::Tuple(arguments));
        self.object(callable, self.nodes.len() - 1, None);
    }

    fn remember(&mut self, key: u64) -> Step<()> {
        let id = self.top()?;
        self.memo.insert(key, id);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Step<()> {
        let id = *self.memo.get(&key).ok_or_else(|| format!("recalls value {key}, which it never remembered"))?;
        self.stack.push(id);
        Ok(())
    }

    fn owned_text(&self, id: Id) -> Step<Cow<'a, str>> {
        match &self.nodes[id] {
            Node::Text(text) => Ok(text.clone()),
            Node::Bytes(bytes) => text(bytes).map(|text| Cow::Owned(text.to_owned())),
            _ => Err("names a function by what is no text".to_owned()),
        }
    }

    /// Takes one opcode; gives the value at the end.
    fn step(&mut self) -> Step<Option<Id>> {
        let opcode = self.take(1)?[0];
        match opcode {
            b'.' => return self.pop().map(Some),
            // PROTO and FRAME tell nothing that is needed.
            0x80 => match self.take(1)?[0] {
                0..=5 => {}
                version => return Err(format!("is of protocol {version}; protocols 0 to 5 are known")),
            },
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            // A mark on the top is popped like a value.
            b'0' if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'2' => self.stack.push(self.top()?),
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'I' => {
                let line = self.line()?;
                // Protocol 0 writes truth as these two numbers.
                match line {
                    "00" => self.push(Node::Bool(false)),
                    "01" => self.push(Node::Bool(true)),
                    _ => self.push(Node::Int(line.trim().parse().map_err(|_| format!("holds `{line}` as a whole number"))?)),
                }
            }
            b'L' => {
                let line = self.line()?;
                let node =
                    decimal(line.trim().trim_end_matches('L')).ok_or_else(|| format!("holds `{line}` as a whole number"))?;
                self.push(node);
            }
            b'J' => {
                let bytes = self.take(4)?;
                self.push(Node::Int(i64::from(number(bytes) as u32 as i32)));
            }
            b'K' => {
                let number = self.take(1)?[0];
                self.push(Node::Int(i64::from(number)));
            }
            b'M' => {
                let bytes = self.take(2)?;
                self.push(Node::Int(number(bytes) as i64));
            }
            0x8a => self.counted(1).map(|bytes| self.push(long(bytes)))?,
            0x8b => self.counted(4).map(|bytes| self.push(long(bytes)))?,
            b'F' => {
                let line = self.line()?;
                self.push(Node::Float(line.trim().parse().map_err(|_| format!("holds `{line}` as a float"))?));
            }
            b'G' => {
                let bits = self.take(8)?.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
                self.push(Node::Float(f64::from_bits(bits)));
            }
            b'S' => {
                let line = self.line()?;
                let bytes = unquoted(line).ok_or_else(|| format!("holds {line} as a string"))?;
                self.push(Node::Bytes(Cow::Owned(bytes)));
            }
            b'U' | b'C' => self.counted(1).map(|bytes| self.push(Node::Bytes(Cow::Borrowed(bytes))))?,
            b'T' | b'B' => self.counted(4).map(|bytes| self.push(Node::Bytes(Cow::Borrowed(bytes))))?,
            0x8e | 0x96 => self.counted(8).map(|bytes| self.push(Node::Bytes(Cow::Borrowed(bytes))))?,
            b'V' => {
                // A byte is a character of Latin-1.
                let line: String = self.bytes_of_line()?.iter().copied().map(char::from).collect();
                self.push(Node::Text(Cow::Owned(unescaped(&line))));
            }
            // Python writes names of files that are no text as surrogates, which UTF-8 has not.
            0x8c => self.counted(1).map(|bytes| self.push(Node::Text(String::from_utf8_lossy(bytes))))?,
            b'X' => self.counted(4).map(|bytes| self.push(Node::Text(String::from_utf8_lossy(bytes))))?,
            0x8d => self.counted(8).map(|bytes| self.push(Node::Text(String::from_utf8_lossy(bytes))))?,
            b']' => self.push(Node::List(Vec::new())),
            b'l' => self.marked().map(|ids| self.push(Node::List(ids)))?,
            b'a' => {
                let new = self.pop()?;
                self.append(vec![new])?;
            }
            // A set is filled as a list is.
            b'e' | 0x90 => self.marked().and_then(|new| self.append(new))?,
            b')' => self.push(Node::Tuple(Vec::new())),
            b't' => self.marked().map(|ids| self.push(Node::Tuple(ids)))?,
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b'}' => self.push(Node::Dict(Vec::new())),
            b'd' => {
                let ids = self.marked()?;
                self.push(Node::Dict(pairs_of(&ids)?));
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(&[key, value])?;
            }
            b'u' => self.marked().and_then(|new| self.set(&new))?,
            0x8f => self.push(Node::Set(Vec::new())),
            0x91 => self.marked().map(|ids| self.push(Node::Set(ids)))?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Node::Global { module: Cow::Borrowed(module), name: Cow::Borrowed(name) });
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (module, name) = (self.owned_text(module)?, self.owned_text(name)?);
                self.push(Node::Global { module, name });
            }
            // REDUCE calls a function, NEWOBJ a class.
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.object(callable, arguments, None);
            }
            0x92 => {
                let (named, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.object(callable, arguments, Some(named));
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let arguments = self.marked()?;
                self.nodes.push(Node::Global { module: Cow::Borrowed(module), name: Cow::Borrowed(name) });
                self.instance(self.nodes.len() - 1, arguments);
            }
            b'o' => {
                let mut arguments = self.marked()?;
                if arguments.is_empty() {
                    return Err("makes an object of no class".to_owned());
                }
                let class = arguments.remove(0);
                self.instance(class, arguments);
            }
            b'b' => {
                let new = self.pop()?;
                let to = self.top()?;
                match &mut self.nodes[to] {
                    Node::Object { state, .. } => *state = Some(new),
                    _ => return Err("sets the state of what is no object".to_owned()),
                }
            }
            b'P' => {
                let line = self.line()?;
                self.nodes.push(Node::Text(Cow::Borrowed(line)));
                self.push(Node::Persistent(self.nodes.len() - 1));
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Node::Persistent(id));
            }
            b'p' | b'g' => {
                let line = self.line()?;
                let key = line.trim().parse().map_err(|_| format!("remembers a value under `{line}`"))?;
                if opcode == b'p' { self.remember(key)? } else { self.recall(key)? }
            }
            b'q' => self.take(1).map(number).and_then(|key| self.remember(key))?,
            b'r' => self.take(4).map(number).and_then(|key| self.remember(key))?,
            0x94 => self.remember(self.memo.len() as u64)?,
            b'h' => self.take(1).map(number).and_then(|key| self.recall(key))?,
            b'j' => self.take(4).map(number).and_then(|key| self.recall(key))?,
            // Of a buffer that lies inside, whether it may be written is nothing to a reader.
            0x98 => drop(self.top()?),
            0x97 => return Err("needs a buffer that lies outside of it".to_owned()),
            0x82..=0x84 => return Err("names a class by its number in Python's extension registry".to_owned()),
            _ => return Err(format!("has the unknown opcode 0x{opcode:02x}")),
        }
        Ok(None)
    }
}

fn pairs_of(ids: &[Id]) -> Step<Vec<(Id, Id)>> {
    if !ids.len().is_multiple_of(2) {
        return Err("has a key without a value".to_owned());
    }
    Ok(ids.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

fn text(bytes: &[u8]) -> Step<&str> {
    std::str::from_utf8(bytes).map_err(|_| "holds text that is no UTF-8".to_owned())
}
