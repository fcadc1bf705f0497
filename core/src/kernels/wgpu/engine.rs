//! A network on a GPU: its numbers, and the plans that were made for it.

use wgpu::Buffer;

use super::{
    convolution::Shape,
    gpu::{Gpu, MAX_SIDE, Step, WORD, grid},
    layout::{Layout, Places, strides},
    plan::{Plan, Planner, Pools},
    tensors::OnGpu,
    text::Kernel,
    tile::Tile,
    update::Update,
};
use crate::model::{Channels, EPSILON, Layer, Layers, Program};

/// Plans of each sort that are kept: of the whole batch, of the last one of an epoch, and of a test set.
const PLANS: usize = 4;
/// How much more than an attack, of which batches are cut, an update may take, which goes through the network at once.
const UPDATE: u64 = 8;

#[derive(Debug)]
pub(super) struct Engine {
    pub(super) layers: Layers,
    pub(super) layout: Layout,
    /// All numbers but running statistics.
    pub(super) parameters: Buffer,
    /// Running means of all batch normalisations, then their running variances.
    pub(super) statistics: Buffer,
    /// Factors of all batch normalisations in evaluation mode, then their addends.
    pub(super) folded: Buffer,
    /// The weights in the order in which the products read them: forwards and back.
    pub(super) weights: [Buffer; 2],
    /// Where each layer's begin, in quads: forwards and back.
    pub(super) begins: Vec<[usize; 2]>,
    /// What makes `folded` and `weights` after `parameters` were written, to answer.
    pub(super) prepare: Vec<Step>,
    /// The same to train: without `folded`.
    pub(super) prepare_to_train: Vec<Step>,
    /// Stands where a kernel has nothing to read.
    pub(super) nothing: Buffer,
    /// Buffers that plans share.
    pools: Pools,
    /// The last ones that were used, the newest at the end.
    plans: Vec<Plan>,
    /// What an update needs, once there is one.
    pub(super) training: Option<Training>,
}

/// What updates of a network share.
#[derive(Debug)]
pub(super) struct Training {
    /// Laid out as the parameters: the gradient of the last pass, and the sum of several.
    pub(super) gradients: [Buffer; 2],
    /// Adds the first to the second.
    pub(super) sum: Step,
    /// Of the passes of an update, one plan for each; the last ones that were used, the newest at the end.
    pub(super) plans: Vec<(usize, Plan)>,
}

/// The product of a layer as a convolution: a linear layer is one of a single pixel.
pub(super) fn product(layers: &Layers, index: usize) -> Option<Shape> {
    let output = layers.signals[index + 1];
    match layers.layers[index] {
        Layer::Linear { from, .. } => Some(Shape { input: [len(layers, from), 1, 1], output, kernel: 1, stride: 1, padding: 0 }),
        Layer::Convolution { from, kernel, stride, padding, .. } => {
            Some(Shape { input: layers.signals[from], output, kernel, stride, padding })
        }
        Layer::Scale { .. } | Layer::MaxPool { .. } | Layer::Mean { .. } => None,
    }
}

/// Numbers of a signal.
pub(super) fn len(layers: &Layers, signal: usize) -> usize {
    layers.signals[signal].iter().product()
}

/// Numbers of the weights in the order of the kernels: forwards and back.
fn arranged(shape: &Shape) -> [usize; 2] {
    let (taps, inputs, outputs) = (shape.kernel * shape.kernel, shape.input[0], shape.output[0]);
    [taps * inputs * outputs.next_multiple_of(4), taps * outputs * inputs.next_multiple_of(4)]
}

/// How many samples may go through a network together; an error says why none may.
pub(super) fn together(layers: &Layers, gpu: &Gpu) -> Result<usize, String> {
    let largest = (gpu.largest_buffer() / WORD) as usize;
    let mut weights = [0, 0];
    // Workgroups along a side are a limit for single layers.
    let mut most_quads = usize::MAX;
    for index in 0..layers.layers.len() {
        let Some(shape) = product(layers, index) else { continue };
        if !shape.fits() {
            return Err(format!("a convolution of {0} x {0} with a stride of {1} does not fit", shape.kernel, shape.stride));
        }
        for (sum, numbers) in weights.iter_mut().zip(arranged(&shape)) {
            *sum += numbers;
        }
        for way in [shape.forward(), shape.backward()] {
            let [across, down, _] = way.grid(Tile::of(way.rows, way.inner, gpu.is_software()).size(), 1 << 12);
            most_quads = most_quads.min((MAX_SIDE << 12) / across.max(1));
            if down > MAX_SIDE || way.rows.div_ceil(16) > MAX_SIDE {
                return Err(format!("a layer of {} channels does not fit", way.rows));
            }
        }
    }
    let most = layers.signals.iter().map(|signal| signal.iter().product::<usize>()).max().unwrap_or(1);
    // Gradients take at most as much again.
    let quads = (gpu.memory() / (8 * WORD * all_signals(layers))).min((largest / (4 * most)) as u64) as usize;
    match quads.min(most_quads) {
        0 => Err("four samples do not fit into its memory".to_owned()),
        _ if weights.iter().any(|&numbers| numbers > largest) => Err("its weights do not fit into one buffer".to_owned()),
        quads => Ok(4 * quads),
    }
}

