//! Files in memory, for a page: one table for the whole module, and a journal of what was written since it was last asked for.
//!
//! A page and its worker are two modules with a table each. The worker's journal goes to the page, which keeps its own table in step
//! and takes the files to the browser's storage.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Cursor},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Out;

/// A file that is read.
pub type Opened = Cursor<Arc<[u8]>>;

/// A file, written or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub path: PathBuf,
    /// Its bytes; none where it was removed.
    pub bytes: Option<Arc<[u8]>>,
}

#[derive(Default)]
struct Table {
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    /// Folders in which there may be nothing yet.
    folders: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    journal: Vec<Change>,
}

static TABLE: Mutex<Table> =
    Mutex::new(Table { files: BTreeMap::new(), folders: BTreeSet::new(), locked: BTreeSet::new(), journal: Vec::new() });

fn table() -> MutexGuard<'static, Table> {
    // Nobody leaves the table half changed.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn put(&mut self, path: &Path, bytes: Option<Arc<[u8]>>) {
        match &bytes {
            Some(bytes) => {
                self.files.insert(path.to_owned(), Arc::clone(bytes));
            }
            None => {
                self.files.remove(path);
            }
        }
        // What was written twice is told once, in the place of the later.
        self.journal.retain(|change| change.path != path);
        self.journal.push(Change { path: path.to_owned(), bytes });
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
    for Change { path, bytes } in changes {
        match bytes {
            Some(bytes) => table.files.insert(path, bytes),
            None => table.files.remove(&path),
        };
    }
}

/// All files at or under `path`.
pub fn under(path: &Path) -> Vec<Change> {
    let table = table();
    let files = table.files.iter().filter(|(file, _)| file.starts_with(path));
    files.map(|(path, bytes)| Change { path: path.clone(), bytes: Some(Arc::clone(bytes)) }).collect()
}

/// A file that is held against others of this module; released when it is dropped.
#[derive(Debug)]
pub struct Lock(PathBuf);

impl Drop for Lock {
    fn drop(&mut self) {
        table().locked.remove(&self.0);
    }
}

/// Takes the file at `path`; `None` if somebody else holds it.
///
/// # Errors
/// None.
pub fn lock(path: &Path) -> io::Result<Option<Lock>> {
    Ok(table().locked.insert(path.to_owned()).then(|| Lock(path.to_owned())))
}

/// Opens a file for reading.
///
/// # Errors
/// [`io::ErrorKind::NotFound`].
pub fn open(path: &Path) -> io::Result<Opened> {
    table().files.get(path).map(|bytes| Cursor::new(Arc::clone(bytes))).ok_or_else(|| missing(path))
}

/// The bytes of a file.
///
/// # Errors
/// [`io::ErrorKind::NotFound`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    table().files.get(path).map(|bytes| bytes.to_vec()).ok_or_else(|| missing(path))
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
    table().put(path, Some(bytes.into_inner().into()));
    Ok(())
}

/// Gives a file another name, in the place of what may be there.
///
/// # Errors
/// [`io::ErrorKind::NotFound`].
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut table = table();
    let bytes = table.files.get(from).cloned().ok_or_else(|| missing(from))?;
    table.put(from, None);
    table.put(to, Some(bytes));
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
    table.put(path, None);
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
        let two: Arc<[u8]> = Arc::from(&b"2"[..]);
        assert_eq!(changes, [Change { path: a.clone(), bytes: None }, Change { path: b.clone(), bytes: Some(Arc::clone(&two)) }]);
        assert!(take_changes().is_empty());
        apply([Change { path: a.clone(), bytes: Some(two) }, Change { path: b.clone(), bytes: None }]);
        assert!(take_changes().is_empty() && is_file(&a) && !is_file(&b));
        assert_eq!(under(&run).len(), 1);
        let held = lock(&a).unwrap();
        assert!(held.is_some() && lock(&a).unwrap().is_none());
        drop(held);
        assert!(lock(&a).unwrap().is_some());
    }
}
