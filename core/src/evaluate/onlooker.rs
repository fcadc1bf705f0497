//! The observer of an evaluation: it may stop the evaluation, and receives its progress.

use std::{future::Future, pin::Pin};

use super::{CurvePoint, Score};

/// Progress of an evaluation.
#[derive(Debug)]
pub enum Told<'a> {
    /// An attack begins; holds its name for people.
    Begun(&'a str),
    /// The attack has tried some of its samples.
    Progress {
        /// Samples that are done.
        done: usize,
        /// Samples that it tries.
        all: usize,
    },
    /// The attack is done.
    Score(&'a Score),
    /// A radius of the curve is done.
    Point(&'a CurvePoint),
}

/// Observes an evaluation, and may stop it.
pub trait Onlooker {
    /// Returns whether to stop; called every few milliseconds. A door on the attack's thread can yield here.
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>>;

    /// Receives the progress.
    fn told(&mut self, _told: &Told<'_>) {}
}

/// Never stops an evaluation and ignores its progress.
#[derive(Debug)]
pub struct Unwatched;

impl Onlooker for Unwatched {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(std::future::ready(false))
    }
}

impl<F: FnMut() -> bool> Onlooker for F {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(std::future::ready(self()))
    }
}

/// Passes on the wish to stop and withholds the progress.
pub(super) struct Untold<'a>(pub(super) &'a mut dyn Onlooker);

impl Onlooker for Untold<'_> {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        self.0.stops()
    }
}
