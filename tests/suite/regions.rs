//! The map of the plane against the network asked point by point.

use burn::tensor::{Device, Tensor, TensorData};
use gairat::{
    dataset::SampleShape,
    device,
    model::{Classifier, Initialisation, ModelSpec, Network, Normalisation},
    region_map::{Grid, Quantity, map_of},
};

use crate::adapter::devices;

fn network(spec: &str, classes: usize, normalise: &str, device: &Device) -> Network {
    let (model, normalise): (ModelSpec, Normalisation) = (spec.parse().unwrap(), normalise.parse().unwrap());
    Network::new(&model, SampleShape::Flat(2), classes, &normalise, Initialisation::He, 3, device).unwrap()
}

#[test]
fn a_map_says_what_the_network_says_at_the_middle_of_every_cell() {
    let grid = Grid { columns: 37, rows: 23, across: [-0.5, 1.25], down: [1.5, -0.25] };
    for chosen in devices() {
        for (spec, classes) in [("mlp:64,64", 2), ("mlp:5,9", 7), ("mlp:256,256,256,256", 64), ("mlp:18", 3)] {
            let network = network(spec, classes, "none", &chosen.device);
            let points: Vec<f32> = (0..grid.cells()).flat_map(|cell| grid.middle(cell)).collect();
            let points = Tensor::<2>::from_data(TensorData::new(points, [grid.cells(), 2]), &chosen.device);
            let logits = pollster::block_on(device::read(network.logits(points))).unwrap();
            for quantity in [Quantity::Probability, Quantity::Margin] {
                let map = map_of(&network, grid, quantity, &chosen.device).unwrap();
                assert_eq!(map.dims(), [grid.cells(), 2]);
                let map = pollster::block_on(device::read(map)).unwrap();
                for (cell, z) in map.chunks_exact(2).zip(logits.chunks_exact(classes)) {
                    let highest = z.iter().copied().fold(f32::MIN, f32::max);
                    let class = cell[0] as usize;
                    // Two classes that are equal up to rounding may change places.
                    assert!(highest - z[class] < 1e-4, "{spec} on {}: {cell:?} of {z:?}", chosen.name);
                    let next = (0..classes).filter(|&c| c != class).map(|c| z[c]).fold(f32::MIN, f32::max);
                    let expected = match quantity {
                        Quantity::Probability => 1.0 / z.iter().map(|z| (z - highest).exp()).sum::<f32>(),
                        Quantity::Margin => (highest - next).max(0.0),
                    };
                    assert!(
                        (cell[1] - expected).abs() < 1e-4 * (1.0 + expected),
                        "{spec} on {}: {cell:?}, not {expected}",
                        chosen.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_grid_counts_its_cells_from_the_top_left() {
    let grid = Grid::unit(4, 2);
    assert_eq!(grid.cells(), 8);
    assert_eq!(grid.middle(0), [0.125, 0.75]);
    assert_eq!(grid.middle(3), [0.875, 0.75]);
    assert_eq!(grid.middle(4), [0.125, 0.25]);
}

#[test]
fn networks_that_are_no_perceptrons_of_points_have_no_map() {
    let device = Device::flex();
    let model: ModelSpec = "mlp:4".parse().unwrap();
    let network = Network::new(&model, SampleShape::Flat(3), 2, &Normalisation::None, Initialisation::He, 0, &device).unwrap();
    assert!(map_of(&network, Grid::unit(2, 2), Quantity::Margin, &device).is_none());
}

#[test]
fn a_normalised_perceptron_has_a_map_on_the_cpu() {
    let device = Device::flex();
    let network = network("mlp:6", 2, "0.5/0.25", &device);
    let map = map_of(&network, Grid::unit(3, 3), Quantity::Margin, &device).unwrap();
    let middle = Tensor::<2>::from_data(TensorData::new(vec![0.5_f32, 0.5], [1, 2]), &device);
    let z = pollster::block_on(device::read(network.logits(middle))).unwrap();
    let map = pollster::block_on(device::read(map)).unwrap();
    assert!((map[2 * 4 + 1] - (z[0] - z[1]).abs()).abs() < 1e-5);
}
