//! Whole networks on a GPU against the tensor library and against the lanes of the CPU: logits and the gradient at the samples. The tensor
//! library computes on the CPU here: on a software adapter its convolutions take minutes.

use burn::{
    module::Module as _,
    nn::{
        PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Device, Tensor, TensorData, activation::relu},
};
use gairat::{
    attack::{Attack, LossKind, Path},
    batch::Batch,
    dataset::SampleShape,
    device::{self, Chosen},
    dispatches,
    evaluate::{Aim, Unwatched, Victim},
    loss::Labels,
    model::{After, Classifier, Program},
    random::{Purpose, Stream},
    settings::Settings,
    train::{EpochLog, Trainer},
};
use proptest::prelude::*;

use crate::one_update::{is_that_of_the_layers, noise, update};

use crate::{adapter::adapter, fused::network};

const GREY: SampleShape = SampleShape::Image { channels: 1, height: 16, width: 17 };
const COLOUR: SampleShape = SampleShape::Image { channels: 3, height: 9, width: 12 };

/// Every kind of network that the program builds.
const NETWORKS: [(&str, SampleShape, usize); 9] = [
    ("mlp:33,300", SampleShape::Flat(5), 9),
    ("small-cnn-28", GREY, 6),
    ("small-cnn-32", COLOUR, 2),
    ("resnet18", COLOUR, 2),
    ("net-mnist", GREY, 6),
    ("preact-resnet18", COLOUR, 2),
    ("preact-resnet18-bn", COLOUR, 2),
    ("preact-resnet18-raw", COLOUR, 2),
    ("wrn:10,1", COLOUR, 3),
];

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(device::read(tensor)).unwrap()
}

/// Logits, and the gradient of a loss that weighs them all differently, at drawn samples.
fn pass(network: &dyn Classifier, shape: SampleShape, samples: usize, path: Path, device: &Device) -> [Vec<f32>; 3] {
    let mut stream = Stream::new(5, Purpose::Benchmark, 0, 0);
    let pixels: Vec<f32> = (0..samples * shape.len()).map(|_| stream.uniform()).collect();
    let images = Tensor::<2>::from_data(TensorData::new(pixels, [samples, shape.len()]), device);
    let mut unwatched = Unwatched;
    let mut victim = Victim::new(network, shape, path, device, &mut unwatched);
    let aim = Aim::away(Labels::new(Tensor::zeros([samples], device), victim.classes()));
    pollster::block_on(async {
        let logits = victim.logits(&images).await.unwrap();
        let loss = |logits: Tensor<2>, _: &Aim| {
            let [samples, classes] = logits.dims();
            let weights: Vec<f32> = (0..classes).map(|class| (class as f32 * 1.7).sin()).collect();
            let weights = Tensor::<2>::from_data(TensorData::new(weights, [1, classes]), &logits.device());
            (logits * weights).sum_dim(1).reshape([samples])
        };
        let slope = victim.gradient(&images, &loss, &aim).await.unwrap();
        [read(logits), read(slope.logits), read(slope.gradient)]
    })
}

/// Equal within 1e-4 of the greatest number: sums of up to some thousand products (4,608 in the widest convolution) each round by 6e-8
/// of their size, at random, and a network has up to 20 of them one after the other.
fn near(found: &[f32], expected: &[f32]) -> Result<(), String> {
    let greatest = expected.iter().fold(1e-30_f32, |most, number| most.max(number.abs()));
    if found.len() != expected.len() {
        return Err(format!("{} numbers, not {}", found.len(), expected.len()));
    }
    let wrong = |(f, e): (&f32, &f32)| f.is_nan() || (f - e).abs() > 1e-4 * greatest;
    match found.iter().zip(expected).position(wrong) {
        Some(index) => Err(format!("number {index}: {} is not {} (the greatest is {greatest})", found[index], expected[index])),
        None => Ok(()),
    }
}

fn is_the_same_as_elsewhere(
    on_gpu: &dyn Classifier,
    on_cpu: &dyn Classifier,
    shape: SampleShape,
    samples: usize,
    gpu: &Chosen,
) -> Result<(), String> {
    let cpu = Device::flex();
    assert_eq!(Path::Fused.taken(on_gpu, &gpu.device), Ok(Path::Fused));
    let executor = pass(on_gpu, shape, samples, Path::Auto, &gpu.device);
    let composed = pass(on_cpu, shape, samples, Path::Composed, &cpu);
    let lanes = pass(on_cpu, shape, samples, Path::Auto, &cpu);
    if executor != pass(on_gpu, shape, samples, Path::Auto, &gpu.device) {
        return Err("two runs come to different bits".to_owned());
    }
    for (what, ((executor, composed), lanes)) in
        ["logits", "logits before the way back", "gradient"].iter().zip(executor.iter().zip(&composed).zip(&lanes))
    {
        near(executor, composed).map_err(|why| format!("{what} beside the tensor library: {why}"))?;
        near(executor, lanes).map_err(|why| format!("{what} beside the CPU: {why}"))?;
    }
    Ok(())
}

