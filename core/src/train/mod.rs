//! The training step: craft adversarial data, run the passes, weigh the samples, take the gradient, step. The method defines each part.

mod executor;
mod learning_rate;
mod log;
mod perceptron;
mod sgd;
mod sgd_step;
mod step;
mod weight_average;
mod weight_perturbation;
mod whole_gradient;

use std::sync::Arc;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

pub use learning_rate::{LearningRate, LearningRateSchedule};
pub use log::{EpochLog, SampleRecord};
pub use sgd::Sgd;
pub use sgd_step::{SgdSettings, sgd_step, step_of_sgd};
pub use step::StepParts;
pub use whole_gradient::{WeightedBatch, WholeGradient, whole_gradient};

pub(crate) use executor::on_host;
use executor::{Executor, in_lanes};
use weight_average::WeightAverage;

use crate::{
    attack::Path,
    batch::{Batch, shuffled, training_batch},
    dataset::{Dataset, SampleShape},
    device::is_cpu,
    method::{Evidence, Memory, Weights},
    model::{Architecture, Classifier, Layers, ModelError, Network, parameter_count},
    pace,
    settings::Checked,
};

/// A network in training. All its tensors live on one device; use it from one thread.
#[derive(Debug)]
pub struct Trainer {
    /// In training mode.
    network: Network,
    /// The parameters of `network` as the perceptron's kernels laid them out; `None` after any other update.
    packed: Option<Tensor<1>>,
    /// The optimiser.
    pub sgd: Sgd,
    /// The device of all tensors.
    pub device: Device,
    /// The checked settings.
    pub plan: Checked,
    /// The method's state between steps.
    pub memory: Memory,
    average: Option<WeightAverage>,
    shape: SampleShape,
    classes: usize,
    /// The layers, if training treats each sample independently (without batch normalisation).
    independent: Option<Arc<Layers>>,
}

impl Trainer {
    /// A trainer with new initial weights for `dataset`.
    ///
    /// # Errors
    /// [`ModelError`] if the network does not accept samples of this shape.
    pub fn new(plan: &Checked, dataset: &Dataset, device: &Device) -> Result<Self, ModelError> {
        let settings = &plan.settings;
        let model = settings.model.resolve(dataset.shape);
        let network = Network::new(
            &model,
            dataset.shape,
            dataset.classes,
            &settings.normalise,
            settings.init,
            settings.seed,
            &device.clone().autodiff(),
        )?;
        let layers = network.valid().program().map(|program| program.layers);
        let all = parameter_count(&network);
        let independent = layers.filter(|layers| layers.trained().is_some_and(|lengths| lengths.iter().sum::<usize>() == all));
        Ok(Self {
            independent: independent.map(Arc::new),
            network,
            packed: None,
            sgd: Sgd::new(settings.momentum, settings.weight_decay),
            device: device.clone(),
            plan: plan.clone(),
            memory: Memory::default(),
            average: None,
            shape: dataset.shape,
            classes: dataset.classes,
        })
    }

    /// The network, in training mode.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Replaces the network by one of the same architecture, in training mode, on [`Self::device`].
    pub fn set_network(&mut self, network: Network) {
        self.network = network;
        self.packed = None;
    }

    /// The frozen network: outside the autodiff graph, with batch norm and dropout in evaluation mode.
    pub fn frozen(&self) -> Network {
        self.network.valid()
    }

    /// The frozen network of averaged weights; `None` before averaging begins.
    pub fn averaged(&self) -> Option<Network> {
        self.average.as_ref().map(|average| average.network(&self.network))
    }

    /// Restores the averaged weights of a checkpoint from a frozen network.
    pub fn restore_average(&mut self, averaged: &Network) {
        self.average = Some(WeightAverage::new(self.plan.settings.average, averaged));
    }

    /// The indices of the samples of each step of `epoch`, in order; the last step may be smaller.
    pub fn steps_of(&self, dataset: &Dataset, epoch: u32) -> Vec<Vec<usize>> {
        let settings = &self.plan.settings;
        shuffled(dataset.train.len(), settings.seed, epoch).chunks(settings.batch).map(<[usize]>::to_vec).collect()
    }

    /// Whether the CPU computes the update in SIMD lanes.
    fn updates_in_lanes(&self) -> bool {
        // Measured: for the small layers of a perceptron that is not updated as a whole, the tensor library's products are as fast.
        self.independent.is_some()
            && self.plan.attack.path != Path::Composed
            && is_cpu(&self.device)
            && !matches!(self.network.architecture, Architecture::Mlp(_))
    }

    /// How many samples pass through the network at once on a GPU; `None`, as with batch normalisation, means the whole batch.
    fn together(&self) -> Option<usize> {
        let layers = self.independent.as_ref().filter(|_| !is_cpu(&self.device));
        layers.map(|layers| pace::samples_together(layers.multiplications()))
    }

    /// The executor of an update of `network` with `passes` passes of `samples` samples each.
    fn executor<'a>(&self, network: &'a Network, samples: usize, passes: usize) -> Executor<'a> {
        let lanes = if self.updates_in_lanes() { in_lanes(network) } else { None };
        if let Some((program, trained)) = lanes {
            return Executor::lanes(program, trained, &self.device);
        }
        let whole = || {
            let lanes = is_cpu(&self.device).then(|| Executor::tiles_together(network, &self.device)).flatten();
            lanes.or_else(|| Executor::on_gpu(network, samples, passes, &self.device))
        };
        let whole = if self.plan.attack.path == Path::Composed { None } else { whole() };
        whole.unwrap_or_else(|| Executor::Composed { network, together: self.together() })
    }

    /// Whether weights are perturbed in `epoch`.
    fn perturbs(&self, epoch: u32) -> bool {
        self.plan.settings.awp > 0.0 && epoch > self.plan.settings.awp_warmup
    }

    fn follow_average(&mut self, epoch: u32) {
        let settings = &self.plan.settings;
        if settings.average == 0.0 || epoch < settings.average_from {
            return;
        }
        match &mut self.average {
            Some(average) => average.follow(&self.network),
            None => self.average = Some(WeightAverage::new(settings.average, &self.network)),
        }
    }

    /// The weights of a batch; `None` during burn-in, or if the method weighs nothing.
    fn weigh(&mut self, evidence: &Evidence, epoch: u32) -> Option<Weights> {
        let clock = self.plan.clock(epoch);
        if clock.weighs() { self.plan.method.weigh(evidence, clock, &mut self.memory) } else { None }
    }

    /// The batch of a step in `epoch`: the samples at `indices`, augmented, with their attack starts.
    pub fn batch(&self, dataset: &Dataset, indices: &[usize], epoch: u32) -> Batch {
        let settings = &self.plan.settings;
        let key = (settings.seed, epoch);
        let start = self.plan.attack_in(epoch).start();
        training_batch(&dataset.train, indices, self.shape, &settings.augment, start, key, &self.device)
    }

    /// Continues with other settings; network, data and sample order stay.
    pub fn change(&mut self, plan: Checked) {
        self.sgd.momentum = plan.settings.momentum;
        self.sgd.weight_decay = plan.settings.weight_decay;
        if plan.method_key() != self.plan.method_key() {
            self.memory = Memory::default();
        }
        self.plan = plan;
    }
}
