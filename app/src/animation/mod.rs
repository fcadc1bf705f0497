//! A 2-D run as a moving picture: an APNG, which every browser plays, with a frame for each epoch that is shown.

mod picture;

use std::path::Path;

use gairat::{
    dataset::Dataset,
    files,
    region_map::{Grid, Quantity},
    session::{Command, Door, Event, Look, Place, Region, View},
};

use crate::{driver::Straight, failure::Failure};

/// Frames at most: of longer runs every second, third, … epoch is shown.
const FRAMES: u32 = 100;
/// Cells of the region map along a side.
pub(super) const CELLS: usize = 160;
/// Hundredths of a second that a frame stays, and that the last stays.
const DELAY: u16 = 12;
const LAST: u16 = 200;

/// What is seen of the run after an epoch.
struct Frame {
    epoch: u32,
    /// Class and its probability, cell by cell from the top; empty where the network has no map.
    map: Vec<f32>,
    /// The weight of every training sample, and whether the attack broke it.
    omega: Vec<f32>,
    broken: Vec<bool>,
}

/// The terminal's door with a camera beside it.
pub(crate) struct Filmed<'a, 'b> {
    inner: &'b mut Straight<'a>,
    dataset: &'b Dataset,
    every: u32,
    due: bool,
    frames: Vec<Frame>,
    omega: Vec<f32>,
    broken: Vec<bool>,
}

impl<'a, 'b> Filmed<'a, 'b> {
    /// Films a run of so many epochs.
    pub(crate) fn new(inner: &'b mut Straight<'a>, dataset: &'b Dataset, epochs: u32) -> Self {
        let samples = dataset.train.len();
        let every = epochs.div_ceil(FRAMES).max(1);
        Self { inner, dataset, every, due: false, frames: Vec::new(), omega: vec![1.0; samples], broken: vec![false; samples] }
    }

    /// Writes what was filmed; nothing where no epoch was finished.
    pub(crate) fn write(&self, file: &Path, epochs: u32) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Work(format!("--animation {}: {error}", file.display()));
        if self.frames.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        self.encode(&mut bytes, epochs).map_err(|error| failed(&error))?;
        files::write(file, &bytes).map_err(|error| failed(&error))
    }

    fn encode(&self, out: &mut Vec<u8>, epochs: u32) -> Result<(), png::EncodingError> {
        let side = picture::SIDE as u32;
        let mut encoder = png::Encoder::new(out, side, side + picture::FOOT as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_animated(self.frames.len() as u32, 0)?;
        encoder.set_frame_delay(DELAY, 100)?;
        let mut writer = encoder.write_header()?;
        for (place, frame) in self.frames.iter().enumerate() {
            if place + 1 == self.frames.len() {
                writer.set_frame_delay(LAST, 100)?;
            }
            let part = f64::from(frame.epoch) / f64::from(epochs.max(1));
            writer.write_image_data(&picture::draw(frame, self.dataset, part))?;
        }
        writer.finish()
    }
}

impl Door for Filmed<'_, '_> {
    async fn next(&mut self, place: Place) -> Command {
        // Asked before every step: after the last of an epoch it is looked at.
        let epoch = place.epoch + 1;
        let shown = epoch == 1 || epoch.is_multiple_of(self.every) || epoch == place.epochs;
        self.due = place.step + 1 == place.steps && shown;
        self.inner.next(place).await
    }

    fn stopping(&mut self) -> bool {
        self.inner.stopping()
    }

    fn emit(&mut self, event: Event) {
        self.inner.emit(event);
    }

    fn looks(&mut self) -> bool {
        self.due
    }

    fn look(&mut self) -> Look {
        Look { map: Some((Grid::unit(CELLS, CELLS), Quantity::Probability)), ..Look::default() }
    }

    fn show(&mut self, view: View) {
        for seen in &view.seen {
            if let Ok(place) = self.dataset.train.rows.binary_search(&seen.record.row) {
                (self.omega[place], self.broken[place]) = (seen.record.omega, seen.record.measured.broken);
            }
        }
        let map = match view.region {
            Some(Region::OnHost(_, map)) => map,
            _ => Vec::new(),
        };
        let (omega, broken) = (self.omega.clone(), self.broken.clone());
        self.frames.push(Frame { epoch: view.place.epoch, map, omega, broken });
    }
}
