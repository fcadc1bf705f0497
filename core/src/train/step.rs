//! One step of a trainer, as a whole or with its intermediate results, on adversarial data that it crafts or is given.

use burn::tensor::{Tensor, TensorData};

use super::{
    EpochLog, Trainer,
    executor::{Executor, Pass, in_lanes, on_host},
    log::StepRecord,
    weight_perturbation,
    whole_gradient::{WeightedBatch, whole_gradient},
};
use crate::{
    attack::{Adversarial, Attack, CountSettings, LossKind, count, loss_gradient_and_count::RECORD},
    batch::Batch,
    dataset::Dataset,
    device::wait_if_software,
    loss::Labels,
    method::{Axis, Evidence, Loss, Outputs, Surroundings, Weights},
    model::{Gradient, Network, RunningStatistics},
};

/// Set in the dropout key of natural samples, so that they draw other masks than adversarial samples.
const NATURAL_PASS: u64 = 1 << 63;

/// The intermediate results of one step, on the device.
#[derive(Clone, Debug)]
pub struct StepParts {
    /// x~ of each attack of the method: N x D.
    pub adversarial: Vec<Tensor<2>>,
    /// κ, the number of iterates among x⁰ … x^(K−1) that are classified correctly: N.
    pub kappa: Tensor<1>,
    /// The least t < K with x^t misclassified, else K: N.
    pub first_hit: Tensor<1>,
    /// ω, 1 if the method weighs nothing: N.
    pub omega: Tensor<1>,
    /// The quantity that determines the weights ([`About::axis`](crate::method::About::axis)): N.
    pub axis: Tensor<1>,
    /// The method's extra measurement ([`About::measure`](crate::method::About::measure)): one number, or N.
    pub measured: Option<Tensor<1>>,
    /// The loss at the parameters before the step.
    pub loss: Loss,
    /// The gradient of the step, without weight decay.
    pub gradient: Gradient,
    /// The gradients of the natural and the adversarial term, for methods that combine them.
    pub terms: Option<[Gradient; 2]>,
    /// The learning rate.
    pub lr: f64,
}

/// Adversarial data of a batch.
struct Crafted {
    batch: Batch,
    attacks: Vec<Attack>,
    found: Vec<Adversarial>,
    /// Epoch and step.
    at: (u32, usize),
}

/// The results of a step before the update.
struct Computed {
    gradient: Gradient,
    terms: Option<[Gradient; 2]>,
    loss: Loss,
    record: StepRecord,
}

impl Trainer {
    /// Adversarial data of the samples at `indices`, against the frozen network.
    fn craft(&self, dataset: &Dataset, indices: &[usize], at: (u32, usize)) -> Crafted {
        let batch = self.batch(dataset, indices, at.0);
        let attacks = self.plan.attacks(at.0);
        let frozen = self.frozen();
        let found = attacks.iter().map(|attack| attack.run(&frozen, &batch)).collect();
        Crafted { batch, attacks, found, at }
    }

    /// One training step on the samples at `indices`, in step `at` (epoch, step): attacks the frozen network, weighs the samples, and makes
    /// one step of SGD on the method's loss. Adds the measurements to `log` and returns x~ (N x D). Reads nothing back from a GPU; waits once
    /// for a software adapter.
    pub fn step(&mut self, dataset: &Dataset, indices: &[usize], at: (u32, usize), log: &mut EpochLog) -> Tensor<2> {
        if let Some(images) = self.step_in_kernels(dataset, indices, at, log) {
            return images;
        }
        let crafted = self.craft(dataset, indices, at);
        wait_if_software(&self.device);
        let lr = self.plan.learning_rate.at(at.0);
        let claims = self.plan.method.is_weighted_cross_entropy() && crafted.found.len() == 1 && !self.perturbs(at.0);
        let record = if claims {
            self.weighted_cross_entropy_step(&crafted, lr)
        } else {
            let computed = self.compute(&crafted);
            let network = self.sgd.step_along_gradient(self.network.clone(), computed.gradient, lr);
            self.set_network(network);
            computed.record
        };
        self.follow_average(at.0);
        let rows = indices.iter().map(|&index| dataset.train.rows[index]).collect();
        log.push(rows, record.numbers());
        crafted.found.into_iter().next().map_or(crafted.batch.natural, |found| found.images)
    }

    /// Makes the same step and returns its intermediate results. The update equals that of [`Self::step`] up to rounding.
    pub fn step_apart(&mut self, dataset: &Dataset, indices: &[usize], at: (u32, usize)) -> StepParts {
        let crafted = self.craft(dataset, indices, at);
        self.finish_apart(&crafted)
    }

