//! The logits of a network of anybody's for samples of an NPZ file: run with
//! `cargo run --release -p gairat --example logits -- WEIGHTS DATA.npz OUT.npz [--model NAME]`.
//!
//! It writes `logits`, computed the way that attacks take through the network, and `logits_by_layers`, computed by the tensor library.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use gairat::{
    attack,
    checkpoint::open_weights,
    dataset::{Arrays, read_arrays, write_named},
    evaluate::{Unwatched, Victim},
    model::{Classifier, ModelSpec, Network, Normalisation},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ([weights, data, out], rest) = arguments.split_first_chunk().ok_or("expected WEIGHTS DATA.npz OUT.npz [--model NAME]")?;
    let asked = match rest {
        [flag, name] if flag == "--model" => name.parse()?,
        _ => ModelSpec::Auto,
    };
    let weights = open_weights(Path::new(weights))?;
    eprintln!("{}", weights.reading);
    let Arrays { shape, samples, .. } = read_arrays(&PathBuf::from(data))?;
    let device = Device::flex();
    let model = weights.network(&asked, shape)?;
    let network = Network::with_weights(&model, shape, &weights.tensors, &Normalisation::None, &device)?;
    let count = samples.len();
    let images = Tensor::<2>::from_data(TensorData::new(samples.pixels, [count, shape.len()]), &device);
    let mut unwatched = Unwatched;
    let mut victim = Victim::new(&network, shape, attack::Path::Auto, &device, &mut unwatched);
    let whole = pollster::block_on(victim.logits(&images))?;
    let by_layers = network.logits(images);
    let array = |name: &str, logits: Tensor<2>| {
        let sizes = logits.dims().to_vec();
        (name.to_owned(), sizes, logits.into_data().iter::<f32>().collect())
    };
    write_named(Path::new(out), &[array("logits", whole), array("logits_by_layers", by_layers)])?;
    Ok(())
}
