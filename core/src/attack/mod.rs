//! PGD-and-count (GA-PGD, Algorithm 1 of GAIRAT): K steps of projected gradient ascent that count how many iterates the network classifies
//! correctly.
//!
//! The attack takes a frozen model and returns data. It never changes the model's state and never waits for the device.

pub(crate) mod attack_mlp;
mod kernels;
pub mod loss_gradient_and_count;
mod passes;
mod path;
pub mod pgd_step;
pub mod trajectory;
mod whole;

use std::sync::Arc;

use burn::tensor::{Int, Tensor, TensorData};

pub(crate) use attack_mlp::sizes as sizes_for_gpu;
pub use kernels::{Counted, loss_gradient_and_count as count, pgd_step as step};
pub use loss_gradient_and_count::{CountSettings, LossKind};
use passes::Passes;
use path::ExecutionPlan;
pub use path::{Path, PathError};
pub use pgd_step::StepSettings;
pub use trajectory::{Point, Trajectories};
pub use whole::{Attacked, POINT, RECORDS, WholeAttack, multiplications, whole_attack};

use serde::{Deserialize, Serialize};

use crate::{
    batch::{Batch, Noise, Start},
    device::{self, DeviceError},
    kernels::wgpu::{self, Climb},
    model::{Classifier, Layers, Program},
};
pub(crate) use loss_gradient_and_count::RECORD;
use loss_gradient_and_count::{FIRST_HIT, KAPPA, LOSS, MARGIN};

/// The least value of a pixel.
const LOW: f32 = 0.0;
/// The greatest value of a pixel.
const HIGH: f32 = 1.0;

/// The settings of an attack. [`Settings::checked`](crate::settings::Settings::checked) guards the ranges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attack {
    /// Radius of the L-infinity ball, in [0, 1] pixel units.
    pub epsilon: f32,
    /// Length of a step, in pixel units.
    pub step_size: f32,
    /// K, the number of steps; at least 1.
    pub steps: u32,
    /// The loss that the steps maximise.
    pub loss: LossKind,
    /// The distribution of x⁰; `None` means x⁰ = x.
    pub start: Option<Noise>,
    /// τ of early-stopped PGD (FAT): a sample stops at the check that finds it misclassified for the (τ + 1)th time. `None` takes all steps.
    pub patience: Option<u32>,
    /// The requested path.
    pub path: Path,
}

/// The results of an attack, on the device.
#[derive(Clone, Debug)]
pub struct Adversarial {
    /// x^(K): N x D.
    pub images: Tensor<2>,
    /// The records after x⁰, with the margin at the start: N x 4.
    pub at_start: Tensor<2>,
    /// The records after x^(K−1), with kappa and first hit: N x 4.
    pub on_path: Tensor<2>,
}

impl Adversarial {
    /// κ of each sample: N numbers from 0 to K.
    pub fn kappa(&self) -> Tensor<1> {
        let samples = self.on_path.dims()[0];
        self.on_path.clone().slice([0..samples, KAPPA..KAPPA + 1]).reshape([samples])
    }

    /// The margins z_y − max other of logits (N x C): N numbers.
    pub fn margins(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        let samples = logits.dims()[0];
        let nothing = Tensor::from_data(TensorData::new(vec![0.0_f32; samples * RECORD], [samples, RECORD]), &logits.device());
        let settings = CountSettings { kind: LossKind::CwMargin, step: 0, never: 0 };
        let records = count(logits.clone(), labels, logits, nothing, settings).records;
        records.slice([0..samples, MARGIN..MARGIN + 1]).reshape([samples])
    }

    /// The records after x^(K), from its logits, with margin and loss at x^(K). This count includes x^(K), which kappa by definition excludes:
    /// read kappa from [`Self::on_path`].
    pub fn measure_end(&self, logits: Tensor<2>, labels: Tensor<1, Int>, attack: &Attack) -> Tensor<2> {
        let settings = CountSettings { kind: LossKind::CrossEntropy, step: attack.steps, never: attack.steps };
        count(logits.clone(), labels, logits, self.on_path.clone(), settings).records
    }
}

