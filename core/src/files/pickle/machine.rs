//! The stack machine (the operations of `Lib/pickletools.py` in Python's source, protocols 0 to 5).

use std::collections::HashMap;

use super::{Graph, Host, Node, PickleError, Place};

/// Reads the pickle at the beginning of `bytes`: its values, the place of the whole, and how many bytes it takes.
///
/// # Errors
/// [`PickleError::Foreign`] names the class or function that neither the machine nor `host` knows, [`PickleError::Damaged`] says what
/// is broken.
pub(crate) fn load<H: Host>(bytes: &[u8], host: &mut H) -> Result<(Graph<H::Made>, Place, usize), PickleError> {
    let mut machine =
        Machine { bytes, at: 0, graph: Graph { nodes: Vec::new() }, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    let root = machine.run(host)?;
    Ok((machine.graph, root, machine.at))
}

struct Machine<'a, T> {
    bytes: &'a [u8],
    at: usize,
    graph: Graph<T>,
    stack: Vec<Place>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Place>,
}

fn damaged(what: impl Into<String>) -> PickleError {
    PickleError::Damaged(what.into())
}

/// Little-endian bytes as a number of up to 64 bits.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Bytes of a whole number in two's complement, the lowest first.
fn long<T>(bytes: &[u8]) -> Node<T> {
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    if bytes.len() <= 8 {
        let filled = if negative && bytes.len() < 8 { u64::MAX << (8 * bytes.len()) } else { 0 };
        Node::Int((number(bytes) | filled) as i64)
    } else {
        Node::Long(bytes.to_vec())
    }
}

