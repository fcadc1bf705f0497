//! Geometry-aware instance-reweighted adversarial training (GAIRAT, ICLR 2021) on any GPU through WebGPU, or on the CPU.
//!
//! Adversarial training treats all samples alike, but a network has too little capacity to fit every adversarial example. GAIRAT gives
//! more weight to samples near the class boundary. Kappa, the number of PGD steps before a sample breaks, measures that distance.
//!
//! Data flow one way. The modules are listed in that order, after [`settings`], which configures all of them:
//!
//! ```text
//! Dataset -> Batch -> attack on the frozen model: K x (forward, loss gradient + count, backward to the input, PGD step)
//!         -> Adversarial { images, kappa } -> passes -> Method: weights, loss, gradient -> SGD step -> Snapshot
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
//! let attack = Attack { epsilon: 0.1, step_size: 0.02, steps: 10, loss: LossKind::CrossEntropy, start: None, patience: None, path: Path::Auto };
//! let adversarial = attack.run(&model.valid(), &batch);
//! let kappa = pollster::block_on(device::read(adversarial.kappa()))?;
//! println!("PGD steps before which each sample is classified correctly: {kappa:?}");
//! # assert!(kappa.iter().all(|kappa| (0.0..=10.0).contains(kappa)));
//! # Ok::<(), device::DeviceError>(())
//! ```
//!
//! # Write your own method
//!
//! A method chooses the adversarial data, weighs the samples, defines the loss and may change the gradient. Each default of
//! [`method::Method`] is plain adversarial training. `examples/own_method.rs` trains this method beside plain adversarial training and
//! draws both in the terminal.
//!
//! ```
//! use gairat::{method::{About, Axis, Clock, Evidence, METHODS, Memory, Method, Passes, Side, Weights}, settings::Settings, weight::normalise};
//! use gairat::{dataset, train::{EpochLog, Trainer}};
//!
//! #[derive(Debug)]
//! struct PhotoFinish;
//!
//! impl Method for PhotoFinish {
//!     fn about(&self) -> &'static About {
//!         const ABOUT: About = About {
//!             name: "photo-finish",
//!             title: "Photo finish",
//!             summary: "Samples count the more, the closer the label and its strongest rival are.",
//!             formula: "(1/n) Σ ω CE(f(x~), y), ω ∝ exp(−3 |p_y − max other p|)",
//!             source: "This page",
//!             caveats: &[],
//!             parameters: &[],
//!             axis: Axis::PROBABILITY_MARGIN,
//!             omega_is_share: true,
//!             burns_in: true,
//!             passes: Passes::PLAIN,
//!             measure: None,
//!         };
//!         &ABOUT
//!     }
//!
//!     fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
//!         let margin = evidence.probability_margin(Side::Adversarial);
//!         Some(Weights { omega: normalise(margin.clone().abs().mul_scalar(-3.0)), axis: margin })
//!     }
//! }
//!
//! let mut plan = Settings { points: 200, burn_in: 0, ..Settings::default() }.with("method", METHODS[0].about.name).checked()?;
//! plan.method = std::sync::Arc::new(PhotoFinish);
//! let data = dataset::load(&plan.request)?;
//! let mut trainer = Trainer::new(&plan, &data, &burn::tensor::Device::flex())?;
//! let mut log = EpochLog::default();
//! for (step, indices) in trainer.steps_of(&data, 1).iter().enumerate() {
//!     trainer.step(&data, indices, (1, step), &mut log);
//! }
//! pollster::block_on(log.fetch())?;
//! println!("effective share of samples: {:.0} %", 100.0 * log.effective_share());
//! # assert!(log.samples().iter().any(|sample| (sample.omega - 1.0).abs() > 0.01));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![recursion_limit = "256"]

pub mod random;
pub mod settings;

pub mod files;

pub mod device;

pub mod dataset;

pub mod batch;

pub mod model;

pub mod room;

pub mod attack;

mod kernels;
mod launch;

pub mod pace;

pub mod dispatches;

pub mod loss;

pub mod weight;

pub mod method;

pub mod train;

pub mod evaluate;

pub mod metrics;

pub mod checkpoint;

pub mod region_map;

pub mod snapshot;

pub mod session;

pub mod compare;
