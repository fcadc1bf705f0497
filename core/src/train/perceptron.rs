//! The training step of a perceptron as a whole, from the attack to SGD: a handful of dispatches on a GPU, lanes on the CPU. For such small
//! layers, what lies between them takes most of the time. Between steps the parameters stay in the kernels' layout.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{EpochLog, Trainer};
use crate::{
    attack::{
        Path,
        loss_gradient_and_count::{FIRST_HIT, KAPPA},
    },
    batch::Batch,
    dataset::Dataset,
    device::{is_cpu, wait_if_software},
    kernels::perceptron::{Attacked, Numbers, fits, update},
    method::{Axis, Evidence, Method},
    model::{Classifier as _, Layers, with_packed},
};

/// The number of the records after x^(K−1) that a method's weights depend on, if it is one.
fn axis_on_path(method: &dyn Method) -> Option<usize> {
    let axis = method.about().axis;
    let indices = [(Axis::KAPPA, KAPPA), (Axis::FIRST_HIT, FIRST_HIT)];
    indices.into_iter().find(|(other, _)| *other == axis).map(|(_, index)| index)
}

impl Trainer {
    /// The layers of the network, where kernels take a whole step of so many samples in `epoch`.
    fn layers_in_kernels(&self, samples: usize, epoch: u32) -> Option<&Arc<Layers>> {
        let layers = self.independent.as_ref()?;
        let attacks = self.plan.attacks(epoch);
        let takes = self.plan.attack.path != Path::Composed
            && self.plan.method.is_weighted_cross_entropy()
            && !self.perturbs(epoch)
            // How early an attack stops is measured apart.
            && attacks.len() == 1
            && attacks.iter().all(|attack| attack.patience.is_none())
            && axis_on_path(&*self.plan.method).is_some()
            && fits(layers, samples, is_cpu(&self.device));
        takes.then_some(layers)
    }

    /// [`Trainer::step`] in kernels: x~ (N x D). `None`, and nothing has happened, where they do not take it.
    pub(super) fn step_in_kernels(
        &mut self,
        dataset: &Dataset,
        indices: &[usize],
        at: (u32, usize),
        log: &mut EpochLog,
    ) -> Option<Tensor<2>> {
        let layers = self.layers_in_kernels(indices.len(), at.0)?.clone();
        let parameters = match self.packed.take() {
            Some(parameters) => parameters,
            None => self.frozen().program()?.parameters(),
        };
        let batch = self.batch(dataset, indices, at.0);
        let (images, measured, weighed) = self.step_on_numbers(&layers, &parameters, &batch, at.0)?;
        self.follow_average(at.0);
        // Every sample has a kappa, weighed or not.
        let axis = axis_on_path(&*self.plan.method).filter(|&index| weighed || index == KAPPA);
        log.push_by(indices.iter().map(|&index| dataset.train.rows[index]).collect(), measured, axis);
        Some(images)
    }

    /// x~, what was measured of the samples, and whether they were weighed.
    fn step_on_numbers(
        &mut self,
        layers: &Arc<Layers>,
        parameters: &Tensor<1>,
        batch: &Batch,
        epoch: u32,
    ) -> Option<(Tensor<2>, Tensor<2>, bool)> {
        let attack = self.plan.attacks(epoch).into_iter().next()?;
        let [images, records, _] = attack.run_on_numbers(layers.clone(), parameters.clone(), batch, false);
        wait_if_software(&self.device);
        let evidence = Evidence::of_records(records.clone(), attack.steps, batch.labels.clone());
        let weights = self.weigh(&evidence, epoch);
        let attacked = Attacked {
            images: &images,
            labels: &batch.labels,
            omega: weights.as_ref().map(|weights| &weights.omega),
            records: &records,
            steps: attack.steps,
        };
        let velocity = self.sgd.packed(layers);
        let settings = self.sgd.settings(velocity.is_some(), self.plan.learning_rate.at(epoch));
        let numbers = Numbers { parameters: parameters.clone(), velocity };
        let (Numbers { parameters, velocity }, rows) = update(layers, &numbers, attacked, settings)?;
        self.sgd.keep_packed(layers, velocity?);
        self.network = with_packed(self.network.clone(), layers, &parameters);
        self.packed = Some(parameters);
        Some((images, rows, weights.is_some()))
    }
}
