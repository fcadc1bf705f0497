//! Claims that cross crates: shaders against their rules, kernels against their twins, the attack against closed forms, whole runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![recursion_limit = "256"]

mod adapter;
mod attack;
mod determinism;
mod evaluation;
mod executor;
mod fused;
mod kernels;
mod learning;
mod methods;
mod names;
mod one_update;
mod perceptron;
mod places;
mod regions;
mod resume;
mod runs;
mod shaders;
mod trial;
mod updates;