/// The attack's measurements of one sample, on the host.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Correct predictions over x⁰ … x^(K−1): 0 to K.
    pub kappa: u32,
    /// Least t < K with x^t misclassified, else K.
    pub first_hit: u32,
    /// z_y − max other at x⁰, in logits.
    pub margin_start: f32,
    /// z_y − max other at x^(K), in logits.
    pub margin_adversarial: f32,
    /// Cross-entropy at x^(K), in nats.
    pub loss: f32,
    /// Whether x^(K) is misclassified.
    pub broken: bool,
}

impl Attack {
    /// The start of the attack; `None` means x⁰ = x.
    pub fn start(&self) -> Option<Start> {
        self.start.map(|noise| Start { epsilon: self.epsilon, noise })
    }

    /// How the attack on `model` runs on `device`.
    fn execution_plan<M: Classifier + ?Sized>(&self, model: &M, device: &burn::tensor::Device) -> ExecutionPlan {
        // The GPU kernel always takes all steps, and the CPU lanes keep no KL reference for samples that stop early.
        let early = self.patience.is_some() && (!device::is_cpu(device) || self.loss == LossKind::Kl);
        self.path.execution_plan(model, device, !early)
    }

    /// Runs the attack as one operation.
    fn run_whole(&self, program: &Program, batch: &Batch, trace: bool) -> (Adversarial, Tensor<2>) {
        let layers = Arc::new(program.layers.clone());
        let [images, records, trajectory] = self.run_on_numbers(layers, program.parameters(), batch, trace);
        let at_start = records.clone().slice([0..batch.len(), 0..RECORD]);
        let on_path = records.slice([0..batch.len(), RECORD..RECORDS]);
        (Adversarial { images, at_start, on_path }, trajectory)
    }

    /// Runs the attack as one operation on packed parameters. Returns x^(K) (N x D), the records after x⁰ and after x^(K−1) (N x 8), and the
    /// trajectories.
    pub(crate) fn run_on_numbers(&self, layers: Arc<Layers>, numbers: Tensor<1>, batch: &Batch, trace: bool) -> [Tensor<2>; 3] {
        let attack = WholeAttack {
            layers,
            loss: self.loss,
            steps: self.steps,
            patience: self.patience,
            step: self.step_settings(),
            trace,
        };
        let (natural, start, labels) = (batch.natural.clone(), batch.start.clone(), batch.labels.clone());
        let (images, records, trajectory) = kernels::whole_attack(natural, start, labels, numbers, attack);
        [images, records, trajectory]
    }

    fn step_settings(&self) -> StepSettings {
        StepSettings { step_size: self.step_size, epsilon: self.epsilon, low: LOW, high: HIGH }
    }

    /// Runs the K steps against `model`. Freeze it first (`module.valid()`), so that batch norm is in evaluation mode and only the input
    /// gradient is computed. Reads nothing back.
    pub fn run<M: Classifier + ?Sized>(&self, model: &M, batch: &Batch) -> Adversarial {
        match self.execution_plan(model, &batch.natural.device()) {
            ExecutionPlan::Whole(program) => self.run_whole(&program, batch, false).0,
            ExecutionPlan::Passes(passes) => self.run_in_slices(&mut Passes::<M>::OnGpu(passes), batch),
            ExecutionPlan::Composed { together } => self.run_in_slices(&mut Passes::Composed { model, together }, batch),
        }
    }

