//! A desktop or a terminal: threads, a disk, and a GPU that the window shares with its runs.

#[cfg(feature = "window")]
pub(crate) mod drawing;
#[cfg(feature = "window")]
pub(crate) mod outside;
#[cfg(feature = "window")]
pub(crate) mod rest;

/// Whether a browser is around the program, with keys and menus of its own.
#[cfg(feature = "window")]
pub(crate) const IN_BROWSER: bool = false;

/// Where the page is, for links that open it: a desktop does not know.
#[cfg(feature = "window")]
pub(crate) fn address() -> String {
    String::new()
}

/// Now, as the beginning of a name, in the person's own time.
pub(crate) fn moment() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d_%H-%M-%S").to_string()
}

/// The window's fonts: egui's own. Formulas have signs that the usual font lacks.
#[cfg(feature = "window")]
pub(crate) fn fonts() -> egui::FontDefinitions {
    let mut fonts = egui::FontDefinitions::default();
    if let Some(names) = fonts.families.get_mut(&egui::FontFamily::Proportional) {
        names.push("Hack".to_owned());
    }
    fonts
}

/// Exclusive use of a run folder. On disk the lock file is enough.
#[cfg(feature = "window")]
#[derive(Debug)]
pub(crate) struct Claim;

#[cfg(feature = "window")]
impl Claim {
    /// Takes a folder.
    pub(crate) async fn on(_folder: &std::path::Path) -> Result<Option<Self>, gairat::checkpoint::CheckpointError> {
        Ok(Some(Self))
    }
}
