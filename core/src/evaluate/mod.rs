//! Measures the robustness of a network: several attacks on every sample, and the worst case per sample.
//!
//! An attack implements [`Adversary`]; those of the library are files under `adversary/` and entries of [`ADVERSARIES`]. An adversary works
//! on a [`Victim`], which computes logits and the gradient of any loss of them, and returns one image per sample. [`Evaluation`] then judges
//! whether the image is misclassified and lies in ball and box; training, command and window share this loop. A network trained against one
//! attack can hide from that attack, so the headline figure is the worst case over a [`Suite`].

mod adversary;
mod chance;
mod curve;
mod evaluation;
mod flags;
mod judgement;
mod ledger;
mod onlooker;
mod report;
mod subjects;
mod suite;
mod threat;
mod victim;

pub use adversary::{ADVERSARIES, About, Adversary, Entry, Number, Pursuit, parse};
pub use chance::at_chance;
pub use curve::{CurvePoint, curve, radii};
pub use evaluation::{Evaluation, Image, Known, Target};
pub use flags::{Flag, Probes, flags};
pub use judgement::{Judgement, Order, judge};
pub use ledger::{ATTACKS, Identity, Ledger, fingerprint};
pub use onlooker::{Onlooker, Told, Unwatched};
pub use report::{Report, Score, interval, share};
pub use subjects::{Kept, Subjects, indices, mask};
pub use suite::{SUITES, Stage, Suite};
pub use threat::{Ball, Norm, Threat, distance, radius};
pub use victim::{Aim, Halt, LogitLoss, Slope, Verdict, Victim};
