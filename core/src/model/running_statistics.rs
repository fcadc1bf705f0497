//! The running statistics of a network's batch normalisation, saved and restored around passes that must not change them.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

use super::Network;

/// The values of all running statistics, in the order in which burn walks the network.
#[derive(Debug)]
pub(crate) struct RunningStatistics {
    values: Vec<Tensor<1>>,
}

/// Whether a tensor at a path that ends with `leaf` is a running statistic.
pub(super) fn is_running(leaf: Option<&String>) -> bool {
    leaf.is_some_and(|leaf| leaf.starts_with("running_"))
}

impl RunningStatistics {
    /// Of these values, in the order in which burn walks the network.
    pub(crate) fn from_values(values: Vec<Tensor<1>>) -> Self {
        Self { values }
    }

    /// The values, in that order.
    pub(crate) fn values(self) -> Vec<Tensor<1>> {
        self.values
    }

    /// Those of `network` as they are.
    pub(crate) fn of(network: &Network) -> Self {
        struct Collect {
            path: Vec<String>,
            values: Vec<Tensor<1>>,
        }
        impl ModuleVisitor for Collect {
            fn enter_module(&mut self, name: &str, _container: &str) {
                self.path.push(name.to_owned());
            }

            fn exit_module(&mut self, _name: &str, _container: &str) {
                self.path.pop();
            }

            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if is_running(self.path.last()) {
                    let value = param.val();
                    let len = value.dims().iter().product::<usize>();
                    self.values.push(value.reshape([len]));
                }
            }
        }
        let mut collect = Collect { path: Vec::new(), values: Vec::new() };
        network.visit(&mut collect);
        Self { values: collect.values }
    }

    /// Puts them back. (A clone of a network shares its running statistics with it, so that nothing has to be given back.)
    pub(crate) fn restore(self, network: &Network) {
        struct Restore {
            path: Vec<String>,
            values: std::vec::IntoIter<Tensor<1>>,
        }
        impl ModuleMapper for Restore {
            fn enter_module(&mut self, name: &str, _container: &str) {
                self.path.push(name.to_owned());
            }

            fn exit_module(&mut self, _name: &str, _container: &str) {
                self.path.pop();
            }

            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                if !is_running(self.path.last()) {
                    return param;
                }
                match self.values.next() {
                    Some(value) => param.map(|old| value.reshape(old.dims())),
                    None => param,
                }
            }
        }
        if !self.values.is_empty() {
            let _ = network.clone().map(&mut Restore { path: Vec::new(), values: self.values.into_iter() });
        }
    }
}