    /// Runs the attack step by step, on as many samples at a time as the network takes.
    fn run_in_slices<M: Classifier + ?Sized>(&self, passes: &mut Passes<'_, M>, batch: &Batch) -> Adversarial {
        let together = passes.together().unwrap_or(usize::MAX);
        if batch.len() <= together {
            return self.run_composed(passes, batch, None);
        }
        let slices: Vec<Adversarial> = batch.slices(together).map(|slice| self.run_composed(passes, &slice, None)).collect();
        let cat = |part: fn(&Adversarial) -> &Tensor<2>| Tensor::cat(slices.iter().map(part).cloned().collect(), 0);
        Adversarial {
            images: cat(|slice| &slice.images),
            at_start: cat(|slice| &slice.at_start),
            on_path: cat(|slice| &slice.on_path),
        }
    }

    /// As [`Self::run`], and records the trajectory of every sample from x⁰ to x^(K). Meant for the few samples on display.
    pub fn trace<M: Classifier + ?Sized>(&self, model: &M, batch: &Batch) -> (Adversarial, Trajectories) {
        let steps = self.steps as usize;
        let (adversarial, numbers) = match self.execution_plan(model, &batch.natural.device()) {
            // The whole attack keeps no points of a sample after an early stop.
            ExecutionPlan::Whole(program) if self.patience.is_none() => self.run_whole(&program, batch, true),
            way => {
                let mut points = Vec::with_capacity(steps + 1);
                let mut passes = match way {
                    ExecutionPlan::Passes(passes) if batch.len() <= passes.together() => Passes::OnGpu(passes),
                    _ => Passes::Composed { model, together: None },
                };
                let adversarial = self.run_composed(&mut passes, batch, Some(&mut points));
                (adversarial, Tensor::cat(points, 1))
            }
        };
        (adversarial, Trajectories { numbers, points: steps + 1 })
    }

    /// Runs the attack on a GPU, with no other work between its passes.
    fn run_in_a_row(&self, passes: &mut wgpu::Passes, batch: &Batch) -> Option<Adversarial> {
        let climb = Climb { loss: self.loss, steps: self.steps, step: self.step_settings() };
        let [images, at_start, on_path] = passes.attack([&batch.natural, &batch.start], &batch.labels, climb)?;
        Some(Adversarial { images, at_start, on_path })
    }

    /// The attack step by step. `points` gets margin, loss and position of x⁰ … x^(K), each N x ([`POINT`] + D).
    fn run_composed<M: Classifier + ?Sized>(
        &self,
        passes: &mut Passes<'_, M>,
        batch: &Batch,
        mut points: Option<&mut Vec<Tensor<2>>>,
    ) -> Adversarial {
        if let (Passes::OnGpu(passes), None, None) = (&mut *passes, self.patience, &points)
            && let Some(found) = self.run_in_a_row(passes, batch)
        {
            return found;
        }
        let device = batch.natural.device();
        let samples = batch.len();
        let nothing_counted: Vec<f32> = (0..samples).flat_map(|_| [0.0, 0.0, 0.0, self.steps as f32]).collect();
        let mut records = Tensor::from_data(TensorData::new(nothing_counted, [samples, RECORD]), &device);
        let reference = match self.loss {
            LossKind::Kl => Some(passes.logits(&batch.natural)),
            LossKind::CrossEntropy | LossKind::CwMargin => None,
        };
        let settings = self.step_settings();
        let mut images = batch.start.clone();
        let mut at_start = None;
        let mut early = self.patience.map(|patience| EarlyStop::new(patience, samples, &device));
        for step in 0..self.steps {
            let pass = passes.forward(&images);
            let reference = reference.clone().unwrap_or_else(|| pass.logits.clone().inner());
            let settings_of_count = CountSettings { kind: self.loss, step, never: self.steps };
            let counted = count(pass.logits.clone(), batch.labels.clone(), reference, records.clone(), settings_of_count);
            records = match &mut early {
                Some(early) => early.check(records, counted.records),
                None => counted.records,
            };
            if let Some(points) = &mut points {
                points.push(trajectory::point(&records, &images));
            }
            at_start.get_or_insert_with(|| records.clone());
            // A model that ignores its input has no gradient there: the attack then stands still, as its formula says.
            let gradient = passes.backward(pass, counted.losses).unwrap_or_else(|| images.zeros_like());
            let stepped = kernels::pgd_step(images.clone(), batch.natural.clone(), gradient, settings);
            images = match &early {
                Some(early) => early.step(images, stepped),
                None => stepped,
            };
        }
        if let Some(points) = points {
            let logits = passes.logits(&images);
            let settings = CountSettings { kind: self.loss, step: self.steps, never: self.steps };
            let reference = reference.unwrap_or_else(|| logits.clone());
            let end = count(logits, batch.labels.clone(), reference, records.clone(), settings).records;
            points.push(trajectory::point(&end, &images));
        }
        Adversarial { images, at_start: at_start.unwrap_or_else(|| records.clone()), on_path: records }
    }
}

