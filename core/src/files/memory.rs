//! Files in memory, for a page: one table for the whole module, and a journal of all writes since its last read.
//!
//! A page and its worker are two modules with a table each. Each writes its journal to the browser's storage and loads from there the files
//! that it needs; for a file not loaded yet, the table holds only the name.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Cursor},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::Out;

/// A file that is read.
pub type Opened = Cursor<Bytes>;

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// It holds these bytes.
    Bytes(Bytes),
    /// It is in the browser's storage, and its bytes are not here.
    Stored,
    /// It was removed.
    Removed,
}

/// A file, written or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub path: PathBuf,
    /// What became of it.
    pub content: Content,
}

#[derive(Default)]
struct Table {
    /// Their bytes; none of those that are in the browser's storage alone.
    files: BTreeMap<PathBuf, Option<Bytes>>,
    /// Folders in which there may be nothing yet.
    folders: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    journal: Vec<Change>,
}

static TABLE: Mutex<Table> =
    Mutex::new(Table { files: BTreeMap::new(), folders: BTreeSet::new(), locked: BTreeSet::new(), journal: Vec::new() });

fn table() -> MutexGuard<'static, Table> {
    // A panic cannot leave the table half changed.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn take(&mut self, Change { path, content }: Change) {
        match content {
            Content::Bytes(bytes) => self.files.insert(path, Some(bytes)),
            Content::Stored => self.files.insert(path, None),
            Content::Removed => self.files.remove(&path),
        };
    }

    fn put(&mut self, path: &Path, content: Content) {
        let change = Change { path: path.to_owned(), content };
        self.take(change.clone());
        // What was written twice is told once, in the place of the later.
        self.journal.retain(|before| before.path != change.path);
        self.journal.push(change);
    }

    fn bytes(&self, path: &Path) -> io::Result<&Bytes> {
        match self.files.get(path) {
            Some(Some(bytes)) => Ok(bytes),
            Some(None) => Err(io::Error::other(format!("{} was not taken out of the browser's storage", path.display()))),
            None => Err(missing(path)),
        }
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.folders.contains(path) || self.files.keys().any(|file| file != path && file.starts_with(path))
    }
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file {}", path.display()))
}

/// What was written and removed since this was last asked, in that order.
pub fn take_changes() -> Vec<Change> {
    std::mem::take(&mut table().journal)
}

/// Takes over what was written elsewhere; the journal does not speak of it.
pub fn apply(changes: impl IntoIterator<Item = Change>) {
    let mut table = table();
    changes.into_iter().for_each(|change| table.take(change));
}

/// All files at or under `path`, with their bytes where they are here.
pub fn under(path: &Path) -> Vec<Change> {
    let table = table();
    let files = table.files.iter().filter(|(file, _)| file.starts_with(path));
    let content = |bytes: &Option<Bytes>| bytes.clone().map_or(Content::Stored, Content::Bytes);
    files.map(|(path, bytes)| Change { path: path.clone(), content: content(bytes) }).collect()
}

/// The browser's storage has these: their bytes need not be here any more, where they are still the same.
pub fn stored<'a>(changes: impl IntoIterator<Item = &'a Change>) {
    let mut table = table();
    for Change { path, content } in changes {
        if let (Content::Bytes(kept), Some(here)) = (content, table.files.get_mut(path)) {
            here.take_if(|bytes| (bytes.as_ptr(), bytes.len()) == (kept.as_ptr(), kept.len()));
        }
    }
}

/// Takes what is at or under `path` out of the table, which the journal does not speak of: the storage keeps it.
pub fn forget(path: &Path) {
    let mut table = table();
    table.files.retain(|file, _| !file.starts_with(path));
    table.folders.retain(|folder| !folder.starts_with(path));
}

/// A file that is held against others of this module; released when it is dropped.
#[derive(Debug)]
pub struct Lock(PathBuf);

impl Drop for Lock {
    fn drop(&mut self) {
        table().locked.remove(&self.0);
    }
}

/// Locks the file at `path`; `None` if the lock is held.
///
/// # Errors
/// None.
pub fn lock(path: &Path) -> io::Result<Option<Lock>> {
    Ok(table().locked.insert(path.to_owned()).then(|| Lock(path.to_owned())))
}

/// Opens a file for reading.
///
/// # Errors
/// [`io::ErrorKind::NotFound`], or that its bytes are not here.
pub fn open(path: &Path) -> io::Result<Opened> {
    table().bytes(path).map(|bytes| Cursor::new(bytes.clone()))
}

/// The bytes of a file.
///
/// # Errors
/// [`io::ErrorKind::NotFound`], or that its bytes are not here.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    table().bytes(path).map(|bytes| bytes.to_vec())
}

/// Writes a file whose bytes are at hand, without copying them.
pub fn put(path: &Path, bytes: Bytes) {
    table().put(path, Content::Bytes(bytes));
}

