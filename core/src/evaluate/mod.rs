//! How robust a network is: several attacks on every sample, and the worst of them per sample.
//!
//! An attack is a file under `adversary/` and a line in [`ADVERSARIES`], or anything else that implements [`Adversary`]. It works on a
//! [`Victim`], which computes logits and the gradient of any loss of them, and gives an image for each sample; whether that image is
//! misclassified and lies in ball and box is judged by [`Evaluation`], the one loop for training, the command and the window. One attack
//! alone proves little, because a network trained against one attack can hide from it: the headline is the worst case over a [`Suite`].

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
