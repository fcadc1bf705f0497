//! Figures for a paper: one file a figure, and [`FIGURES`], the list. A figure is one drawing, of which SVG and PNG are made, and the
//! numbers behind it as CSV. Light, with units, one scale an axis; several runs share one.

mod accuracy;
mod effective;
mod epsilon_curve;
mod images;
mod kappa;
mod loss;
mod margins;
mod mean_kappa;
mod over_epochs;
mod samples;
mod stage;
mod subject;
mod weights;

pub(crate) use samples::Measured;
pub(crate) use subject::{Radii, Scene, Shown, Subject, name_apart};

use crate::svg::{Drawing, Ink};

/// The subfolder of a run that its figures lie in.
pub(crate) const FOLDER: &str = "figures";
/// Width and height of a figure of two axes.
pub(crate) const SIZE: (f64, f64) = (640.0, 320.0);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// The first part of its files' names.
    pub(crate) name: &'static str,
    pub(crate) drawing: Drawing,
    /// The numbers behind it, a line of names first.
    pub(crate) csv: String,
}

/// A sort of figure.
pub(crate) struct Kind {
    /// The first part of its files' names, and what it is called on the command line.
    pub(crate) name: &'static str,
    /// What it shows, in half a sentence.
    #[allow(dead_code, reason = "only the command line lists figures")]
    pub(crate) about: &'static str,
    /// Whether it shows what only the network itself can say.
    #[allow(dead_code, reason = "a page has the network's answers already")]
    pub(crate) needs_network: bool,
    /// Draws it; `None` where the runs have nothing of it.
    draw: fn(&[Subject], Ink) -> Option<Drawn>,
}

/// A drawing, and its numbers as CSV.
type Drawn = (Drawing, String);

/// All figures, in the order of a report.
pub(crate) const FIGURES: [&Kind; 10] = [
    &accuracy::FIGURE,
    &loss::FIGURE,
    &mean_kappa::FIGURE,
    &effective::FIGURE,
    &kappa::FIGURE,
    &weights::FIGURE,
    &margins::FIGURE,
    &epsilon_curve::FIGURE,
    &stage::FIGURE,
    &images::FIGURE,
];

impl Kind {
    /// Draws it; `None` where the runs have nothing of it.
    pub(crate) fn draw(&self, subjects: &[Subject], ink: Ink) -> Option<Figure> {
        let (drawing, csv) = (self.draw)(subjects, ink)?;
        Some(Figure { name: self.name, drawing, csv })
    }
}

/// All figures that these runs have something of.
pub(crate) fn all(subjects: &[Subject], ink: Ink) -> Vec<Figure> {
    FIGURES.iter().filter_map(|kind| kind.draw(subjects, ink)).collect()
}

impl Figure {
    /// Its files that need no rasteriser: name and bytes.
    pub(crate) fn texts(&self) -> [(String, Vec<u8>); 2] {
        [
            (format!("{}.svg", self.name), self.drawing.svg().into_bytes()),
            (format!("{}.csv", self.name), self.csv.clone().into_bytes()),
        ]
    }
}

#[cfg(test)]
mod tests;