/// Writes a file when all of it is there.
///
/// # Errors
/// What `write` says; nothing has changed then.
pub fn write_with(path: &Path, write: impl FnOnce(&mut dyn Out) -> io::Result<()>) -> io::Result<()> {
    if path.file_name().is_none() {
        return Err(io::Error::other("the path names no file"));
    }
    let mut bytes = Cursor::new(Vec::new());
    write(&mut bytes)?;
    table().put(path, Content::Bytes(bytes.into_inner().into()));
    Ok(())
}

/// Gives a file another name, in the place of what may be there.
///
/// # Errors
/// [`io::ErrorKind::NotFound`], or that its bytes are not here.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut table = table();
    let bytes = table.bytes(from).cloned()?;
    table.put(from, Content::Removed);
    table.put(to, Content::Bytes(bytes));
    Ok(())
}

/// Removes a file.
///
/// # Errors
/// [`io::ErrorKind::NotFound`].
pub fn remove(path: &Path) -> io::Result<()> {
    let mut table = table();
    if !table.files.contains_key(path) {
        return Err(missing(path));
    }
    table.put(path, Content::Removed);
    Ok(())
}

/// Whether there is anything at `path`.
pub fn exists(path: &Path) -> bool {
    is_file(path) || is_dir(path)
}

/// Whether there is a file at `path`.
pub fn is_file(path: &Path) -> bool {
    table().files.contains_key(path)
}

/// Whether there is a folder at `path`.
pub fn is_dir(path: &Path) -> bool {
    table().is_dir(path)
}

/// Makes a folder where nothing is.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`].
pub fn create_dir(path: &Path) -> io::Result<()> {
    let mut table = table();
    if table.is_dir(path) || table.files.contains_key(path) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is there", path.display())));
    }
    table.folders.insert(path.to_owned());
    Ok(())
}

/// Makes a folder where it is not there yet.
///
/// # Errors
/// None.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    table().folders.insert(path.to_owned());
    Ok(())
}

/// What is in a folder.
///
/// # Errors
/// [`io::ErrorKind::NotFound`].
pub fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    let table = table();
    if !table.is_dir(path) {
        return Err(missing(path));
    }
    let inside = table.files.keys().chain(&table.folders).filter_map(|file| file.strip_prefix(path).ok());
    let names: BTreeSet<PathBuf> = inside.filter_map(|rest| rest.components().next()).map(|name| path.join(name)).collect();
    Ok(names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The table is one for the program, so what it does is told in one test.
    #[test]
    fn files_in_memory_do_what_files_on_a_disk_do_and_the_journal_tells_of_it() {
        let root = Path::new("runs");
        create_dir_all(root).unwrap();
        let run = root.join("one");
        create_dir(&run).unwrap();
        assert_eq!(create_dir(&run).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let (a, b) = (run.join("a"), run.join("b"));
        let put = |path: &Path, bytes: &[u8]| write_with(path, |out| out.write_all(bytes)).unwrap();
        put(&a, b"1");
        put(&a, b"2");
        assert!(write_with(&a, |_| Err(io::Error::other("full"))).is_err());
        assert_eq!(read(&a).unwrap(), b"2");
        assert!(is_file(&a) && is_dir(&run) && exists(&run) && !exists(&b) && !is_file(&run));
        assert_eq!(list(root).unwrap(), std::slice::from_ref(&run));
        rename(&a, &b).unwrap();
        assert_eq!(list(&run).unwrap(), std::slice::from_ref(&b));
        assert_eq!(read(&a).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(remove(&a).is_err() && rename(&a, &b).is_err() && list(Path::new("nowhere")).is_err());
        let changes = take_changes();
        let two = Bytes::from_static(b"2");
        let change = |path: &Path, content: Content| Change { path: path.to_owned(), content };
        assert_eq!(changes, [change(&a, Content::Removed), change(&b, Content::Bytes(two.clone()))]);
        assert!(take_changes().is_empty());
        apply([change(&a, Content::Bytes(two)), change(&b, Content::Removed)]);
        assert!(take_changes().is_empty() && is_file(&a) && !is_file(&b));
        assert_eq!(under(&run).len(), 1);
        let held = lock(&a).unwrap();
        assert!(held.is_some() && lock(&a).unwrap().is_none());
        drop(held);
        assert!(lock(&a).unwrap().is_some());
        // One that is in the storage alone is there, and is not read by mistake as if it was empty.
        apply([change(&b, Content::Stored)]);
        assert!(is_file(&b) && list(&run).unwrap() == [a.clone(), b.clone()]);
        assert_ne!(read(&b).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(open(&b).is_err() && rename(&b, &a).is_err());
        assert_eq!(under(&b), [change(&b, Content::Stored)]);
        // What was written since is not what was stored.
        put(&b, b"3");
        let kept = take_changes();
        put(&b, b"4");
        stored(&kept);
        assert_eq!(read(&b).unwrap(), b"4");
        stored(&take_changes());
        assert_eq!(under(&b), [change(&b, Content::Stored)]);
        forget(&run);
        assert!(!exists(&run) && is_dir(root) && take_changes().is_empty());
    }
}
