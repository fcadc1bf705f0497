//! A network of one's own under a suite of attacks: run with `cargo run --release --example own_network`.
//!
//! It answers with the class whose mean digit is nearest. Written once as it is thought of, and once as a list of layers, with which
//! attacks run as a whole; both come to the same.

use std::time::Instant;

use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor, TensorData},
};
use gairat::{
    attack::Path,
    dataset,
    evaluate::{Ledger, Norm, Order, Suite, Target, Threat, Unwatched, judge},
    model::{Classifier, Program},
    settings::Settings,
};

/// Logits −|x − c|² for the mean image c of every class.
struct Nearest {
    /// Classes x pixels.
    means: Tensor<2>,
}

impl Classifier for Nearest {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let [classes, pixels] = self.means.dims();
        let apart = samples.reshape([-1, 1, pixels as i32]) - self.means.clone().reshape([1, classes, pixels]);
        apart.powi_scalar(2).sum_dim(2).neg().reshape([-1, classes as i32])
    }
}

/// The same but for −|x|², which no class gains from: a linear layer with 2 c and −|c|².
struct AsLayers {
    layer: Linear,
}

impl Classifier for AsLayers {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        self.layer.forward(samples)
    }

    fn program(&self) -> Option<Program> {
        let mut program = Program::new([self.layer.weight.dims()[0], 1, 1]);
        program.linear(0, &self.layer, false);
        Some(program)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = Settings::default();
    settings.set("data", "digits")?;
    let (data, device) = (dataset::load(&settings.checked()?.request)?, Device::flex());
    let pixels = data.shape.len();
    let mut means = vec![0.0_f32; data.classes * pixels];
    for (image, &label) in data.train.pixels.chunks_exact(pixels).zip(&data.train.labels) {
        let of_class = data.train.labels.iter().filter(|other| **other == label).count() as f32;
        let mean = &mut means[label as usize * pixels..][..pixels];
        mean.iter_mut().zip(image).for_each(|(mean, pixel)| *mean += pixel / of_class);
    }
    let means: Tensor<2> = Tensor::from_data(TensorData::new(means, [data.classes, pixels]), &device);
    let mut layer = LinearConfig::new(pixels, data.classes).init(&device);
    layer.weight = layer.weight.map(|_| means.clone().transpose().mul_scalar(2.0));
    layer.bias = layer.bias.map(|bias| bias.map(|_| means.clone().powi_scalar(2).sum_dim(1).neg().flatten(0, 1)));
    let order = Order::suite(Suite::TRUST, data.classes, Norm::LInf, Vec::new());
    let networks: [(&str, Box<dyn Classifier>); 2] =
        [("as it is thought of", Box::new(Nearest { means })), ("as layers", Box::new(AsLayers { layer }))];
    for (name, network) in &networks {
        let threat = Threat { norm: Norm::LInf, epsilon: 0.1, seed: 0, path: Path::Auto };
        let network = network.as_ref();
        let target = Target { network, samples: &data.test, shape: data.shape, threat, batch: 256, device: &device };
        let begun = Instant::now();
        let found = pollster::block_on(judge(target, data.classes, &order, &mut Ledger::in_memory(), &mut Unwatched))?;
        println!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
        for score in &found.report.scores {
            println!("  {:<15} {:6.2} %", score.label, 100.0 * score.accuracy);
        }
        if let Some((robust, strongest)) = found.report.robust() {
            println!("  {:<15} {:6.2} %, lowest under {strongest}", "robust", 100.0 * robust);
        }
        for flag in &found.flags {
            println!("  flag {}: {}", flag.name, flag.message);
        }
    }
    Ok(())
}
