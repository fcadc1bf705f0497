//! A network's weights on a GPU, and for a number of samples its buffers and dispatches.

use std::rc::Rc;

use wgpu::Buffer;

use super::{
    convolution::{After, Shape},
    gpu::{Gpu, MAX_SIDE, Step, WORD},
    text::Kernel,
    tile::Tile,
};
use crate::model::{Layer, Layers};

/// What follows a sum, as in `shaders/network/finish.wgsl`.
mod flags {
    pub(super) const SCALE: u32 = 1;
    pub(super) const SHIFT: u32 = 2;
    pub(super) const ADD: u32 = 4;
    pub(super) const RELU: u32 = 8;
    pub(super) const MASK: u32 = 16;

    /// The flag where it holds.
    pub(super) fn of(flag: u32, holds: bool) -> u32 {
        if holds { flag } else { 0 }
    }
}

/// Plans that are kept: of the whole batch, of the last one of an epoch, and of a test set.
const PLANS: usize = 4;

/// A network on a GPU.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) layers: Layers,
    /// The numbers as [`Program::parameters`](crate::model::Program::parameters) packs them.
    pub(super) parameters: Buffer,
    /// The weights in the order in which the products read them: forwards and back.
    weights: [Buffer; 2],
    /// Where each layer's begin, in quads: forwards and back.
    begins: Vec<[usize; 2]>,
    /// Weights from `parameters` to `weights`.
    pub(super) arrange: Vec<Step>,
    /// Stands where a kernel has nothing to read.
    nothing: Buffer,
    /// The last ones that were used, the newest at the end.
    plans: Vec<Plan>,
}

/// Buffers and dispatches for a number of samples.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) samples: usize,
    /// N x D, and the gradient there.
    pub(super) images: [Buffer; 2],
    /// N x C, and the gradient there.
    pub(super) logits: [Buffer; 2],
    pub(super) forward: Vec<Step>,
    pub(super) backward: Vec<Step>,
}

/// The product of a layer as a convolution: a linear layer is one of a single pixel.
fn product(layers: &Layers, index: usize) -> Option<Shape> {
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
fn len(layers: &Layers, signal: usize) -> usize {
    layers.signals[signal].iter().product()
}

/// Whether what makes the signal ends with ReLU.
fn is_clipped(layers: &Layers, signal: usize) -> bool {
    signal > 0
        && match layers.layers[signal - 1] {
            Layer::Linear { relu, .. } | Layer::Convolution { relu, .. } | Layer::Scale { relu, .. } => relu,
            Layer::MaxPool { .. } | Layer::Mean { .. } => false,
        }
}

/// Workgroups of 256 for so many invocations, in a grid.
fn grid(invocations: usize) -> [usize; 3] {
    let groups = invocations.div_ceil(256).max(1);
    let rows = groups.div_ceil(MAX_SIDE);
    [groups.div_ceil(rows), rows, 1]
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
    let all: usize = layers.signals.iter().map(|signal| signal.iter().product::<usize>()).sum();
    // Gradients take at most as much again.
    let quads = (gpu.memory() / (8 * WORD * all as u64)).min((largest / (4 * most)) as u64) as usize;
    match quads.min(most_quads) {
        0 => Err("four samples do not fit into its memory".to_owned()),
        _ if weights.iter().any(|&numbers| numbers > largest) => Err("its weights do not fit into one buffer".to_owned()),
        quads => Ok(4 * quads),
    }
}

impl Engine {
    /// For so many parameters, which are still to be written.
    pub(super) fn new(layers: &Layers, parameters: usize, gpu: &Gpu) -> Self {
        let mut begins = Vec::new();
        let mut lengths = [0, 0];
        for index in 0..layers.layers.len() {
            begins.push(lengths.map(|numbers| numbers / 4));
            if let Some(shape) = product(layers, index) {
                lengths.iter_mut().zip(arranged(&shape)).for_each(|(sum, numbers)| *sum += numbers);
            }
        }
        let mut engine = Self {
            layers: layers.clone(),
            parameters: gpu.buffer(parameters),
            weights: lengths.map(|numbers| gpu.buffer(numbers)),
            begins,
            arrange: Vec::new(),
            nothing: gpu.buffer(4),
            plans: Vec::new(),
        };
        engine.arrange = engine.arrangement(gpu);
        engine
    }

    fn arrangement(&self, gpu: &Gpu) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, layer) in self.layers.layers.iter().enumerate() {
            let Some(shape) = product(&self.layers, index) else { continue };
            let (inputs, outputs, taps) = (shape.input[0], shape.output[0], shape.kernel * shape.kernel);
            let (begin, strides, scale) = match *layer {
                Layer::Linear { weight, .. } => (weight, [outputs.next_multiple_of(Layers::SLOT), 1, 0], None),
                Layer::Convolution { weight, scale, .. } => (weight, [taps, inputs * taps, 1], scale),
                Layer::Scale { .. } | Layer::MaxPool { .. } | Layer::Mean { .. } => continue,
            };
            for (back, numbers) in arranged(&shape).into_iter().enumerate() {
                let scale = scale.filter(|_| back == 1);
                let mut words = vec![inputs, outputs, taps, begin];
                words.extend(strides);
                words.extend([4 * self.begins[index][back], back, scale.unwrap_or(0), usize::from(scale.is_some()), 0]);
                let words: Vec<u32> = words.iter().map(|&word| word as u32).collect();
                let buffers = [&self.parameters, &self.weights[back]];
                steps.push(gpu.step(&Kernel::Arrange.text(), &words, &buffers, grid(numbers), numbers));
            }
        }
        steps
    }

    /// The plan for so many samples, made at its first use.
    pub(super) fn plan(&mut self, samples: usize, gpu: &Gpu) -> &Plan {
        let plan = match self.plans.iter().position(|plan| plan.samples == samples) {
            Some(index) => self.plans.remove(index),
            None => {
                // Room before the new one takes its own.
                self.plans.drain(..(self.plans.len() + 1).saturating_sub(PLANS));
                Planner::new(self, samples, gpu).plan()
            }
        };
        self.plans.push(plan);
        &self.plans[self.plans.len() - 1]
    }

    /// The plan that was used last.
    pub(super) fn last_plan(&self) -> Option<&Plan> {
        self.plans.last()
    }
}

