//! The update of a network in lanes on the CPU against the one layer by layer through the tensor library, and on several threads.

use burn::tensor::Device;
use gairat::{attack::Path, dataset::SampleShape};

use crate::one_update::{is_that_of_the_layers, noise, update};

const COLOUR: SampleShape = SampleShape::Image { channels: 3, height: 9, width: 12 };
/// More than fill the registers of any machine, and no multiple of their width.
const SAMPLES: usize = 19;

#[test]
fn an_update_in_lanes_is_that_of_the_layers() {
    for spec in ["small-cnn-32", "resnet18", "preact-resnet18", "wrn:10,2"] {
        for method in ["at", "trades", "ca-at"] {
            is_that_of_the_layers(method, (spec, COLOUR, SAMPLES), &Device::flex()).unwrap();
        }
    }
}

#[test]
fn threads_change_no_bit_of_an_update() {
    for (spec, method) in [("small-cnn-32", "at"), ("resnet18", "trades")] {
        let data = noise(COLOUR, SAMPLES, 3);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| update(method, spec, &data, Path::Auto, &Device::flex()))
        };
        let one = on(1);
        for threads in [2, 4, 16] {
            assert!(on(threads) == one, "{spec} on {threads} threads");
        }
    }
}
