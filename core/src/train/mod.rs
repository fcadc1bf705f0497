//! The training step: attack, weigh, descend.

mod learning_rate;
mod log;
mod sgd;
mod sgd_step;
mod whole_gradient;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};

pub use learning_rate::{LearningRate, LearningRateSchedule};
pub use log::{EpochLog, SampleRecord};
pub use sgd::Sgd;
pub use sgd_step::{SgdSettings, sgd_step, step_of_sgd};
pub use whole_gradient::{WeightedBatch, WholeGradient, whole_gradient};

use crate::{
    attack::{CountSettings, LossKind, Path, count, loss_gradient_and_count::RECORD},
    batch::{Batch, shuffled, training_batch},
    dataset::{Dataset, SampleShape},
    device::{is_cpu, wait_if_software},
    model::{Architecture, Classifier, ModelError, Network, Program, logits_in_slices, parameter_count},
    objective, pace,
    settings::Checked,
    weight::{Method, Omega},
};

/// A network in training. All of it lives on one device and is used from one thread.
#[derive(Debug)]
pub struct Trainer {
    /// The network, in training mode.
    pub network: Network,
    /// The optimiser.
    pub sgd: Sgd,
    /// Where tensors live.
    pub device: Device,
    /// What to do.
    pub plan: Checked,
    shape: SampleShape,
    /// Multiplications of a sample forwards, where the network answers for every sample alone while it is trained.
    alone: Option<usize>,
}

impl Trainer {
    /// A trainer with fresh weights for `dataset`.
    ///
    /// # Errors
    /// [`ModelError`] when the network does not take such samples.
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
        let alone = layers.filter(|layers| layers.trained().is_some_and(|lengths| lengths.iter().sum::<usize>() == all));
        Ok(Self {
            alone: alone.map(|layers| layers.multiplications()),
            network,
            sgd: Sgd::new(settings.momentum, settings.weight_decay),
            device: device.clone(),
            plan: plan.clone(),
            shape: dataset.shape,
        })
    }

    /// The frozen network: outside the autodiff graph, batch norm and dropout in evaluation mode.
    pub fn frozen(&self) -> Network {
        self.network.valid()
    }

    /// The places of the samples of each step of `epoch`, in order; the last step may be smaller.
    pub fn steps_of(&self, dataset: &Dataset, epoch: u32) -> Vec<Vec<usize>> {
        let settings = &self.plan.settings;
        shuffled(dataset.train.len(), settings.seed, epoch).chunks(settings.batch).map(<[usize]>::to_vec).collect()
    }

    /// λ of `epoch`: +inf, which means weights of 1, for plain adversarial training and in burn-in.
    pub fn lambda(&self, epoch: u32) -> f64 {
        match self.plan.settings.method {
            Method::At => f64::INFINITY,
            Method::Gairat => self.plan.lambda.at(epoch),
        }
    }

    /// The network and the lengths of its parameters, where its update can be computed as a whole: on the CPU, for networks that
    /// train as they answer.
    fn as_a_whole(&self) -> Option<(Program, Vec<usize>)> {
        self.alone?;
        if self.plan.attack.path == Path::Composed || !is_cpu(&self.device) {
            return None;
        }
        // Measured: a perceptron's layers are so small that the tensor library's products of the whole batch are as fast.
        if matches!(self.network.architecture, Architecture::Mlp(_)) {
            return None;
        }
        let program = self.frozen().program()?;
        let trained = program.layers.trained()?;
        Some((program, trained))
    }

    /// One training step on the samples at `places`: PGD-and-count against the frozen network, weights from kappa, and one step of
    /// SGD on the weighted loss of x^(K). Nothing is read back from a GPU (a software adapter is waited for once); what was measured
    /// goes to `log`, and x^(K) of the samples (N x D) comes back.
    pub fn step(&mut self, dataset: &Dataset, places: &[usize], (epoch, step): (u32, usize), log: &mut EpochLog) -> Tensor<2> {
        let settings = &self.plan.settings;
        let attack = &self.plan.attack;
        let batch = self.batch(dataset, places, epoch);
        let adversarial = attack.run(&self.frozen(), &batch);
        let omega = Omega::of(settings.weighting.rule(), &adversarial, attack.steps, self.lambda(epoch));

        wait_if_software(&self.device);
        let lr = self.plan.learning_rate.at(epoch);
        let on_path = &adversarial.on_path;
        let end = match self.as_a_whole() {
            Some((program, trained)) => {
                let omega = match &omega {
                    Omega::Ones => Vec::new(),
                    Omega::PerSample(omega) => on_host(omega.clone()),
                };
                let weighted = WeightedBatch {
                    images: &on_host(adversarial.images.clone()),
                    labels: &batch.labels.clone().into_data().iter::<i32>().collect::<Vec<_>>(),
                    omega: &omega,
                    on_path: &on_host(on_path.clone()),
                    steps: attack.steps,
                };
                let whole = whole_gradient(&program.layers, &trained, &on_host(program.parameters()), weighted);
                self.network = self.sgd.step_along(self.network.clone(), &whole.parameters, lr);
                Tensor::from_data(TensorData::new(whole.records, [places.len(), RECORD]), &self.device)
            }
            None => {
                self.network.set_dropout_key(settings.seed, (u64::from(epoch) << 32) | step as u64);
                // With batch normalisation the samples of a batch must go together; the others need not.
                let together = self.alone.filter(|_| !is_cpu(&self.device)).map(pace::samples_together);
                let logits = logits_in_slices(&self.network, adversarial.images.clone().autodiff(), together);
                let count_settings = CountSettings { kind: LossKind::CrossEntropy, step: attack.steps, never: attack.steps };
                let untracked = logits.clone().inner();
                let end = count(logits, batch.labels.clone(), untracked, on_path.clone(), count_settings);
                let mut gradients = objective::weighted_mean(end.losses, &omega).backward();
                self.network = self.sgd.step(self.network.clone(), &mut gradients, lr);
                end.records
            }
        };

        let samples = places.len();
        let omega = omega.tensor(samples, &self.device).reshape([samples, 1]);
        let rows = places.iter().map(|&place| dataset.train.rows[place]).collect();
        log.push(rows, Tensor::cat(vec![adversarial.at_start, adversarial.on_path, end, omega], 1));
        adversarial.images
    }

    /// The samples at `places` as a step of `epoch` takes them: augmented, with their starts.
    pub fn batch(&self, dataset: &Dataset, places: &[usize], epoch: u32) -> Batch {
        let settings = &self.plan.settings;
        let key = (settings.seed, epoch);
        training_batch(&dataset.train, places, self.shape, &settings.augment, self.plan.attack.start(), key, &self.device)
    }

    /// Goes on with other settings; network, data and order stay.
    pub fn change(&mut self, plan: Checked) {
        self.sgd.momentum = plan.settings.momentum;
        self.sgd.weight_decay = plan.settings.weight_decay;
        self.plan = plan;
    }
}

/// The numbers of a tensor of the CPU backend.
fn on_host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
