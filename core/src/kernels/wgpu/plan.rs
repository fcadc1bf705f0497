//! The buffers and dispatches of a network for a number of samples.

use std::sync::Arc;

use wgpu::Buffer;

use super::{
    attack::Row,
    convolution::After,
    engine::{Engine, len, product},
    gpu::{Gpu, Step, grid},
    layout::Places,
    text::Kernel,
    tile::Tile,
    update::Update,
};
use crate::model::{Layer, Layers};

/// What follows a sum, as in `shaders/network/finish.wgsl`.
pub(super) mod flags {
    pub(in super::super) const SCALE: u32 = 1;
    pub(in super::super) const SHIFT: u32 = 2;
    pub(in super::super) const ADD: u32 = 4;
    pub(in super::super) const RELU: u32 = 8;
    pub(in super::super) const MASK: u32 = 16;

    /// The flag where it holds.
    pub(in super::super) fn of(flag: u32, holds: bool) -> u32 {
        if holds { flag } else { 0 }
    }
}

/// Buffers with their lengths that plans share; a buffer is free if only this list holds it.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// Of passes that answer, one of which is computed at a time. Between them an update may keep something there.
    answers: Vec<(usize, Arc<Buffer>)>,
    /// What the passes of an update hand from a dispatch to a later one. Nothing is kept there, because the way back of one pass comes
    /// between the two ways of another.
    updates: Vec<(usize, Arc<Buffer>)>,
}

impl Pools {
    /// Keeps only the buffers that a plan holds.
    pub(super) fn clear(&mut self) {
        for pool in [&mut self.answers, &mut self.updates] {
            pool.retain(|(_, buffer)| Arc::strong_count(buffer) > 1);
        }
    }
}

/// A buffer of this length from a pool.
fn take(pool: &mut Vec<(usize, Arc<Buffer>)>, numbers: usize, gpu: &Gpu) -> Arc<Buffer> {
    let free = pool.iter().find(|(len, buffer)| *len == numbers && Arc::strong_count(buffer) == 1);
    if let Some((_, buffer)) = free {
        return buffer.clone();
    }
    let buffer = Arc::new(gpu.buffer(numbers));
    pool.push((numbers, buffer.clone()));
    buffer
}

/// Buffers and dispatches for a number of samples.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) samples: usize,
    /// N x D, and the gradient there.
    pub(super) images: [Buffer; 2],
    /// N x C, and the gradient there.
    pub(super) logits: [Buffer; 2],
    /// The first one turns rows of samples to quads, the last one quads of logits to rows.
    pub(super) forward: Vec<Step>,
    /// The first one turns rows to quads; where there is a gradient at the samples, the last one quads of it to rows.
    pub(super) backward: Vec<Step>,
    /// The samples and the gradient there in quads, and what turns the samples to rows, where the gradient goes.
    pub(super) iterate: Buffer,
    pub(super) gradient: Option<Buffer>,
    pub(super) to_rows: Vec<Step>,
    /// Attacks on so many samples.
    pub(super) row: Option<Row>,
    /// What other plans have to leave alone between forwards and back.
    _kept: Vec<Arc<Buffer>>,
}

/// Whether what makes the signal ends with ReLU.
fn is_clipped(layers: &Layers, signal: usize) -> bool {
    signal > 0
        && match layers.layers[signal - 1] {
            Layer::Linear { relu, .. } | Layer::Convolution { relu, .. } | Layer::Scale { relu, .. } => relu,
            Layer::MaxPool { .. } | Layer::Mean { .. } => false,
        }
}

/// What makes a plan.
pub(super) struct Planner<'a> {
    pub(super) engine: &'a Engine,
    pub(super) gpu: &'a Gpu,
    pub(super) samples: usize,
    /// Quads of samples.
    pub(super) quads: usize,
    /// Every signal.
    pub(super) signals: Vec<Arc<Buffer>>,
    pools: Pools,
    steps: Vec<Step>,
    /// What an update needs besides.
    pub(super) update: Option<Update>,
}

/// The gradients at the signals, while the way back is written down.
struct Sums {
    /// What has come together so far.
    sums: Vec<Option<Arc<Buffer>>>,
    /// How many more layers give something.
    to_come: Vec<usize>,
}

/// Where the gradient at a signal goes.
struct Target {
    buffer: Arc<Buffer>,
    before: Option<Arc<Buffer>>,
    flags: u32,
}

impl<'a> Planner<'a> {
    pub(super) fn new(engine: &'a Engine, samples: usize, pools: Pools, update: Option<Update>, gpu: &'a Gpu) -> Self {
        let quads = samples.div_ceil(4);
        let mut planner = Self { engine, gpu, samples, quads, signals: Vec::new(), pools, steps: Vec::new(), update };
        for signal in 0..engine.layers.signals.len() {
            let buffer = planner.keep(planner.numbers(signal));
            planner.signals.push(buffer);
        }
        planner
    }

