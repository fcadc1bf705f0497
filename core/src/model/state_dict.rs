//! What PyTorch would call the tensors of a module, for the tests: the published networks' names and shapes are recorded in
//! `state_dicts.json`, written by PyTorch from the published code.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::Tensor,
};

/// Names and PyTorch's shapes of all float tensors of `module`.
pub(super) fn state_dict(module: &impl Module) -> BTreeMap<String, Vec<usize>> {
    let mut listing = Listing::default();
    module.visit(&mut listing);
    listing.tensors
}

/// The recorded names and shapes of a published network.
pub(super) fn published(network: &str) -> BTreeMap<String, Vec<usize>> {
    let mut networks: BTreeMap<String, BTreeMap<String, Vec<usize>>> =
        serde_json::from_str(include_str!("state_dicts.json")).expect("the recorded state dicts are JSON");
    networks.remove(network).expect("the network is recorded")
}

/// How many numbers of `module` are trained: all but the running statistics.
pub(super) fn trained_numbers(module: &impl Module) -> usize {
    let trained = state_dict(module).into_iter().filter(|(name, _)| !name.contains("running_"));
    trained.map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

#[derive(Default)]
struct Listing {
    path: Vec<String>,
    tensors: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Listing {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Lazy: the weights of a wide network are counted without ever being made.
        let mut shape = param.lazy_shape().dims::<D>().to_vec();
        if D == 2 {
            // burn's linear layers hold inputs x outputs, PyTorch's outputs x inputs.
            shape.reverse();
        }
        let earlier = self.tensors.insert(self.path.join("."), shape);
        assert!(earlier.is_none(), "two tensors are called {}", self.path.join("."));
    }
}
