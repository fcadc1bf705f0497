//! burn's visiting order of a network, which orders all lists of gradients, velocities and running statistics.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    tensor::Tensor,
};

use super::{Network, running_statistics::is_running};

/// Tensors of a network in that order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The learned ones.
    pub(crate) learned: Vec<ParamId>,
    /// For every running statistic the learned tensor before it: beta of its batch normalisation.
    pub(crate) running: Vec<ParamId>,
}

impl Walk {
    /// Through a network in training.
    pub(crate) fn of(network: &Network) -> Self {
        struct Follow {
            path: Vec<String>,
            walk: Walk,
        }
        impl ModuleVisitor for Follow {
            fn enter_module(&mut self, name: &str, _container: &str) {
                self.path.push(name.to_owned());
            }

            fn exit_module(&mut self, _name: &str, _container: &str) {
                self.path.pop();
            }

            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if is_running(self.path.last()) {
                    self.walk.running.extend(self.walk.learned.last());
                } else if param.val().is_require_grad() {
                    self.walk.learned.push(param.id);
                }
            }
        }
        let mut follow = Follow { path: Vec::new(), walk: Self::default() };
        network.visit(&mut follow);
        follow.walk
    }
}