    /// To the logits, and back from their gradient: to the samples, or in an update to the parameters.
    pub(super) fn plan(mut self) -> (Plan, Pools) {
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
        let gradient = self.backward(gradient);
        let gradient = gradient.filter(|_| self.update.is_none());
        if let Some(gradient) = &gradient {
            self.out_of_quads(gradient, &images[1], inputs);
        }
        let backward = std::mem::take(&mut self.steps);
        let gradient = gradient.map(|gradient| Buffer::clone(&gradient));
        let iterate = Buffer::clone(&first);
        if gradient.is_some() {
            self.out_of_quads(&iterate, &images[1], inputs);
        }
        let to_rows = std::mem::take(&mut self.steps);
        drop(first);
        let mut kept = Vec::new();
        if let Some(update) = self.update {
            kept.extend(self.signals);
            kept.extend(update.before.into_iter().flatten());
        }
        let samples = self.samples;
        let plan = Plan { samples, images, logits, forward, backward, iterate, gradient, to_rows, row: None, _kept: kept };
        (plan, self.pools)
    }

    pub(super) fn push(&mut self, text: &str, words: &[usize], buffers: &[&Buffer], grid: [usize; 3], work: usize) {
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

    /// Numbers of a signal.
    pub(super) fn numbers(&self, signal: usize) -> usize {
        4 * self.quads_of(signal)
    }

    /// What follows a layer's sum per channel, and the buffer with the factors and addends. Batch normalisation in training mode is
    /// no part of it.
    fn after(&self, index: usize) -> (After, &'a Buffer) {
        let engine = self.engine;
        let (scale, shift, flags, buffer) = match engine.layout.channels[index] {
            Places::Norm(_) if self.update.is_some() => (0, 0, 0, &engine.parameters),
            Places::None => (0, 0, 0, &engine.parameters),
            Places::Bias(shift) => (0, shift, flags::SHIFT, &engine.parameters),
            Places::Fixed([scale, shift]) => (scale, shift, flags::SCALE | flags::SHIFT, &engine.parameters),
            Places::Norm(first) => (first, engine.layout.norms + first, flags::SCALE | flags::SHIFT, &engine.folded),
        };
        (After { scale, shift, flags }, buffer)
    }

    fn forward(&mut self, index: usize) {
        let engine = self.engine;
        let out = self.signals[index + 1].clone();
        let (mut after, channels) = self.after(index);
        let trains = self.trains_norm(index);
        match engine.layers.layers[index] {
            Layer::Linear { from, relu, .. } => {
                after.flags |= flags::of(flags::RELU, relu);
                let x = self.signals[from].clone();
                self.product(index, 0, &x, &out, after, [None, None]);
            }
            Layer::Convolution { from, add, relu, .. } => {
                let x = self.signals[from].clone();
                let add = add.map(|signal| self.signals[signal].clone());
                let rest = flags::of(flags::ADD, add.is_some()) | flags::of(flags::RELU, relu);
                if trains {
                    let raw = self.before_norm(index);
                    self.product(index, 0, &x, &raw, after, [None, None]);
                    self.norm(index, &raw, add.as_deref(), rest, &out);
                } else {
                    after.flags |= rest;
                    self.product(index, 0, &x, &out, after, [add.as_deref(), None]);
                }
            }
            Layer::Scale { from, relu, .. } => {
                let x = self.signals[from].clone();
                if trains {
                    self.norm(index, &x, None, flags::of(flags::RELU, relu), &out);
                } else {
                    let words = self.each(from, after.scale, after.shift, flags::of(flags::RELU, relu));
                    let count = self.quads_of(from);
                    self.push(&Kernel::Scale.text(), &words, &[&x, channels, &out], grid(count), 4 * count);
                }
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
        let (_, channels) = self.after(index);
        let buffers = [x, &engine.weights[back], out, channels, add.unwrap_or(nothing), mask.unwrap_or(nothing)];
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

    /// A buffer for what is needed until the way back is over.
    pub(super) fn keep(&mut self, numbers: usize) -> Arc<Buffer> {
        match &self.update {
            None | Some(Update { place: 0, .. }) => take(&mut self.pools.answers, numbers, self.gpu),
            Some(_) => Arc::new(self.gpu.buffer(numbers)),
        }
    }

    /// A buffer for what is handed on within one way.
    pub(super) fn take(&mut self, numbers: usize) -> Arc<Buffer> {
        let pool = if self.update.is_some() { &mut self.pools.updates } else { &mut self.pools.answers };
        take(pool, numbers, self.gpu)
    }

    /// From the gradient at the logits to that at the samples; `None` where the logits do not depend on them.
    fn backward(&mut self, gradient: Arc<Buffer>) -> Option<Arc<Buffer>> {
        let engine = self.engine;
        let layers = &engine.layers;
        let last = layers.layers.len();
        let update = self.update.is_some();
        let needed = self.needed();
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
            let Some(mut gradient) = sums.sums[index + 1].take() else { continue };
            if let Some(add) = add.filter(|&add| needed[add]) {
                self.hand_on(&mut sums, add, gradient.clone());
            }
            if let (true, Layer::Convolution { .. }) = (self.trains_norm(index), layer) {
                gradient = self.before_norm_back(index, &gradient);
            }
            if update {
                self.gradient_of_weights(index, from, &gradient);
            }
            // Batch normalisation that stands alone gives the gradients of its parameters on the way back.
            if !(needed[from] || self.trains_norm(index) && matches!(layer, Layer::Scale { .. })) {
                continue;
            }
            let target = self.target(&mut sums, from);
            let source = self.signals[from].clone();
            match *layer {
                Layer::Linear { .. } | Layer::Convolution { .. } => {
                    let after = After { scale: 0, shift: 0, flags: target.flags };
                    self.product(index, 1, &gradient, &target.buffer, after, [target.before.as_deref(), Some(&source)]);
                }
                Layer::Scale { .. } if self.trains_norm(index) => {
                    let before = target.before.as_deref();
                    self.norm_back(index, &source, &gradient, before, target.flags, &target.buffer);
                }
                Layer::Scale { .. } => {
                    let (after, channels) = self.after(index);
                    let words = self.each(from, after.scale, 0, target.flags | flags::SCALE);
                    self.back(Kernel::ScaleBack, from, &words, (&gradient, channels), &target);
                }
                Layer::MaxPool { .. } => {
                    let words = self.each(from, 0, 0, target.flags);
                    self.back(Kernel::MaxPoolBack, from, &words, (&gradient, &engine.parameters), &target);
                }
                Layer::Mean { .. } => {
                    let words = self.each(from, 0, 0, target.flags);
                    self.back(Kernel::MeanBack, from, &words, (&gradient, &engine.parameters), &target);
                }
            }
            sums.sums[from] = Some(target.buffer);
        }
        sums.sums[0].take()
    }

    /// Whether the gradient at a signal is asked for: in an update where something that is trained comes before.
    fn needed(&self) -> Vec<bool> {
        let engine = self.engine;
        let mut needed = vec![self.update.is_none()];
        for (index, layer) in engine.layers.layers.iter().enumerate() {
            let (from, add) = reads(layer);
            let learns = product(&engine.layers, index).is_some() || self.trains_norm(index);
            needed.push(learns || needed[from] || add.is_some_and(|add| needed[add]));
        }
        needed
    }

    /// Where the next share of the gradient at a signal goes, and what is done to it on the way.
    fn target(&mut self, sums: &mut Sums, signal: usize) -> Target {
        sums.to_come[signal] -= 1;
        let before = sums.sums[signal].take();
        let clips = sums.to_come[signal] == 0 && is_clipped(&self.engine.layers, signal);
        let flags = flags::of(flags::ADD, before.is_some()) | flags::of(flags::MASK, clips);
        Target { buffer: self.take(self.numbers(signal)), before, flags }
    }

    /// Adds a whole gradient to that at a signal: where there is nothing to compute, it is the gradient there.
    fn hand_on(&mut self, sums: &mut Sums, signal: usize, gradient: Arc<Buffer>) {
        let clips = sums.to_come[signal] == 1 && is_clipped(&self.engine.layers, signal);
        if sums.sums[signal].is_none() && !clips {
            sums.to_come[signal] -= 1;
            sums.sums[signal] = Some(gradient);
            return;
        }
        let target = self.target(sums, signal);
        let words = self.each(signal, 0, 0, target.flags);
        self.back(Kernel::ScaleBack, signal, &words, (&gradient, &self.engine.parameters), &target);
        sums.sums[signal] = Some(target.buffer);
    }

    fn back(
        &mut self,
        kernel: Kernel,
        signal: usize,
        words: &[usize; 8],
        (gradient, channels): (&Buffer, &Buffer),
        target: &Target,
    ) {
        let engine = self.engine;
        let source = self.signals[signal].clone();
        let before = target.before.as_deref().unwrap_or(&engine.nothing);
        let mut buffers = vec![&source, gradient, before, &*target.buffer];
        if kernel == Kernel::ScaleBack {
            buffers.push(channels);
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