/// What makes a plan.
struct Planner<'a> {
    engine: &'a Engine,
    gpu: &'a Gpu,
    samples: usize,
    /// Quads of samples.
    quads: usize,
    /// Every signal.
    signals: Vec<Buffer>,
    /// Buffers for gradients with their lengths; those that nobody else holds are free.
    pool: Vec<(usize, Rc<Buffer>)>,
    steps: Vec<Step>,
}

/// The gradients at the signals, while the way back is written down.
struct Sums {
    /// What has come together so far.
    sums: Vec<Option<Rc<Buffer>>>,
    /// How many more layers give something.
    to_come: Vec<usize>,
}

/// Where the gradient at a signal goes.
struct Target {
    buffer: Rc<Buffer>,
    before: Option<Rc<Buffer>>,
    flags: u32,
}

impl<'a> Planner<'a> {
    fn new(engine: &'a Engine, samples: usize, gpu: &'a Gpu) -> Self {
        let quads = samples.div_ceil(4);
        let signals =
            engine.layers.signals.iter().map(|signal| gpu.buffer(4 * quads * signal.iter().product::<usize>())).collect();
        Self { engine, gpu, samples, quads, signals, pool: Vec::new(), steps: Vec::new() }
    }

    fn plan(mut self) -> Plan {
        let layers = &self.engine.layers;
        let (inputs, classes, last) = (layers.inputs(), layers.classes(), layers.layers.len());
        let both = |len: usize| [0, 1].map(|_| self.gpu.buffer(self.samples * len));
        let (images, logits) = (both(inputs), both(classes));
        let first = self.signals[0].clone();
        self.turn_to_quads(&images[0], &first, inputs);
        for index in 0..last {
            self.forward(index);
        }
        let end = self.signals[last].clone();
        self.out_of_quads(&end, &logits[0], classes);
        let forward = std::mem::take(&mut self.steps);

        let gradient = self.take(4 * self.quads * classes);
        self.turn_to_quads(&logits[1], &gradient, classes);
        if let Some(gradient) = self.backward(gradient) {
            self.out_of_quads(&gradient, &images[1], inputs);
        }
        Plan { samples: self.samples, images, logits, forward, backward: self.steps }
    }

    fn push(&mut self, text: &str, words: &[usize], buffers: &[&Buffer], grid: [usize; 3], work: usize) {
        let words: Vec<u32> = words.iter().map(|&word| word as u32).collect();
        self.steps.push(self.gpu.step(text, &words, buffers, grid, work));
    }

    /// Rows of samples to quads of samples.
    fn turn_to_quads(&mut self, rows: &Buffer, quads: &Buffer, width: usize) {
        let room = 4 * self.quads;
        self.transpose([self.samples, width, width, room, room], rows, quads);
    }