#[test]
fn every_network_comes_to_what_it_comes_to_elsewhere_and_twice_to_the_same_bits() {
    let Some(gpu) = adapter() else { return };
    let cpu = Device::flex();
    for (spec, shape, samples) in NETWORKS {
        for normalise in ["none", "0.3/0.5"] {
            let [on_gpu, on_cpu] = [&gpu.device, &cpu].map(|device| network(spec, shape, 10, normalise, device));
            let same = is_the_same_as_elsewhere(&on_gpu, &on_cpu, shape, samples, &gpu);
            same.unwrap_or_else(|why| panic!("{spec}, normalise {normalise}: {why}"));
        }
    }
}

/// Two convolutions with a way around them, pooling, and a mean: what a block of any network is made of, in any size.
#[derive(Debug)]
struct Block {
    first: Conv2d,
    second: Conv2d,
    around: Conv2d,
    image: [usize; 3],
}

impl Block {
    fn new(image: [usize; 3], channels: usize, kernel: usize, stride: usize, seed: u64, device: &Device) -> Self {
        let conv = |channels: [usize; 2], kernel: usize, stride: usize, purpose: u64| {
            let config = Conv2dConfig::new(channels, [kernel, kernel]).with_stride([stride, stride]);
            let padding = kernel / 2;
            let mut conv = config.with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding)).init(device);
            let mut stream = Stream::new(seed + purpose, Purpose::Benchmark, 0, 0);
            let wide = (channels[0] * kernel * kernel) as f32;
            conv.weight = conv.weight.map(|weight| {
                let numbers: Vec<f32> = (0..weight.shape().num_elements()).map(|_| stream.normal() / wide.sqrt()).collect();
                Tensor::from_data(TensorData::new(numbers, weight.shape()), device)
            });
            conv.bias = conv.bias.map(|bias| {
                bias.map(|bias| {
                    let numbers: Vec<f32> = (0..bias.shape().num_elements()).map(|_| 0.1 * stream.normal()).collect();
                    Tensor::from_data(TensorData::new(numbers, bias.shape()), device)
                })
            });
            conv.valid()
        };
        Self {
            first: conv([image[0], channels], kernel, stride, 0),
            second: conv([channels, channels], 3, 1, 1),
            around: conv([image[0], channels], 1, stride, 2),
            image,
        }
    }
}

impl Classifier for Block {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let [count, _] = samples.dims();
        let [channels, height, width] = self.image;
        let x = samples.reshape([count, channels, height, width]);
        let around = self.around.forward(x.clone());
        let inside = relu(self.first.forward(x));
        let inside = relu(self.second.forward(inside.clone()) + inside);
        let sum = relu(self.second.forward(inside) + around);
        let [_, channels, height, width] = sum.dims();
        sum.reshape([count, channels, height * width]).mean_dim(2).reshape([count, channels])
    }

    fn program(&self) -> Option<Program> {
        let mut program = Program::new(self.image);
        let plain = After::default();
        let around = program.convolution(0, &self.around, plain);
        let inside = program.convolution(0, &self.first, After { relu: true, ..plain });
        let inside = program.convolution(inside, &self.second, After { add: Some(inside), relu: true, ..plain });
        let sum = program.convolution(inside, &self.second, After { add: Some(around), relu: true, ..plain });
        program.mean(sum);
        Some(program)
    }
}

proptest! {
    // Few: each compiles kernels and waits for a device that may be a program on the CPU.
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_block_of_any_size_comes_to_what_it_comes_to_elsewhere(
        samples in 1_usize..=20,
        (inputs, channels) in (1_usize..=20, 1_usize..=70),
        (height, width) in (1_usize..=9, 1_usize..=9),
        (kernel, stride) in (prop_oneof![Just(1_usize), Just(3), Just(5)], 1_usize..=2),
        seed in 0_u64..1000,
    ) {
        let Some(gpu) = adapter() else { return Ok(()) };
        let image = [inputs, height, width];
        let shape = SampleShape::Image { channels: inputs, height, width };
        let block = |device: &Device| Block::new(image, channels, kernel, stride, seed, device);
        let same = is_the_same_as_elsewhere(&block(&gpu.device), &block(&Device::flex()), shape, samples, &gpu);
        prop_assert!(same.is_ok(), "{}", same.unwrap_err());
    }
}

