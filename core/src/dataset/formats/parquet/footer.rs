//! What stands at the end of a file: its columns, and where their pages are.

use super::thrift::{Value, structure};

/// What the numbers or bytes of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Int32,
    Int64,
    Bytes,
    /// None that labels or pictures have.
    Other,
}

/// A column that lies in no list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// Its names from the top on.
    pub(super) path: Vec<String>,
    pub(super) of: Type,
    /// How many of these may be missing: levels of optional groups around it, and itself.
    pub(super) optional: u64,
}

impl Column {
    /// Its names as one.
    pub(super) fn name(&self) -> String {
        self.path.join(".")
    }
}

/// Pages of a column in one group of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chunk {
    /// How the pages are packed: a number of the format's own.
    pub(super) codec: i64,
    /// How many rows.
    pub(super) values: usize,
    /// The first byte of the first page, and of what follows the last.
    pub(super) bytes: std::ops::Range<usize>,
}

/// A file's index.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Footer {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
    /// Of every group of rows the chunks, by the name of their column.
    pub(super) groups: Vec<Vec<(String, Chunk)>>,
    /// What the data set library noted, as JSON.
    pub(super) about: Option<String>,
}

/// At both ends of every file.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";

/// Reads the index of a whole file.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(file: &[u8]) -> Result<Footer, String> {
    let torn = || "breaks off: its index, which stands at its end, is missing".to_owned();
    let rest = file.strip_suffix(MAGIC).filter(|rest| rest.starts_with(MAGIC)).ok_or_else(torn)?;
    let (rest, length) = rest.split_last_chunk::<4>().ok_or_else(torn)?;
    let length = u32::from_le_bytes(*length) as usize;
    let start = rest.len().checked_sub(length).ok_or_else(torn)?;
    let damaged = || "has a damaged index".to_owned();
    let (index, _) = structure(&rest[start..]).ok_or_else(damaged)?;
    let columns = columns(index.list(2).ok_or_else(damaged)?).ok_or_else(damaged)?;
    let groups = index.list(4).ok_or_else(damaged)?.iter().map(|group| chunks(group, start)).collect::<Option<Vec<_>>>();
    let about = index.list(5).into_iter().flatten().find(|pair| pair.text(1) == Some("huggingface"));
    Ok(Footer {
        rows: index.count(3).ok_or_else(damaged)?,
        columns,
        groups: groups.ok_or_else(damaged)?,
        about: about.and_then(|pair| pair.text(2)).map(str::to_owned),
    })
}

/// The columns of a tree that is written depth first. Lists hold no pictures and no labels: what is in them is left out.
fn columns(tree: &[Value<'_>]) -> Option<Vec<Column>> {
    struct Group {
        left: usize,
        path: Vec<String>,
        optional: u64,
        listed: bool,
    }
    let (root, rest) = tree.split_first()?;
    let mut groups = vec![Group { left: root.count(5).unwrap_or(0), path: Vec::new(), optional: 0, listed: false }];
    let mut found = Vec::new();
    for element in rest {
        while groups.last()?.left == 0 {
            groups.pop();
        }
        let around = groups.last_mut()?;
        around.left -= 1;
        let mut path = around.path.clone();
        path.push(element.text(4)?.to_owned());
        let repetition = element.int(3).unwrap_or(0);
        let optional = around.optional + u64::from(repetition == 1);
        let listed = around.listed || repetition == 2;
        if let Some(children) = element.count(5) {
            groups.push(Group { left: children, path, optional, listed });
        } else if !listed {
            let of = match element.int(1)? {
                1 => Type::Int32,
                2 => Type::Int64,
                6 => Type::Bytes,
                _ => Type::Other,
            };
            found.push(Column { path, of, optional });
        }
    }
    Some(found)
}

/// The chunks of a group of rows, in a file whose index begins at `end`.
fn chunks(group: &Value<'_>, end: usize) -> Option<Vec<(String, Chunk)>> {
    let chunk = |column: &Value<'_>| {
        let about = column.field(3)?;
        let path: Vec<&str> = about
            .list(3)?
            .iter()
            .map(|part| if let Value::Bytes(text) = part { std::str::from_utf8(text).ok() } else { None })
            .collect::<Option<_>>()?;
        // The dictionary, where there is one, lies before the data.
        let data = about.count(9)?;
        let first = about.count(11).filter(|place| (4..data).contains(place)).unwrap_or(data);
        let last = first.checked_add(about.count(7)?).filter(|last| *last <= end)?;
        Some((path.join("."), Chunk { codec: about.int(4)?, values: about.count(5)?, bytes: first..last }))
    };
    group.list(1)?.iter().map(chunk).collect()
}