    /// Quads of samples to rows of samples.
    fn out_of_quads(&mut self, quads: &Buffer, rows: &Buffer, width: usize) {
        self.transpose([width, self.samples, 4 * self.quads, width, width], quads, rows);
    }

    fn transpose(&mut self, [rows, columns, from, to, room]: [usize; 5], source: &Buffer, target: &Buffer) {
        let tiles = [columns.div_ceil(16), room.div_ceil(16), 1];
        self.push(&Kernel::Transpose.text(), &[rows, columns, from, to, room, 0, 0, 0], &[source, target], tiles, rows * columns);
    }

    /// The settings of a kernel that is no product, on the signal that its layer reads.
    fn each(&self, signal: usize, scale: usize, shift: usize, flags: u32) -> [usize; 8] {
        let [channels, height, width] = self.engine.layers.signals[signal];
        [channels, height, width, self.quads, scale, shift, flags as usize, 0]
    }

    /// Invocations of an elementwise kernel over a signal.
    fn quads_of(&self, signal: usize) -> usize {
        self.quads * len(&self.engine.layers, signal)
    }

    fn forward(&mut self, index: usize) {
        let engine = self.engine;
        let out = self.signals[index + 1].clone();
        match engine.layers.layers[index] {
            Layer::Linear { from, bias, relu, .. } => {
                let flags = flags::SHIFT | flags::of(flags::RELU, relu);
                let x = self.signals[from].clone();
                self.product(index, 0, &x, &out, After { scale: 0, shift: bias, flags }, [None, None]);
            }
            Layer::Convolution { from, scale, shift, add, relu, .. } => {
                let flags = flags::of(flags::SCALE, scale.is_some())
                    | flags::of(flags::SHIFT, shift.is_some())
                    | flags::of(flags::ADD, add.is_some())
                    | flags::of(flags::RELU, relu);
                let after = After { scale: scale.unwrap_or(0), shift: shift.unwrap_or(0), flags };
                let x = self.signals[from].clone();
                let add = add.map(|signal| self.signals[signal].clone());
                self.product(index, 0, &x, &out, after, [add.as_ref(), None]);
            }
            Layer::Scale { from, scale, shift, relu } => {
                let words = self.each(from, scale, shift, flags::of(flags::RELU, relu));
                let x = self.signals[from].clone();
                let count = self.quads_of(from);
                self.push(&Kernel::Scale.text(), &words, &[&x, &engine.parameters, &out], grid(count), 4 * count);
            }
            Layer::MaxPool { from } => self.pooled(Kernel::MaxPool, from, index + 1, &out),
            Layer::Mean { from } => self.pooled(Kernel::Mean, from, index + 1, &out),
        }
    }

    fn pooled(&mut self, kernel: Kernel, from: usize, to: usize, out: &Buffer) {
        let words = self.each(from, 0, 0, 0);
        let x = self.signals[from].clone();
        self.push(&kernel.text(), &words, &[&x, out], grid(self.quads_of(to)), 4 * self.quads_of(from));
    }

    /// The product of a layer, forwards (0) or back (1).
    fn product(&mut self, index: usize, back: usize, x: &Buffer, out: &Buffer, after: After, [add, mask]: [Option<&Buffer>; 2]) {
        let engine = self.engine;
        let Some(shape) = product(&engine.layers, index) else { return };
        let way = if back == 0 { shape.forward() } else { shape.backward() };
        let nothing = &engine.nothing;
        let buffers = [x, &engine.weights[back], out, &engine.parameters, add.unwrap_or(nothing), mask.unwrap_or(nothing)];
        let begin = engine.begins[index][back];
        let work = 4 * self.quads * engine.layers.weights(index) * shape.output[1] * shape.output[2];
        if let Layer::Linear { .. } = engine.layers.layers[index] {
            let (rows, inner) = (way.rows, way.inner);
            let words = [rows, rows.div_ceil(4), inner, self.quads, begin, after.scale, after.shift, after.flags as usize];
            let tiles = [self.quads.div_ceil(4), rows.div_ceil(16), 1];
            self.push(&Kernel::Linear.text(), &words, &buffers, tiles, work);
        } else {
            let tile = Tile::of(way.rows, way.inner, self.gpu.is_software());
            let words = way.settings(self.quads, begin, after);
            let step = self.gpu.step(&tile.text(), &words, &buffers, way.grid(tile.size(), self.quads), work);
            self.steps.push(step);
        }
    }

    /// A buffer for a gradient.
    fn take(&mut self, numbers: usize) -> Rc<Buffer> {
        let free = self.pool.iter().find(|(len, buffer)| *len == numbers && Rc::strong_count(buffer) == 1);
        if let Some((_, buffer)) = free {
            return buffer.clone();
        }
        let buffer = Rc::new(self.gpu.buffer(numbers));
        self.pool.push((numbers, buffer.clone()));
        buffer
    }

