//! Someone who waits for an evaluation: asked whether to stop, and told how far it is.

use std::{future::Future, pin::Pin};

use super::{CurvePoint, Score};

/// What is told on the way.
#[derive(Debug)]
pub enum Told<'a> {
    /// An attack begins: its name for people.
    Begun(&'a str),
    /// It has tried so many samples, of so many.
    Progress {
        /// Samples that are done.
        done: usize,
        /// Samples that it tries.
        all: usize,
    },
    /// It is done.
    Score(&'a Score),
    /// A radius of the curve is done.
    Point(&'a CurvePoint),
}

/// Someone who waits for an evaluation.
pub trait Onlooker {
    /// Asked every few milliseconds whether to stop. A door that shares its thread with an attack lets others have it meanwhile.
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>>;

    /// Told how far it is.
    fn told(&mut self, _told: &Told<'_>) {}
}

/// An evaluation that reports to nobody and runs to its end.
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

/// Someone who may stop what is going on, and is not told of it.
pub(super) struct Untold<'a>(pub(super) &'a mut dyn Onlooker);

impl Onlooker for Untold<'_> {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        self.0.stops()
    }
}