    /// As [`Self::step_apart`] on given adversarial data: `images` (N x D), with (kappa, first hit) of each sample in `counts`.
    pub fn step_apart_on(
        &mut self,
        dataset: &Dataset,
        indices: &[usize],
        at: (u32, usize),
        images: Vec<f32>,
        counts: &[(f32, f32)],
    ) -> StepParts {
        let batch = self.batch(dataset, indices, at.0);
        let attacks: Vec<Attack> = self.plan.attacks(at.0);
        let samples = indices.len();
        let images = Tensor::from_data(TensorData::new(images, [samples, self.shape.len()]), &self.device);
        let records = counts.iter().flat_map(|&(kappa, first_hit)| [0.0, 0.0, kappa, first_hit]).collect();
        let records = Tensor::<2>::from_data(TensorData::new::<f32, _>(records, [samples, RECORD]), &self.device);
        let given = Adversarial { images, at_start: records.clone(), on_path: records };
        let frozen = self.frozen();
        let rest = attacks.iter().skip(1).map(|attack| attack.run(&frozen, &batch)).collect::<Vec<_>>();
        let found = [given].into_iter().chain(rest).collect();
        self.finish_apart(&Crafted { batch, attacks, found, at })
    }

    fn finish_apart(&mut self, crafted: &Crafted) -> StepParts {
        let lr = self.plan.learning_rate.at(crafted.at.0);
        let Computed { gradient, terms, loss, record } = self.compute(crafted);
        let network = self.sgd.step_along_gradient(self.network.clone(), gradient.clone(), lr);
        self.set_network(network);
        self.follow_average(crafted.at.0);
        let evidence = Evidence::after_attack(&crafted.found[0], crafted.attacks[0].steps, crafted.batch.labels.clone());
        StepParts {
            adversarial: crafted.found.iter().map(|found| found.images.clone()).collect(),
            kappa: evidence.kappa(),
            first_hit: evidence.first_hit(),
            omega: record.omega,
            axis: record.axis.unwrap_or_else(|| evidence.kappa()),
            measured: record.extra,
            loss,
            gradient,
            terms,
            lr,
        }
    }

    /// The quantity that determines the weights, unless that is kappa; NaN during burn-in.
    fn axis_of(&self, weights: Option<Weights>, samples: usize) -> Option<Tensor<1>> {
        if self.plan.method.about().axis == Axis::KAPPA {
            return None;
        }
        let nothing = || Tensor::from_data(TensorData::new(vec![f32::NAN; samples], [samples]), &self.device);
        Some(weights.map_or_else(nothing, |weights| weights.axis))
    }

    /// Passes, weights, loss and gradient of any method.
    fn compute(&mut self, crafted: &Crafted) -> Computed {
        let Crafted { batch, attacks, found, at: (epoch, step) } = crafted;
        let method = self.plan.method.clone();
        let network = self.network.clone();
        let labels = Labels::new(batch.labels.clone(), self.classes);
        let key = (u64::from(*epoch) << 32) | *step as u64;
        let needs_natural = method.needs_natural(self.plan.clock(*epoch));
        let seed = self.plan.settings.seed;
        let passes_of = |network: &Network, executor: &Executor<'_>| -> Passes {
            network.set_dropout_key(seed, key | NATURAL_PASS);
            let natural = needs_natural.then(|| executor.pass(&batch.natural));
            network.set_dropout_key(seed, key);
            let adversarial = executor.pass(&found[0].images);
            let second = found.get(1).map(|found| executor.pass(&found.images));
            Passes { natural, adversarial, second }
        };
        let perturbs = self.perturbs(*epoch);
        let kept = perturbs.then(|| RunningStatistics::of(&network));
        let count_of_passes = usize::from(needs_natural) + found.len().min(2);
        let executor = self.executor(&network, batch.len(), count_of_passes);
        let mut passes = passes_of(&network, &executor);

        let evidence = passes.evidence(&found[0], attacks[0].steps, labels.clone());
        let weights = self.weigh(&evidence, *epoch);
        let omega = weights.as_ref().map(|weights| &weights.omega);
        let loss = method.loss(&passes.outputs(&labels), omega);
        let end = found[0].measure_end(passes.adversarial.logits.clone().inner(), batch.labels.clone(), &attacks[0]);

        // With weight perturbation the gradient is taken at perturbed parameters; the step starts from the unperturbed ones.
        let perturbed = kept.map(|kept| {
            let ascent = executor.gradient(loss.per_sample().mean(), &passes.all());
            kept.restore(&network);
            weight_perturbation::perturbed(&network, &ascent, self.plan.settings.awp)
        });
        let moved = perturbed.as_ref().unwrap_or(&network);
        let executor = if perturbed.is_some() {
            // Frees its buffers for the next executor.
            drop(executor);
            self.executor(moved, batch.len(), count_of_passes)
        } else {
            executor
        };
        if perturbed.is_some() {
            passes = passes_of(moved, &executor);
        }
        // The log gets the loss at the unperturbed parameters; the gradient may come from the perturbed ones.
        let followed = if perturbed.is_some() { method.loss(&passes.outputs(&labels), omega) } else { loss.clone() };

        let (gradient, terms, measured) = match (&followed.natural, &passes.natural) {
            (Some(term), Some(natural)) if method.combines() => {
                let natural = executor.gradient(term.clone().mean(), &[natural]);
                let adversarial = executor.gradient(followed.adversarial.clone().mean(), &[&passes.adversarial]);
                let (gradient, measured) = method.combine(natural.clone(), adversarial.clone());
                (gradient, Some([natural, adversarial]), measured)
            }
            _ => (executor.gradient(followed.per_sample().mean(), &passes.all()), None, None),
        };
        let around = Surroundings {
            network: moved,
            natural: batch.natural.clone(),
            adversarial: found[0].images.clone(),
            labels: &labels,
            epsilon: f64::from(attacks[0].epsilon),
        };
        let gradient = method.refine(gradient, &around, omega);

