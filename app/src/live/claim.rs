//! A run folder belongs to one run at a time. On a disk its lock file sees to that; in a page, where tabs share a storage, the browser.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::page::Claim;

/// On a disk there is nothing besides the lock file.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
pub(crate) struct Claim;

#[cfg(not(target_arch = "wasm32"))]
impl Claim {
    /// Takes a folder.
    pub(crate) async fn on(_folder: &std::path::Path) -> Result<Option<Self>, gairat::checkpoint::CheckpointError> {
        Ok(Some(Self))
    }
}