    /// From the gradient at the logits to that at the samples; `None` where the logits do not depend on them.
    fn backward(&mut self, gradient: Rc<Buffer>) -> Option<Rc<Buffer>> {
        let engine = self.engine;
        let layers = &engine.layers;
        let last = layers.layers.len();
        let mut sums = Sums { sums: vec![None; last + 1], to_come: vec![0; last + 1] };
        // The gradient at the logits comes from outside.
        sums.to_come[last] = 1;
        // A layer on which nothing depends gives nothing.
        for (index, layer) in layers.layers.iter().enumerate().rev() {
            if sums.to_come[index + 1] == 0 {
                continue;
            }
            let (from, add) = reads(layer);
            sums.to_come[from] += 1;
            if let Some(add) = add {
                sums.to_come[add] += 1;
            }
        }
        self.hand_on(&mut sums, last, gradient);
        for (index, layer) in layers.layers.iter().enumerate().rev() {
            let (from, add) = reads(layer);
            let Some(gradient) = sums.sums[index + 1].take() else { continue };
            if let Some(add) = add {
                self.hand_on(&mut sums, add, gradient.clone());
            }
            let target = self.target(&mut sums, from);
            let source = self.signals[from].clone();
            match *layer {
                Layer::Linear { .. } | Layer::Convolution { .. } => {
                    let after = After { scale: 0, shift: 0, flags: target.flags };
                    self.product(index, 1, &gradient, &target.buffer, after, [target.before.as_deref(), Some(&source)]);
                }
                Layer::Scale { scale, .. } => {
                    let words = self.each(from, scale, 0, target.flags | flags::SCALE);
                    self.back(Kernel::ScaleBack, from, &words, &gradient, &target);
                }
                Layer::MaxPool { .. } => {
                    let words = self.each(from, 0, 0, target.flags);
                    self.back(Kernel::MaxPoolBack, from, &words, &gradient, &target);
                }
                Layer::Mean { .. } => {
                    let words = self.each(from, 0, 0, target.flags);
                    self.back(Kernel::MeanBack, from, &words, &gradient, &target);
                }
            }
            sums.sums[from] = Some(target.buffer);
        }
        sums.sums[0].take()
    }

    /// Where the next share of the gradient at a signal goes, and what is done to it on the way.
    fn target(&mut self, sums: &mut Sums, signal: usize) -> Target {
        sums.to_come[signal] -= 1;
        let before = sums.sums[signal].take();
        let clips = sums.to_come[signal] == 0 && is_clipped(&self.engine.layers, signal);
        let flags = flags::of(flags::ADD, before.is_some()) | flags::of(flags::MASK, clips);
        Target { buffer: self.take(4 * self.quads_of(signal)), before, flags }
    }

    /// Adds a whole gradient to that at a signal: where there is nothing to compute, it is the gradient there.
    fn hand_on(&mut self, sums: &mut Sums, signal: usize, gradient: Rc<Buffer>) {
        let clips = sums.to_come[signal] == 1 && is_clipped(&self.engine.layers, signal);
        if sums.sums[signal].is_none() && !clips {
            sums.to_come[signal] -= 1;
            sums.sums[signal] = Some(gradient);
            return;
        }
        let target = self.target(sums, signal);
        let words = self.each(signal, 0, 0, target.flags);
        self.back(Kernel::ScaleBack, signal, &words, &gradient, &target);
        sums.sums[signal] = Some(target.buffer);
    }

    fn back(&mut self, kernel: Kernel, signal: usize, words: &[usize; 8], gradient: &Buffer, target: &Target) {
        let engine = self.engine;
        let source = self.signals[signal].clone();
        let before = target.before.as_deref().unwrap_or(&engine.nothing);
        let mut buffers = vec![&source, gradient, before, &*target.buffer];
        if kernel == Kernel::ScaleBack {
            buffers.push(&engine.parameters);
        }
        let count = self.quads_of(signal);
        self.push(&kernel.text(), words, &buffers, grid(count), 4 * count);
    }
}

/// The signals that a layer reads: the one it computes with, and the one it adds.
fn reads(layer: &Layer) -> (usize, Option<usize>) {
    match *layer {
        Layer::Convolution { from, add, .. } => (from, add),
        Layer::Linear { from, .. } | Layer::Scale { from, .. } | Layer::MaxPool { from } | Layer::Mean { from } => (from, None),
    }
}
