//! Engines on loan. A returned engine keeps its buffers for the next passes of the same layers.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, PoisonError},
};

use super::{engine::Engine, gpu::Gpu};
use crate::model::Program;

/// The most idle engines to keep.
const IDLE: usize = 2;

/// An engine that is given back in the end.
#[derive(Debug)]
pub(super) struct Borrowed {
    gpu: Arc<Gpu>,
    /// There as long as this lives.
    engine: Option<Box<Engine>>,
}

impl Borrowed {
    /// An engine whose numbers are still to be written.
    pub(super) fn of(program: &Program, gpu: &Arc<Gpu>) -> Self {
        let known = {
            let mut idle = gpu.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.iter().position(|engine| engine.fits(program)).map(|index| idle.remove(index))
        };
        let engine = known.unwrap_or_else(|| Box::new(Engine::new(program, gpu)));
        Self { gpu: gpu.clone(), engine: Some(engine) }
    }
}

impl Deref for Borrowed {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        #[expect(clippy::expect_used, reason = "only `drop` takes it away")]
        self.engine.as_ref().expect("there as long as this lives")
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut Engine {
        #[expect(clippy::expect_used, reason = "only `drop` takes it away")]
        self.engine.as_mut().expect("there as long as this lives")
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            let mut idle = self.gpu.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(engine);
            let surplus = idle.len().saturating_sub(IDLE);
            idle.drain(..surplus);
        }
    }
}
