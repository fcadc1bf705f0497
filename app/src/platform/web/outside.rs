//! The page has a browser around it: files come by upload and go by download.

use std::{
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use egui::{Context, Ui};

use gairat::files;
use web_time::{Duration, Instant};

use super::exchange::{self, Stock};

/// What is said while files are held over the program.
pub(crate) const DROP: &str = "Drop settings (.json), a run (.zip or its folder), weights (.pth, .safetensors), or data: NPZ, NPY, IDX, CIFAR, SVHN, CSV, Parquet, pictures by class (.zip or the folder)";

/// The buttons that ask for files and for a folder, and what each does.
pub(crate) const BROWSE: [(&str, &str); 2] = [
    (
        "Upload…",
        "Settings (.json), a downloaded run (.zip), weights (.pth, .safetensors), or data (NPZ, NPY, IDX, CIFAR, SVHN, CSV, Parquet, pictures by class as .zip) from this computer",
    ),
    ("Folder…", "A folder of pictures by class, of Parquet files or of a run from this computer"),
];

/// The name that a download gets.
///
/// # Errors
/// None; on a disk there may be some.
pub(crate) fn new_file(_folder: Option<&Path>, name: &str, kind: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(format!("gairat-{name}.{kind}")))
}

/// Downloads a file; gives what is to be said.
pub(crate) fn put(file: &Path, bytes: &[u8]) -> Result<String, String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    exchange::download(&name, bytes)?;
    Ok(format!("Downloaded: {name}"))
}

/// Does what takes its time at once: a page has no thread beside it.
pub(crate) fn beside(work: impl FnOnce()) {
    work();
}

/// Downloads files, name and bytes, in one archive `gairat-NAME.zip`; gives what is to be said.
///
/// # Errors
/// What is to be said where the archive cannot be made.
pub(crate) fn put_all(_folder: Option<&Path>, name: &str, files: &[(String, Vec<u8>)]) -> Result<String, String> {
    let archive_name = format!("gairat-{name}.zip");
    let fail = |error: &dyn std::fmt::Display| format!("{archive_name}: {error}");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in files {
        archive.start_file(name.as_str(), options).map_err(|error| fail(&error))?;
        archive.write_all(bytes).map_err(|error| fail(&error))?;
    }
    let bytes = archive.finish().map_err(|error| fail(&error))?.into_inner();
    exchange::download(&archive_name, &bytes)?;
    Ok(format!("Downloaded: {archive_name}"))
}

/// Asks for files; they arrive later.
pub(crate) fn browse_file(ctx: &Context) -> Option<PathBuf> {
    exchange::upload(ctx);
    None
}

/// Asks for a folder; what is in it arrives later.
pub(crate) fn browse_folder(ctx: &Context) -> Option<PathBuf> {
    exchange::upload_folder(ctx);
    None
}

/// How often it is found out what there is, while the list is shown.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// What the list of what can be opened says besides the names of runs.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    stock: Stock,
    asked: Instant,
    /// Something that is deleted if that is pressed once more.
    doomed: Option<PathBuf>,
}

impl Shelf {
    /// Whether a path can be typed.
    pub(crate) const PATHS: bool = false;
    /// Room for what [`Self::run_ui`] shows.
    pub(crate) const BUTTONS: f32 = 168.0;

    /// Begins to find out what there is.
    pub(crate) fn new(ctx: &Context) -> Self {
        exchange::take_stock(ctx);
        Self { stock: Stock::default(), asked: Instant::now(), doomed: None }
    }

    /// Whether something is known anew, so that the list is to be made again.
    pub(crate) fn has_news(&mut self, ctx: &Context) -> bool {
        // Other tabs begin and end.
        if self.asked.elapsed() >= ASK_EVERY {
            self.asked = Instant::now();
            exchange::take_stock(ctx);
        }
        ctx.request_repaint_after(ASK_EVERY);
        let stock = exchange::stock();
        let news = stock.is_some();
        self.stock = stock.unwrap_or(std::mem::take(&mut self.stock));
        news
    }

    /// Whether a run is at work in another tab.
    pub(crate) fn is_elsewhere(&self, run: &Path) -> bool {
        self.stock.held.contains(run)
    }

    /// What can be done with a run, besides opening it. `here` is whether this tab has it.
    pub(crate) fn run_ui(&mut self, ui: &mut Ui, run: &Path, here: bool) {
        if ui.button("Download").on_hover_text("As a .zip, which Upload… takes in again").clicked() {
            exchange::download_run(ui.ctx(), run);
        }
        let held = here || self.is_elsewhere(run);
        self.delete_ui(ui, run, held);
    }

    /// What lies there besides runs, and how much room it takes.
    pub(crate) fn rest_ui(&mut self, ui: &mut Ui) {
        let uploads = files::list(Path::new(exchange::UPLOADS)).unwrap_or_default();
        if !uploads.is_empty() {
            ui.collapsing(format!("Uploaded data ({})", uploads.len()), |ui| {
                for upload in uploads {
                    let name = upload.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    ui.horizontal(|ui| {
                        let user = self.stock.used.get(&upload).cloned();
                        self.delete_ui(ui, &upload, user.is_some());
                        ui.label(match user {
                            Some(run) => format!("{name}, which {run} needs"),
                            None => name,
                        });
                    });
                }
            });
        }
        let mega = |bytes: f64| if bytes < 1e9 { format!("{:.1} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) };
        match self.stock.space {
            Some((used, all)) => {
                ui.weak(format!("This browser keeps {} for this page, of {} that it has for it.", mega(used), mega(all)))
            }
            None => ui.weak("All of it is kept in this browser."),
        };
    }

    fn delete_ui(&mut self, ui: &mut Ui, path: &Path, held: bool) {
        let doomed = self.doomed.as_deref() == Some(path);
        let face = if doomed { "Really?" } else { "Delete" };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let button = ui.add_enabled(!held, egui::Button::new(face).min_size(egui::vec2(64.0, 0.0)));
        let button =
            button.on_hover_text("Out of this browser, for good").on_disabled_hover_text("It is at work, or a run needs it");
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, !held, format!("{face} {name}")));
        if button.clicked() && doomed {
            self.doomed = None;
            exchange::delete(ui.ctx(), path);
        } else if button.clicked() {
            self.doomed = Some(path.to_owned());
        }
    }
}

/// What was done that takes its time, and is to be said.
pub(crate) fn done() -> Vec<Result<String, String>> {
    exchange::done()
}

/// What was dropped on the page or chosen, as soon as it is read.
pub(crate) fn arrived(ui: &Ui) -> Vec<Result<PathBuf, String>> {
    let dropped = ui.input(|input| input.raw.dropped_files.clone());
    if !dropped.is_empty() {
        exchange::read_dropped(dropped, ui.ctx());
    }
    exchange::arrived()
}