/// The samples of an early-stopped attack that still move.
struct EarlyStop {
    /// 1 for those that do: N numbers.
    moving: Tensor<1>,
    /// How many checks may still find a sample misclassified: N numbers.
    left: Tensor<1>,
}

impl EarlyStop {
    fn new(patience: u32, samples: usize, device: &burn::tensor::Device) -> Self {
        Self { moving: Tensor::ones([samples], device), left: Tensor::ones([samples], device).mul_scalar(f64::from(patience)) }
    }

    /// Checks every iterate before its step. Returns the records; those of stopped samples are unchanged.
    fn check(&mut self, before: Tensor<2>, after: Tensor<2>) -> Tensor<2> {
        let samples = before.dims()[0];
        let kappa = |records: &Tensor<2>| records.clone().slice([0..samples, KAPPA..KAPPA + 1]).reshape([samples]);
        let wrong = (kappa(&after) - kappa(&before)).neg().add_scalar(1.0);
        let records = before.mask_where(self.mask(RECORD), after);
        let stops = wrong.clone() * self.left.clone().lower_elem(0.5).float();
        self.moving = self.moving.clone() * stops.neg().add_scalar(1.0);
        self.left = self.left.clone() - wrong;
        records
    }

    /// The next iterates; stopped samples stay.
    fn step(&self, images: Tensor<2>, stepped: Tensor<2>) -> Tensor<2> {
        let pixels = images.dims()[1];
        images.mask_where(self.mask(pixels), stepped)
    }

    fn mask(&self, columns: usize) -> Tensor<2, burn::tensor::Bool> {
        let samples = self.moving.dims()[0];
        self.moving.clone().greater_elem(0.5).reshape([samples, 1]).expand([samples, columns])
    }
}

impl Measured {
    /// From the three records of a sample, one after the other: at x⁰, after x^(K−1), and with x^(K) measured.
    pub(crate) fn from_records(records: &[f32]) -> Self {
        let (start, path, end) = (&records[..RECORD], &records[RECORD..2 * RECORD], &records[2 * RECORD..3 * RECORD]);
        Self {
            kappa: path[KAPPA] as u32,
            first_hit: path[FIRST_HIT] as u32,
            margin_start: start[MARGIN],
            margin_adversarial: end[MARGIN],
            loss: end[LOSS],
            // The count went on to x^(K): it grew exactly when x^(K) is still classified correctly (ties included).
            broken: end[KAPPA] == path[KAPPA],
        }
    }
}

/// Reads back an attack's measurements; `at_end` comes from [`Adversarial::measure_end`].
///
/// # Errors
/// [`DeviceError::Lost`] if the device no longer answers.
pub async fn read_measured(adversarial: &Adversarial, at_end: Tensor<2>) -> Result<Vec<Measured>, DeviceError> {
    // One tensor, so that there is one read.
    let all = vec![adversarial.at_start.clone(), adversarial.on_path.clone(), at_end];
    let records = device::read(Tensor::cat(all, 1)).await?;
    Ok(records.chunks_exact(3 * RECORD).map(Measured::from_records).collect())
}