#[test]
fn an_attack_through_whole_passes_counts_what_the_attack_on_the_cpu_counts() {
    let Some(gpu) = adapter() else { return };
    let samples = 200;
    let shape = SampleShape::Image { channels: 1, height: 9, width: 9 };
    let cpu = Device::flex();
    let [on_gpu, on_cpu] = [&gpu.device, &cpu].map(|device| Block::new([1, 9, 9], 10, 3, 1, 3, device));
    let mut stream = Stream::new(6, Purpose::Benchmark, 0, 0);
    let natural: Vec<f32> = (0..samples * shape.len()).map(|_| stream.uniform()).collect();
    let unlabelled = Batch::new(natural.clone(), &vec![0; samples], None, &cpu);
    let logits = read(on_cpu.logits(unlabelled.natural));
    let own = |z: &[f32]| (0..10).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap();
    let labels: Vec<u32> = logits.chunks(10).map(|z| own(z) as u32).collect();
    let mut broken_on_the_way = 0;
    for (loss, patience) in [(LossKind::CrossEntropy, None), (LossKind::CwMargin, None), (LossKind::CrossEntropy, Some(1))] {
        for step_size in [0.001, 0.01, 0.05] {
            let [found, expected] = [(&on_gpu, &gpu.device), (&on_cpu, &cpu)].map(|(block, device)| {
                let epsilon = 10.0 * step_size;
                let attack = Attack { epsilon, step_size, steps: 10, loss, start: None, patience, path: Path::Auto };
                let batch = Batch::new(natural.clone(), &labels, None, device);
                read(attack.run(block, &batch).kappa())
            });
            let equal = found.iter().zip(&expected).filter(|(f, c)| f == c).count();
            assert!(equal * 1000 >= samples * 995, "{loss}: {equal} of {samples}");
            broken_on_the_way += expected.iter().filter(|&&kappa| kappa > 1.0 && kappa < 10.0).count();
        }
    }
    assert!(2 * broken_on_the_way > samples, "attacks that break {broken_on_the_way} samples on the way");
}

#[test]
fn an_update_of_every_network_is_that_of_the_layers_and_twice_the_same() {
    let Some(gpu) = adapter() else { return };
    for ((spec, shape, samples), method) in NETWORKS.into_iter().zip(["ca-at", "at", "trades"].into_iter().cycle()) {
        is_that_of_the_layers(method, (spec, shape, samples + 3), &gpu.device).unwrap();
        let [one, two] = [0, 0].map(|seed| update(method, spec, &noise(shape, samples + 3, seed), Path::Auto, &gpu.device));
        assert!(one == two, "{spec}, {method}: two runs come to different bits");
    }
}

#[test]
fn an_update_is_that_of_the_layers_for_any_number_of_samples_and_any_size() {
    let Some(gpu) = adapter() else { return };
    // Drawn, but the same in every run: a case compiles kernels.
    let mut stream = Stream::new(12, Purpose::Benchmark, 0, 0);
    for case in 0..6 {
        let mut between = |least: usize, most: usize| least + stream.below(most + 1 - least);
        let samples = [between(1, 130), between(2, 6)][case % 2];
        let (spec, shape) = if case % 2 == 0 {
            (format!("mlp:{},{}", between(1, 70), between(1, 70)), SampleShape::Flat(between(1, 70)))
        } else {
            let shape = SampleShape::Image { channels: between(1, 12), height: between(5, 11), width: between(5, 11) };
            (["wrn:10,1", "resnet18"][case / 2 % 2].to_owned(), shape)
        };
        is_that_of_the_layers("trades", (&spec, shape, samples), &gpu.device).unwrap();
    }
}

#[test]
fn a_step_of_a_convolutional_network_takes_few_dispatches() {
    let Some(gpu) = adapter() else { return };
    let bounds = [("small-cnn-28", GREY, 24, 70), ("resnet18", COLOUR, 50, 170)];
    for (spec, shape, of_attack, of_update) in bounds {
        let data = noise(shape, 2, 4);
        let dispatches = |steps: u32| {
            let mut settings = Settings { burn_in: 0, steps, ..Settings::default() };
            for (name, value) in [("model", spec), ("init", "he"), ("method", "gairat")] {
                settings.set(name, value).unwrap();
            }
            let mut trainer = Trainer::new(&settings.checked().unwrap(), &data, &gpu.device).unwrap();
            let mut step = |index| {
                let mut log = EpochLog::default();
                trainer.step(&data, &[0, 1], (1, index), &mut log)
            };
            read(step(0));
            // What the reading costs is in both counts.
            let one = dispatches::count(|| read(step(1))).1;
            let three = dispatches::count(|| {
                (2..4).for_each(|index| drop(step(index)));
                read(step(4))
            })
            .1;
            (three - one) / 2
        };
        let [one, three] = [1, 3].map(dispatches);
        let (attack, rest) = ((three - one) / 2, one - (three - one) / 2);
        println!("{spec}: {attack} dispatches a step of PGD, {rest} besides");
        assert!(attack <= of_attack && rest <= of_update, "{spec}: {attack} a step of PGD, {rest} besides");
    }
}