impl<T: Clone + std::fmt::Debug> Machine<'_, T> {
    fn run<H: Host<Made = T>>(&mut self, host: &mut H) -> Result<Place, PickleError> {
        loop {
            let operation = self.take(1)?[0];
            match operation {
                0x80 => {
                    let protocol = self.take(1)?[0];
                    if protocol > 5 {
                        return Err(damaged(format!("protocol {protocol}; 0 to 5 are known")));
                    }
                }
                // Frames say how the file is best read.
                0x95 => drop(self.take(8)?),
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.popped_to_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'N' => self.push(Node::None),
                0x88 => self.push(Node::Bool(true)),
                0x89 => self.push(Node::Bool(false)),
                b'J' => {
                    let bytes = self.take(4)?;
                    let value = number(bytes) as u32 as i32;
                    self.push(Node::Int(i64::from(value)));
                }
                b'K' => self.plain(1, |bytes| Node::Int(number(bytes) as i64))?,
                b'M' => self.plain(2, |bytes| Node::Int(number(bytes) as i64))?,
                0x8a => self.counted(1, long)?,
                0x8b => self.counted(4, long)?,
                b'I' => {
                    let line = self.line()?;
                    self.push(match line.as_str() {
                        "00" => Node::Bool(false),
                        "01" => Node::Bool(true),
                        digits => Node::Int(digits.parse().map_err(|_| damaged(format!("`{digits}` for a number")))?),
                    });
                }
                b'L' => {
                    let line = self.line()?;
                    let digits = line.trim_end_matches('L');
                    let value = digits.parse().map(Node::Int);
                    // Numbers that do not fit are of no interest but for PyTorch's magic one, which is written otherwise today.
                    self.push(value.unwrap_or_else(|_| Node::Text(digits.to_owned())));
                }
                b'F' => {
                    let line = self.line()?;
                    self.push(Node::Float(line.parse().map_err(|_| damaged(format!("`{line}` for a number")))?));
                }
                b'G' => self.plain(8, |bytes| Node::Float(f64::from_bits(number(bytes).swap_bytes())))?,
                b'X' => self.counted(4, |bytes| Node::Text(String::from_utf8_lossy(bytes).into_owned()))?,
                0x8c => self.counted(1, |bytes| Node::Text(String::from_utf8_lossy(bytes).into_owned()))?,
                0x8d => self.counted(8, |bytes| Node::Text(String::from_utf8_lossy(bytes).into_owned()))?,
                // Python 2's strings are text or bytes, which only their content can tell.
                b'T' => self.counted(4, text_or_bytes)?,
                b'U' => self.counted(1, text_or_bytes)?,
                b'S' => {
                    let line = self.line()?;
                    self.push(Node::Text(line.trim_matches(['\'', '"']).to_owned()));
                }
                b'V' => {
                    let line = self.line()?;
                    self.push(Node::Text(line));
                }
                b'B' => self.counted(4, |bytes| Node::Bytes(bytes.to_vec()))?,
                b'C' => self.counted(1, |bytes| Node::Bytes(bytes.to_vec()))?,
                0x8e | 0x96 => self.counted(8, |bytes| Node::Bytes(bytes.to_vec()))?,
                b']' | 0x8f => self.push(Node::List(Vec::new())),
                b'}' => self.push(Node::Dict(Vec::new())),
                b')' => self.push(Node::Tuple(Vec::new())),
                b'l' | 0x91 => {
                    let values = self.popped_to_mark()?;
                    self.push(Node::List(values));
                }
                b't' => {
                    let values = self.popped_to_mark()?;
                    self.push(Node::Tuple(values));
                }
                0x85..=0x87 => {
                    let first = self.stack.len().checked_sub(usize::from(operation - 0x84));
                    let first = first.ok_or_else(|| damaged("a tuple of more than there is"))?;
                    let values = self.stack.split_off(first);
                    self.push(Node::Tuple(values));
                }
                b'd' => {
                    let values = self.popped_to_mark()?;
                    self.push(Node::Dict(pairs(&values)));
                }
                b'a' => {
                    let value = self.pop()?;
                    self.append(&[value])?;
                }
                b'e' | 0x90 => {
                    let values = self.popped_to_mark()?;
                    self.append(&values)?;
                }
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.fill(&[key, value])?;
                }
                b'u' => {
                    let values = self.popped_to_mark()?;
                    self.fill(&values)?;
                }
                b'q' => self.keep_as(1)?,
                b'r' => self.keep_as(4)?,
                b'p' => {
                    let line = self.line()?;
                    let key = line.parse().map_err(|_| damaged(format!("`{line}` for a place")))?;
                    let top = self.top()?;
                    self.memo.insert(key, top);
                }
                0x94 => {
                    let top = self.top()?;
                    self.memo.insert(self.memo.len() as u64, top);
                }
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'g' => {
                    let line = self.line()?;
                    let key = line.parse().map_err(|_| damaged(format!("`{line}` for a place")))?;
                    self.recalled(key)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Node::Name(format!("{module}.{name}")));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Some(module), Some(name)) = (self.graph.text(module), self.graph.text(name)) else {
                        return Err(damaged("a class without a name"));
                    };
                    let name = format!("{module}.{name}");
                    self.push(Node::Name(name));
                }
                b'Q' => {
                    let reference = self.pop()?;
                    let node = host.outside(&self.graph, reference)?;
                    self.push(node);
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    self.call(host, function, arguments)?;
                }
                0x92 => {
                    let (_keywords, arguments, function) = (self.pop()?, self.pop()?, self.pop()?);
                    self.call(host, function, arguments)?;
                }
                // What an instance is to hold. Ordered dictionaries carry notes for PyTorch alone.
                b'b' => drop(self.pop()?),
                // `i`, `o`: old instances. `P`, 0x82 to 0x84, 0x97, 0x98: what no program here writes.
                other => return Err(damaged(format!("operation {other:#04x} is none that data needs"))),
            }
        }
    }

    /// Calls nothing: asks the host what it would make of it.
    fn call<H: Host<Made = T>>(&mut self, host: &mut H, function: Place, arguments: Place) -> Result<(), PickleError> {
        let Node::Name(name) = self.graph.at(function).clone() else { return Err(damaged("a call of what is no function")) };
        let arguments = self.graph.sequence(arguments).ok_or_else(|| damaged("a call without arguments"))?.to_vec();
        let node = match (name.as_str(), arguments.as_slice()) {
            ("collections.OrderedDict", []) => Node::Dict(Vec::new()),
            ("collections.OrderedDict", [entries]) => {
                let entries = self.graph.sequence(*entries).unwrap_or_default().to_vec();
                let entries = entries.iter().filter_map(|&pair| self.graph.sequence(pair));
                Node::Dict(entries.filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect())
            }
            ("collections.defaultdict", _) => Node::Dict(Vec::new()),
            ("builtins.set" | "__builtin__.set", _) => Node::List(Vec::new()),
            _ => host.call(&self.graph, &name, &arguments)?.ok_or(PickleError::Foreign(name))?,
        };
        self.push(node);
        Ok(())
    }

    fn push(&mut self, node: Node<T>) {
        self.stack.push(self.graph.nodes.len());
        self.graph.nodes.push(node);
    }

    fn top(&self) -> Result<Place, PickleError> {
        self.stack.last().copied().ok_or_else(|| damaged("nothing on the stack"))
    }

    fn pop(&mut self) -> Result<Place, PickleError> {
        self.stack.pop().ok_or_else(|| damaged("nothing on the stack"))
    }

    fn popped_to_mark(&mut self) -> Result<Vec<Place>, PickleError> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or_else(|| damaged("no mark"))?))
    }

    /// Adds values to the list on top.
    fn append(&mut self, values: &[Place]) -> Result<(), PickleError> {
        let top = self.top()?;
        match self.graph.nodes.get_mut(top) {
            Some(Node::List(list)) => list.extend(values),
            // An instance that is filled like a list.
            Some(Node::Other(_)) => {}
            _ => return Err(damaged("a value for what is no list")),
        }
        Ok(())
    }

    /// Adds entries to the dictionary on top; a later entry of one key takes the place of the earlier.
    fn fill(&mut self, values: &[Place]) -> Result<(), PickleError> {
        let top = self.top()?;
        match self.graph.nodes.get_mut(top) {
            Some(Node::Dict(entries)) => entries.extend(pairs(values)),
            Some(Node::Other(_)) => {}
            _ => return Err(damaged("an entry for what is no dictionary")),
        }
        Ok(())
    }

    fn keep_as(&mut self, width: usize) -> Result<(), PickleError> {
        let key = number(self.take(width)?);
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), PickleError> {
        let key = number(self.take(width)?);
        self.recalled(key)
    }

    fn recalled(&mut self, key: u64) -> Result<(), PickleError> {
        let place = self.memo.get(&key).copied().ok_or_else(|| damaged(format!("nothing was kept as {key}")))?;
        self.stack.push(place);
        Ok(())
    }

    /// A value of so many bytes.
    fn plain(&mut self, width: usize, value: impl Fn(&[u8]) -> Node<T>) -> Result<(), PickleError> {
        let node = value(self.take(width)?);
        self.push(node);
        Ok(())
    }

    /// A value behind its length, which takes so many bytes itself.
    fn counted(&mut self, width: usize, value: impl Fn(&[u8]) -> Node<T>) -> Result<(), PickleError> {
        let length = number(self.take(width)?);
        let length = usize::try_from(length).map_err(|_| damaged("a value longer than memory"))?;
        self.plain(length, value)
    }

    /// The next bytes. A view: a length that lies allocates nothing.
    fn take(&mut self, count: usize) -> Result<&[u8], PickleError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| damaged(format!("it ends after {} bytes, in the middle of a value", self.bytes.len())))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn line(&mut self) -> Result<String, PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| damaged("a line without end"))?;
        // Latin-1, as Python writes lines; escapes beyond it stay as they are.
        let line: String = rest[..length].iter().copied().map(char::from).collect();
        let line = line.trim_end_matches('\r').to_owned();
        self.at += length + 1;
        Ok(line)
    }
}

fn text_or_bytes<T>(bytes: &[u8]) -> Node<T> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Node::Text(text.to_owned()),
        Err(_) => Node::Bytes(bytes.to_vec()),
    }
}

fn pairs(values: &[Place]) -> Vec<(Place, Place)> {
    values.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}
