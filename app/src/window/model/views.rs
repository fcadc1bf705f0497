//! How one looks at things: what panels remember between frames.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Context, TextureHandle};
use web_time::Instant;

use gairat::{evaluate::Suite, method::Method, region_map::Quantity, session::Weights, settings::MethodChoice};

use super::{Member, curves::KINDS};
use crate::{
    link::{Link, Part},
    platform::{self, outside::Shelf},
};

/// What the stage shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shows {
    pub(crate) natural: bool,
    pub(crate) adversarial: bool,
    pub(crate) steps: bool,
    pub(crate) regions: bool,
}

/// How one looks at the stage; twins are looked at in the same way.
pub(crate) struct StageView {
    /// The middle of the picture, in data.
    pub(crate) middle: [f32; 2],
    /// How much larger than the whole picture.
    pub(crate) zoom: f32,
    pub(crate) shows: Shows,
    pub(crate) quantity: Quantity,
    /// Whether the difference of the twins is shown instead of the regions.
    pub(crate) difference: bool,
    /// When somebody last turned the wheel where it belongs to the page around: how to zoom is said for a while.
    pub(crate) wheel_turned: Option<Instant>,
    /// Counts the runs that were shown: pictures of others are of no use.
    pub(crate) runs_shown: u64,
}

impl Default for StageView {
    fn default() -> Self {
        Self {
            middle: [0.5, 0.5],
            zoom: 1.0,
            shows: Shows { natural: true, adversarial: true, steps: true, regions: true },
            quantity: Quantity::default(),
            difference: false,
            wheel_turned: None,
            runs_shown: 0,
        }
    }
}

impl StageView {
    /// Whether the whole picture is seen, as it is at first.
    pub(crate) fn is_whole(&self) -> bool {
        (self.middle, self.zoom) == ([0.5, 0.5], 1.0)
    }

    /// The whole picture again.
    pub(crate) fn reset(&mut self) {
        (self.middle, self.zoom) = ([0.5, 0.5], 1.0);
    }

    /// Other runs: their regions are others.
    pub(crate) fn forget_pictures(&mut self) {
        self.runs_shown += 1;
    }
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Face {
    #[default]
    Natural,
    Adversarial,
    Perturbation,
}

/// What samples are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Weight,
    Kappa,
    Margin,
    Class,
    Row,
}

impl Order {
    pub(crate) const ALL: [Self; 5] = [Self::Weight, Self::Kappa, Self::Margin, Self::Class, Self::Row];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Weight => "ω, greatest first",
            Self::Kappa => "κ, least first",
            Self::Margin => "margin, least first",
            Self::Class => "class",
            Self::Row => "row",
        }
    }
}

/// What an order was made for: the moment, the way of sorting and the filters.
pub(crate) type SortedFor = (usize, Order, Option<u32>, Option<bool>);

/// How one looks at the grid.
#[derive(Default)]
pub(crate) struct GridView {
    pub(crate) face: Face,
    pub(crate) order: Order,
    pub(crate) class: Option<u32>,
    pub(crate) broken: Option<bool>,
    /// Rows of the samples that are visible.
    pub(crate) visible: Vec<u32>,
    /// Places of the training samples in the order that is shown, and what that order was made for.
    pub(crate) sorted: Vec<usize>,
    pub(crate) sorted_for: Option<SortedFor>,
    pub(crate) textures: HashMap<(u32, Face, bool), (u64, TextureHandle)>,
}

impl GridView {
    /// Rows of the samples that are attacked to be shown. What natural ones would be mistaken for is found while the run rests: it says
    /// little of a network that moves on, and is not worth its time.
    pub(crate) fn attacked(&self, playing: bool) -> &[u32] {
        if self.shows_attack(playing) { &self.visible } else { &[] }
    }

    /// Whether what the attack makes of samples is shown.
    pub(crate) fn shows_attack(&self, playing: bool) -> bool {
        self.face != Face::Natural || !playing
    }
}