        let record = StepRecord {
            attack: [found[0].at_start.clone(), found[0].on_path.clone(), end],
            omega: omega.cloned().unwrap_or_else(|| Tensor::ones([batch.len()], &self.device)),
            axis: self.axis_of(weights, batch.len()),
            objective: Some(loss.per_sample().inner()),
            extra: measured.or_else(|| stopped_early(&evidence, &attacks[0])),
        };
        let loss = Loss { natural: loss.natural.map(Tensor::inner), adversarial: loss.adversarial.inner() };
        Computed { gradient, terms, loss, record }
    }

    /// The fast path of [`Method::is_weighted_cross_entropy`](crate::method::Method::is_weighted_cross_entropy).
    fn weighted_cross_entropy_step(&mut self, crafted: &Crafted, lr: f64) -> StepRecord {
        let Crafted { batch, attacks, found, at: (epoch, step) } = crafted;
        let (attack, found) = (&attacks[0], &found[0]);
        let evidence = Evidence::after_attack(found, attack.steps, batch.labels.clone());
        let weights = self.weigh(&evidence, *epoch);
        let omega = weights.as_ref().map(|weights| weights.omega.clone());
        let samples = batch.len();
        let lanes = if self.updates_in_lanes() { in_lanes(&self.network) } else { None };
        let end = match lanes {
            Some((program, trained)) => {
                let omega = omega.clone().map(on_host).unwrap_or_default();
                let weighted = WeightedBatch {
                    images: &on_host(found.images.clone()),
                    labels: &batch.labels.clone().into_data().iter::<i32>().collect::<Vec<_>>(),
                    omega: &omega,
                    on_path: &on_host(found.on_path.clone()),
                    steps: attack.steps,
                };
                let whole = whole_gradient(&program.layers, &trained, &on_host(program.parameters()), weighted);
                let network = self.sgd.step_along(self.network.clone(), &whole.parameters, lr);
                self.set_network(network);
                Tensor::from_data(TensorData::new(whole.records, [samples, RECORD]), &self.device)
            }
            None => {
                let network = self.network.clone();
                network.set_dropout_key(self.plan.settings.seed, (u64::from(*epoch) << 32) | *step as u64);
                let executor = self.executor(&network, samples, 1);
                let pass = executor.pass(&found.images);
                let count_settings = CountSettings { kind: LossKind::CrossEntropy, step: attack.steps, never: attack.steps };
                let untracked = pass.logits.clone().inner();
                let end = count(pass.logits.clone(), batch.labels.clone(), untracked, found.on_path.clone(), count_settings);
                // What they come to is told by the records; a sum of them here would be dispatches for nothing.
                let share = 1.0 / samples as f64;
                let terms = match &omega {
                    Some(omega) => end.losses * omega.clone().mul_scalar(share),
                    None => end.losses.mul_scalar(share),
                };
                let gradient = executor.gradient(terms, &[&pass]);
                let network = self.sgd.step_along_gradient(self.network.clone(), gradient, lr);
                self.set_network(network);
                end.records
            }
        };
        StepRecord {
            attack: [found.at_start.clone(), found.on_path.clone(), end],
            omega: omega.unwrap_or_else(|| Tensor::ones([samples], &self.device)),
            axis: self.axis_of(weights, samples),
            objective: None,
            extra: stopped_early(&evidence, attack),
        }
    }
}

struct Passes {
    natural: Option<Pass>,
    adversarial: Pass,
    second: Option<Pass>,
}

impl Passes {
    fn all(&self) -> Vec<&Pass> {
        self.natural.iter().chain([&self.adversarial]).chain(&self.second).collect()
    }

    fn outputs(&self, labels: &Labels) -> Outputs {
        Outputs {
            natural: self.natural.as_ref().map(|pass| pass.logits.clone()),
            adversarial: self.adversarial.logits.clone(),
            second: self.second.as_ref().map(|pass| pass.logits.clone()),
            labels: labels.clone(),
        }
    }

    fn evidence(&self, found: &Adversarial, steps: u32, labels: Labels) -> Evidence {
        Evidence::new(
            found,
            steps,
            labels,
            self.natural.as_ref().map(|pass| pass.logits.clone()),
            self.adversarial.logits.clone(),
        )
    }
}

/// 1 for each sample whose attack stopped before its last step; `None` if the attack cannot stop early.
///
/// With patience τ a sample that took all K checks was misclassified at most τ times, so kappa is at least K − τ; one that stopped was
/// misclassified τ + 1 times at K checks or fewer, so kappa is less.
fn stopped_early(evidence: &Evidence, attack: &Attack) -> Option<Tensor<1>> {
    let patience = attack.patience?;
    Some(evidence.kappa().lower_elem(f64::from(attack.steps) - f64::from(patience)).float())
}
