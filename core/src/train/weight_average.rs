//! The exponential average of a network's weights and running statistics, often more robust than the network itself.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

use crate::model::Network;

/// `average ← decay · average + (1 − decay) · network`, tensor by tensor; the first average is the network.
#[derive(Clone, Debug)]
pub(crate) struct WeightAverage {
    decay: f64,
    /// In burn's visiting order, with running statistics.
    values: Vec<Tensor<1>>,
}

/// All floating-point tensors of a network.
fn values_of(network: &Network) -> Vec<Tensor<1>> {
    struct Collect(Vec<Tensor<1>>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val().inner();
            let len = value.dims().iter().product::<usize>();
            self.0.push(value.reshape([len]));
        }
    }
    let mut collect = Collect(Vec::new());
    network.visit(&mut collect);
    collect.0
}

impl WeightAverage {
    /// An average that begins with `network`.
    pub(crate) fn new(decay: f64, network: &Network) -> Self {
        Self { decay, values: values_of(network) }
    }

    /// Averages in the network after a step.
    pub(crate) fn follow(&mut self, network: &Network) {
        let newest = values_of(network);
        let kept = std::mem::take(&mut self.values);
        self.values = kept
            .into_iter()
            .zip(newest)
            .map(|(kept, newest)| kept.mul_scalar(self.decay) + newest.mul_scalar(1.0 - self.decay))
            .collect();
    }

    /// The average as a frozen network.
    pub(crate) fn network(&self, network: &Network) -> Network {
        struct Place(std::vec::IntoIter<Tensor<1>>);
        impl ModuleMapper for Place {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                match self.0.next() {
                    Some(value) => param.map(|old| value.reshape(old.dims())),
                    None => param,
                }
            }
        }
        network.valid().map(&mut Place(self.values.clone().into_iter()))
    }
}