/// Numbers of a sample in all signals.
fn all_signals(layers: &Layers) -> u64 {
    layers.signals.iter().map(|signal| signal.iter().product::<usize>() as u64).sum()
}

/// Whether an update of so many samples in so many passes can be computed; an error says why not.
pub(super) fn trains(program: &Program, samples: usize, passes: usize, gpu: &Gpu) -> Result<(), String> {
    let layers = &program.layers;
    together(layers, gpu)?;
    let quads = samples.div_ceil(4);
    let largest = (gpu.largest_buffer() / WORD) as usize;
    let most = (0..layers.signals.len()).map(|signal| 4 * quads * len(layers, signal)).max().unwrap_or(0);
    // Every pass keeps its signals, those before batch normalisation as well; gradients take as much again at most.
    let bytes = 8 * WORD * quads as u64 * all_signals(layers) * (passes as u64 + 1);
    if most > largest || bytes > UPDATE * gpu.memory() {
        return Err(format!("an update of {samples} samples takes up to {} MiB", bytes >> 20));
    }
    Ok(())
}

impl Engine {
    /// For a program, whose numbers are still to be written.
    pub(super) fn new(program: &Program, gpu: &Gpu) -> Self {
        let (layers, layout) = (program.layers.clone(), Layout::of(program));
        let mut begins = Vec::new();
        let mut lengths = [0, 0];
        for index in 0..layers.layers.len() {
            begins.push(lengths.map(|numbers| numbers / 4));
            if let Some(shape) = product(&layers, index) {
                lengths.iter_mut().zip(arranged(&shape)).for_each(|(sum, numbers)| *sum += numbers);
            }
        }
        let mut engine = Self {
            parameters: gpu.buffer(layout.numbers),
            statistics: gpu.buffer(2 * layout.norms),
            folded: gpu.buffer(2 * layout.norms),
            weights: lengths.map(|numbers| gpu.buffer(numbers)),
            begins,
            prepare: Vec::new(),
            prepare_to_train: Vec::new(),
            nothing: gpu.buffer(4),
            pools: Pools::default(),
            plans: Vec::new(),
            training: None,
            layers,
            layout,
        };
        let norms = engine.layout.norms;
        if norms > 0 {
            let [gamma, beta] = engine.layout.norm;
            let words = [norms as u32, gamma as u32, beta as u32, (EPSILON as f32).to_bits()];
            let buffers = [&engine.parameters, &engine.statistics, &engine.folded];
            engine.prepare.push(gpu.step(&Kernel::Fold.text(), &words, &buffers, grid(norms), norms));
        }
        engine.prepare.extend(engine.arrange(true, gpu));
        engine.prepare_to_train.extend(engine.arrange(false, gpu));
        engine
    }

    /// Whether it can hold the numbers of this program.
    pub(super) fn fits(&self, program: &Program) -> bool {
        self.layers == program.layers && self.layout == Layout::of(program)
    }

    /// Weights from `parameters` to `weights`; on the way back with the factors that follow, or without those of batch normalisation.
    fn arrange(&self, folded: bool, gpu: &Gpu) -> Option<Step> {
        let mut words = Vec::new();
        let (mut groups, mut parts, mut work) = (0, 0, 0);
        for (index, layer) in self.layers.layers.iter().enumerate() {
            let Some(shape) = product(&self.layers, index) else { continue };
            let (inputs, outputs, taps) = (shape.input[0], shape.output[0], shape.kernel * shape.kernel);
            for (back, numbers) in arranged(&shape).into_iter().enumerate() {
                let (scaled, scale) = match (self.layout.channels[index], layer) {
                    (Places::Norm(first), _) if folded && back == 1 => (1, first),
                    (Places::Fixed([scale, _]), Layer::Convolution { .. }) if back == 1 => (2, scale),
                    _ => (0, 0),
                };
                words.extend([groups, inputs, outputs, taps, self.layout.weights[index]]);
                words.extend(strides(layer, inputs, outputs, taps));
                words.extend([4 * self.begins[index][back], back, scaled, scale]);
                groups += numbers.div_ceil(256);
                work += numbers;
                parts += 1;
            }
        }
        if parts == 0 {
            return None;
        }
        let words: Vec<u32> = [parts, 0, 0, 0].into_iter().chain(words).map(|word| word as u32).collect();
        let buffers = [&self.parameters, &self.folded, &self.weights[0], &self.weights[1]];
        Some(gpu.step(&Kernel::Arrange(parts).text(), &words, &buffers, grid(256 * groups), work))
    }

