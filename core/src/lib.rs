//! Geometry-aware instance-reweighted adversarial training (GAIRAT, ICLR 2021) on any GPU through WebGPU, or on the CPU.
//!
//! Adversarial training treats all samples alike, though a network has too little capacity to fit every adversarial example. GAIRAT
//! gives more weight to samples near the class boundary, measured by kappa: how many PGD steps it takes to break a sample.
//!
//! Data flow one way, and the modules stand in its order (settings, which name the parts of all of them, come first):
//!
//! ```text
//! Dataset -> Batch -> attack on the frozen model: K x (forward, loss gradient + count, backward to the input, PGD step)
//!         -> Adversarial { images, kappa } -> Omega -> weighted loss -> SGD step -> Snapshot
//! ```
//!
//! # Attack your own module
//!
//! ```
//! use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
//! use gairat::{attack::{Attack, LossKind, Path}, batch::Batch, device, model::Classifier};
//!
//! #[derive(Module, Debug)]
//! struct Mine {
//!     layer: Linear,
//! }
//!
//! impl Classifier for Mine {
//!     fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
//!         self.layer.forward(samples)
//!     }
//! }
//!
//! let device = Device::flex();
//! let model = Mine { layer: LinearConfig::new(2, 2).init(&device) };
//! let batch = Batch::new(vec![0.1, 0.9, 0.8, 0.2], &[0, 1], None, &device);
//! let attack = Attack { epsilon: 0.1, step_size: 0.02, steps: 10, loss: LossKind::CrossEntropy, random_start: false, path: Path::Auto };
//! let adversarial = attack.run(&model.valid(), &batch);
//! let kappa = pollster::block_on(device::read(adversarial.kappa()))?;
//! println!("PGD steps that each sample withstands: {kappa:?}");
//! # assert!(kappa.iter().all(|kappa| (0.0..=10.0).contains(kappa)));
//! # Ok::<(), device::DeviceError>(())
//! ```
#![recursion_limit = "256"]

pub mod random;
pub mod settings;

pub mod files;

pub mod device;

pub mod dataset;

pub mod batch;

pub mod model;

pub mod attack;

mod lanes;
mod launch;

pub mod pace;

pub mod dispatches;

pub mod weight;

pub mod objective;

pub mod train;

pub mod evaluate;

pub mod metrics;

pub mod checkpoint;

pub mod region_map;

pub mod snapshot;

pub mod session;
