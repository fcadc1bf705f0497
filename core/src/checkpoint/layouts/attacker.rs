//! MadryLab's `robustness` library keeps the network a second time, inside its attacker: `model.conv1.weight` is there as
//! `attacker.model.conv1.weight` as well, with the same numbers.

use std::collections::HashMap;

use crate::model::NamedTensor;

/// What the library calls the part that holds the copy.
const ATTACKER: &str = "attacker";

/// Takes out the tensors of the attacker that lie outside of it as well, with the same numbers; gives how many they were.
pub(super) fn take_copies(tensors: &mut Vec<(&str, &NamedTensor)>) -> usize {
    let all: HashMap<&str, &NamedTensor> = tensors.iter().copied().collect();
    let is_copy = |name: &str, tensor: &NamedTensor| {
        let parts: Vec<&str> = name.split('.').collect();
        let Some(place) = parts.iter().position(|part| *part == ATTACKER) else { return false };
        let outside = [&parts[..place], &parts[place + 1..]].concat().join(".");
        all.get(outside.as_str()).is_some_and(|other| *other == tensor)
    };
    let before = tensors.len();
    tensors.retain(|(name, tensor)| !is_copy(name, tensor));
    before - tensors.len()
}