    /// Takes over a program's numbers, and those of its running statistics; `None` where they are not on the GPU.
    pub(super) fn load(&self, program: &Program, gpu: &Gpu) -> Option<()> {
        let mut copies = Vec::new();
        for (index, tensors) in program.tensors().iter().enumerate() {
            if let Some(weight) = &tensors.weight {
                copies.push((OnGpu::of(weight.numbers.clone())?, &self.parameters, self.layout.weights[index]));
            }
            match (&tensors.channels, self.layout.channels[index]) {
                (Channels::Bias(bias), Places::Bias(place)) => {
                    copies.push((OnGpu::of(bias.numbers.clone())?, &self.parameters, place));
                }
                (Channels::Fixed(numbers), Places::Fixed(places)) => {
                    for (numbers, place) in numbers.iter().zip(places) {
                        copies.push((OnGpu::of(numbers.clone())?, &self.parameters, place));
                    }
                }
                (Channels::Norm(norm), Places::Norm(first)) => {
                    for (learned, begin) in norm.learned.iter().zip(self.layout.norm) {
                        copies.push((OnGpu::of(learned.numbers.clone())?, &self.parameters, begin + first));
                    }
                    for (running, begin) in norm.running.iter().zip([0, self.layout.norms]) {
                        copies.push((OnGpu::of(running.clone())?, &self.statistics, begin + first));
                    }
                }
                _ => {}
            }
        }
        gpu.copy_from(&copies)
    }

    /// The plan for so many samples, made at its first use.
    pub(super) fn plan(&mut self, samples: usize, gpu: &Gpu) -> &mut Plan {
        let plan = match self.plans.iter().position(|plan| plan.samples == samples) {
            Some(index) => self.plans.remove(index),
            None => {
                // Room before the new one takes its own.
                if self.plans.len() == PLANS {
                    self.plans.remove(0);
                    self.pools.clear();
                }
                let pools = std::mem::take(&mut self.pools);
                let (plan, pools) = Planner::new(self, samples, pools, None, gpu).plan();
                self.pools = pools;
                plan
            }
        };
        self.plans.push(plan);
        let last = self.plans.len() - 1;
        &mut self.plans[last]
    }

    /// The plan that was used last.
    pub(super) fn last_plan(&self) -> Option<&Plan> {
        self.plans.last()
    }

    /// Makes room for updates, once.
    pub(super) fn train(&mut self, gpu: &Gpu) {
        if self.training.is_none() {
            let numbers = self.layout.trained;
            let gradients = [0, 1].map(|_| gpu.buffer(numbers));
            let words = [numbers as u32, 1, 0, 1];
            let sum = gpu.step(&Kernel::Sum.text(), &words, &[&gradients[0], &gradients[1]], grid(numbers), numbers);
            self.training = Some(Training { gradients, sum, plans: Vec::new() });
        }
    }

    /// The plan of an update's pass for so many samples, made at its first use. Passes of different places keep what they need side by
    /// side.
    pub(super) fn plan_to_train(&mut self, place: usize, samples: usize, gpu: &Gpu) {
        let Some(training) = &mut self.training else { return };
        let known = training.plans.iter().position(|(other, plan)| *other == place && plan.samples == samples);
        if let Some(index) = known {
            let plan = training.plans.remove(index);
            training.plans.push(plan);
            return;
        }
        let of_place: Vec<usize> = (0..training.plans.len()).filter(|&index| training.plans[index].0 == place).collect();
        if let (Some(&oldest), true) = (of_place.first(), of_place.len() >= PLANS) {
            training.plans.remove(oldest);
            self.pools.clear();
        }
        let Some(update) = self.training.as_ref().map(|training| Update::new(place, self, training, gpu)) else { return };
        let pools = std::mem::take(&mut self.pools);
        let (plan, pools) = Planner::new(self, samples, pools, Some(update), gpu).plan();
        self.pools = pools;
        if let Some(training) = &mut self.training {
            training.plans.push((place, plan));
        }
    }

    /// The plan that was used last for the update's pass of this place.
    pub(super) fn training_plan(&self, place: usize) -> Option<&Plan> {
        let training = self.training.as_ref()?;
        training.plans.iter().rev().find(|(other, _)| *other == place).map(|(_, plan)| plan)
    }
}