/// Which curves are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CurvesView {
    pub(crate) shown: [bool; KINDS.len()],
}

impl Default for CurvesView {
    fn default() -> Self {
        Self { shown: KINDS.map(|kind| kind.at_first) }
    }
}

/// How one looks at weights.
#[derive(Default)]
pub(crate) struct WeightsView {
    /// Of which run.
    pub(crate) member: Member,
    /// The method last shown, made once.
    built: Option<(MethodChoice, Arc<dyn Method>)>,
}

impl WeightsView {
    /// The method `choice`.
    pub(crate) fn method(&mut self, choice: &MethodChoice) -> Arc<dyn Method> {
        match &self.built {
            Some((of, method)) if of == choice => Arc::clone(method),
            _ => {
                let method = choice.build();
                self.built = Some((choice.clone(), Arc::clone(&method)));
                method
            }
        }
    }
}

/// What the person chooses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JudgeView {
    /// The suite, or the attacks, as [`Trial`] takes them.
    pub(crate) attacks: &'static str,
    /// Which weights.
    pub(crate) weights: Weights,
    /// Whether robust accuracy is wanted over the radius.
    pub(crate) curve: bool,
}

impl Default for JudgeView {
    fn default() -> Self {
        Self { attacks: Suite::TRUST.name, weights: Weights::Now, curve: true }
    }
}

/// What is typed into the palette, and which line is chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Palette {
    pub(crate) text: String,
    pub(crate) place: usize,
}

/// Runs that are listed at most.
const LISTED: usize = 60;

/// The choice of what to open.
#[derive(Clone, Debug)]
pub(crate) struct OpenDialog {
    pub(crate) path: String,
    root: Option<PathBuf>,
    pub(crate) runs: Vec<PathBuf>,
    pub(crate) shelf: Shelf,
}

impl OpenDialog {
    /// With the runs in `root`.
    pub(crate) fn new(root: Option<&Path>, ctx: &Context) -> Self {
        let mut dialog = Self { path: String::new(), root: root.map(Path::to_owned), runs: Vec::new(), shelf: Shelf::new(ctx) };
        dialog.list();
        dialog
    }

    /// Finds out which runs there are.
    pub(crate) fn list(&mut self) {
        self.runs = self.root.as_deref().map(platform::list).unwrap_or_default();
        self.runs.truncate(LISTED);
    }
}

/// A link that is being made.
#[derive(Clone, Debug)]
pub(crate) struct LinkBuilder {
    /// What it says.
    pub(crate) link: Link,
    /// Where the page is that it opens. The page knows; the desktop is told.
    pub(crate) address: String,
    /// What is made of it.
    pub(crate) made: Made,
}

/// What is made of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Made {
    /// Text to be copied.
    #[default]
    Link,
    /// HTML for the page of somebody else.
    Frame,
    /// A QR code.
    Code,
}

impl Made {
    pub(crate) const ALL: [Self; 3] = [Self::Link, Self::Frame, Self::Code];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Link => "Link",
            Self::Frame => "Frame",
            Self::Code => "QR code",
        }
    }
}

/// What a narrow window shows below the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Sample,
    Judge,
    Weights,
    Curves,
    Margins,
    Settings,
}

impl Tab {
    pub(crate) const ALL: [Self; 6] = [Self::Sample, Self::Judge, Self::Weights, Self::Curves, Self::Margins, Self::Settings];

    /// What a link calls it.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Sample => Part::Inspector,
            Self::Judge => Part::Judge,
            Self::Weights => Part::Weights,
            Self::Curves => Part::Curves,
            Self::Margins => Part::Margins,
            Self::Settings => Part::Settings,
        }
    }

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sample => "Sample",
            Self::Judge => "Judge",
            Self::Weights => "Weights",
            Self::Curves => "Curves",
            Self::Margins => "Margins",
            Self::Settings => "Settings",
        }
    }
}

/// What stands on the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Side {
    #[default]
    Sample,
    Judge,
}
