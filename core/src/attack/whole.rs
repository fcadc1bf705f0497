//! The whole attack as one operation: its settings, its results and the CPU implementation, the twin of `shaders/perceptron/attack.wgsl`.
//! The CPU implementation accepts every network that is a [`Program`](crate::model::Program).

use std::sync::Arc;

use super::{
    loss_gradient_and_count::{CountSettings, FIRST_HIT, LossKind, RECORD, SampleLoss, sample_loss, sample_loss_for},
    pgd_step::{StepSettings, pgd_step},
};
use crate::{
    kernels::cpu::{InLanes, Tile, for_each_part, into_lanes, out_of_lanes, threads},
    model::Layers,
};

/// Numbers in a sample's records: after x⁰ and after x^(K-1).
pub const RECORDS: usize = 2 * RECORD;
/// Numbers before the position in a trajectory's point: its margin and its loss.
pub const POINT: usize = 2;

/// One whole attack.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeAttack {
    /// The network.
    pub layers: Arc<Layers>,
    /// The loss that the steps maximise.
    pub loss: LossKind,
    /// K, at least 1.
    pub steps: u32,
    /// τ of early-stopped PGD; only on the CPU, and not with KL or a trajectory.
    pub patience: Option<u32>,
    /// One step.
    pub step: StepSettings,
    /// Whether to keep the trajectory: margin, loss and position of x⁰ … x^(K).
    pub trace: bool,
}

impl WholeAttack {
    /// Numbers of a sample's trajectory; 0 where none is kept.
    pub(super) fn trajectory_len(&self) -> usize {
        if self.trace { (self.steps as usize + 1) * (POINT + self.layers.inputs()) } else { 0 }
    }

    fn count(&self, step: u32) -> CountSettings {
        CountSettings { kind: self.loss, step, never: self.steps }
    }
}

/// Multiplications of an attack on one sample: a pass forwards and one back with each of `steps`, and one for the reference of KL or
/// the end of a trajectory.
pub fn multiplications(layers: &Layers, steps: u32) -> u64 {
    (2 * u64::from(steps) + 1) * layers.multiplications() as u64
}

/// The result of a whole attack on N samples of D numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Attacked {
    /// x^(K): N x D.
    pub images: Vec<f32>,
    /// N x [`RECORDS`].
    pub records: Vec<f32>,
    /// N x (K + 1) x ([`POINT`] + D), or nothing.
    pub trajectory: Vec<f32>,
}

/// The attack on the CPU, a tile of samples at a time.
///
/// `natural` and `start` are N x D, `labels` N classes, `parameters` the network's numbers in the order of its layers. A label that
/// is no class is taken for the last one.
pub fn whole_attack(natural: &[f32], start: &[f32], labels: &[i32], parameters: &[f32], attack: &WholeAttack) -> Attacked {
    let (samples, inputs) = (labels.len(), attack.layers.inputs());
    let trajectory = attack.trajectory_len();
    let mut attacked = Attacked {
        images: vec![0.0; samples * inputs],
        records: vec![0.0; samples * RECORDS],
        trajectory: vec![0.0; samples * trajectory],
    };
    let network = InLanes::new(&attack.layers, parameters);
    let per_tile = network.samples_per_tile();
    let tiles = samples.div_ceil(per_tile);
    if let Some(patience) = attack.patience {
        early_stopped(&network, [natural, start], labels, &mut attacked, (attack, patience));
        return attacked;
    }
    let mut trajectories = attacked.trajectory.chunks_mut((per_tile * trajectory).max(1));
    let parts: Vec<Part<'_>> = (attacked.images.chunks_mut(per_tile * inputs))
        .zip(attacked.records.chunks_mut(per_tile * RECORDS))
        .zip(natural.chunks(per_tile * inputs).zip(start.chunks(per_tile * inputs)).zip(labels.chunks(per_tile)))
        .map(|((images, records), ((natural, start), labels))| {
            let trajectory = trajectories.next().unwrap_or(&mut []);
            Part { images, records, trajectory, natural, start, labels }
        })
        .collect();
    // Fewer tiles than threads: then several threads share the channels of one tile.
    let threads_of_tile = threads() / tiles.max(1);
    for_each_part(parts, || network.tile(threads_of_tile), |tile, _, part| part.run(&network, tile, attack));
    attacked
}

/// The early-stopped attack: a sample that has stopped leaves its lane to the next one, so that no pass is spent on samples that rest.
/// What becomes of a sample does not depend on its lane, nor on how the batch is shared out.
fn early_stopped(
    network: &InLanes,
    [natural, start]: [&[f32]; 2],
    labels: &[i32],
    attacked: &mut Attacked,
    (attack, patience): (&WholeAttack, u32),
) {
    let inputs = attack.layers.inputs();
    // A queue for each thread; what is left of a lane's time at the end of a queue is lost.
    let queues = threads().min(labels.len().div_ceil(network.samples_per_tile())).max(1);
    let each = labels.len().div_ceil(queues).max(1);
    let parts: Vec<Queue<'_>> = (attacked.images.chunks_mut(each * inputs))
        .zip(attacked.records.chunks_mut(each * RECORDS))
        .zip(natural.chunks(each * inputs).zip(start.chunks(each * inputs)).zip(labels.chunks(each)))
        .map(|((images, records), ((natural, start), labels))| Queue { images, records, natural, start, labels })
        .collect();
    // Fewer queues than threads: then several threads share the channels of one tile.
    let threads_of_tile = threads() / queues;
    for_each_part(parts, || network.tile(threads_of_tile), |tile, _, mut queue| queue.run(network, tile, (attack, patience)));
}

/// Samples that go through the lanes of one tile, one after the other.
struct Queue<'a> {
    images: &'a mut [f32],
    records: &'a mut [f32],
    natural: &'a [f32],
    start: &'a [f32],
    labels: &'a [i32],
}

#[derive(Clone, Copy)]
struct InLane {
    sample: usize,
    /// The index of its iterate.
    step: u32,
    /// How many checks may still find it misclassified.
    left: u32,
}

impl Queue<'_> {
    fn run(&mut self, network: &InLanes, tile: &mut Tile, (attack, patience): (&WholeAttack, u32)) {
        let (per_tile, inputs, classes) = (network.samples_per_tile(), attack.layers.inputs(), attack.layers.classes());
        for record in self.records.chunks_exact_mut(RECORD) {
            record[FIRST_HIT] = attack.steps as f32;
        }
        tile.samples().fill(0.0);
        let mut natural = vec![0.0; inputs * per_tile];
        let mut stepped = vec![0.0; inputs * per_tile];
        let (mut z, mut slope) = (vec![0.0; classes], vec![0.0; classes]);
        let mut lanes: Vec<Option<InLane>> = vec![None; per_tile];
        let mut next = 0;
        loop {
            for (lane, slot) in lanes.iter_mut().enumerate() {
                if slot.is_none() && next < self.labels.len() {
                    let row = next * inputs..(next + 1) * inputs;
                    column(&self.start[row.clone()], tile.samples(), lane);
                    column(&self.natural[row], &mut natural, lane);
                    *slot = Some(InLane { sample: next, step: 0, left: patience });
                    next += 1;
                }
            }
            if lanes.iter().all(Option::is_none) {
                return;
            }
            network.forward(tile);
            let (logits, gradient) = tile.logits_and_gradient();
            gradient.fill(0.0);
            let mut stopped = Vec::new();
            for (lane, slot) in lanes.iter_mut().enumerate() {
                let Some(in_lane) = slot else { continue };
                z.iter_mut().enumerate().for_each(|(class, z)| *z = logits[class * per_tile + lane]);
                let label = usize::try_from(self.labels[in_lane.sample]).unwrap_or(usize::MAX).min(classes - 1);
                let said = sample_loss(&z, label, &[], &mut slope, attack.loss);
                let records = &mut self.records[in_lane.sample * RECORDS..(in_lane.sample + 1) * RECORDS];
                let (at_start, on_path) = records.split_at_mut(RECORD);
                said.count(on_path, attack.count(in_lane.step));
                if in_lane.step == 0 {
                    at_start.copy_from_slice(on_path);
                }
                if !said.correct {
                    if in_lane.left == 0 {
                        stopped.push(lane);
                        continue;
                    }
                    in_lane.left -= 1;
                }
                slope.iter().enumerate().for_each(|(class, slope)| gradient[class * per_tile + lane] = *slope);
                in_lane.step += 1;
            }
            for lane in stopped {
                self.finish(tile.samples(), lane, &mut lanes, inputs);
            }
            if lanes.iter().all(Option::is_none) {
                continue;
            }
            network.backward(tile);
            let (iterate, gradient) = tile.samples_and_gradient();
            pgd_step(iterate, &natural, gradient, &mut stepped, attack.step);
            iterate.copy_from_slice(&stepped);
            for lane in 0..per_tile {
                if lanes[lane].is_some_and(|in_lane| in_lane.step == attack.steps) {
                    self.finish(tile.samples(), lane, &mut lanes, inputs);
                }
            }
        }
    }

    /// Takes the sample out of its lane.
    fn finish(&mut self, samples: &[f32], lane: usize, lanes: &mut [Option<InLane>], inputs: usize) {
        let per_tile = lanes.len();
        if let Some(in_lane) = lanes[lane].take() {
            let row = &mut self.images[in_lane.sample * inputs..(in_lane.sample + 1) * inputs];
            row.iter_mut().enumerate().for_each(|(index, number)| *number = samples[index * per_tile + lane]);
        }
    }
}

/// Writes a sample into its lane.
fn column(row: &[f32], lanes: &mut [f32], lane: usize) {
    let per_tile = lanes.len() / row.len();
    row.iter().enumerate().for_each(|(index, &number)| lanes[index * per_tile + lane] = number);
}

/// The samples of one tile.
struct Part<'a> {
    images: &'a mut [f32],
    records: &'a mut [f32],
    trajectory: &'a mut [f32],
    natural: &'a [f32],
    start: &'a [f32],
    labels: &'a [i32],
}

impl Part<'_> {
    fn run(mut self, network: &InLanes, tile: &mut Tile, attack: &WholeAttack) {
        let per_tile = network.samples_per_tile();
        let inputs = attack.layers.inputs();
        let mut natural = vec![0.0; inputs * per_tile];
        into_lanes(self.natural, &mut natural, inputs);
        let mut reference = Vec::new();
        if attack.loss == LossKind::Kl {
            tile.samples().copy_from_slice(&natural);
            network.forward(tile);
            reference.extend_from_slice(tile.logits());
        }
        for record in self.records.chunks_exact_mut(RECORD) {
            record[FIRST_HIT] = attack.steps as f32;
        }
        tile.samples().fill(0.0);
        into_lanes(self.start, tile.samples(), inputs);
        let mut stepped = vec![0.0; inputs * per_tile];
        for step in 0..attack.steps {
            network.forward(tile);
            self.measure(tile, &reference, attack, step);
            network.backward(tile);
            let (iterate, gradient) = tile.samples_and_gradient();
            pgd_step(iterate, &natural, gradient, &mut stepped, attack.step);
            iterate.copy_from_slice(&stepped);
        }
        out_of_lanes(tile.samples(), self.images, inputs);
        if attack.trace {
            network.forward(tile);
            self.measure(tile, &reference, attack, attack.steps);
        }
    }

    /// Judges the iterate of this step, of which the tile holds the logits, and leaves the gradient of the logits there.
    fn measure(&mut self, tile: &mut Tile, reference: &[f32], attack: &WholeAttack, step: u32) {
        let classes = attack.layers.classes();
        let (logits, gradient) = tile.logits_and_gradient();
        let per_tile = logits.len() / classes;
        let mut of_sample = vec![0.0; 3 * classes];
        let (own_logits, rest) = of_sample.split_at_mut(classes);
        let (own_reference, own_gradient) = rest.split_at_mut(classes);
        let mut measured = Vec::with_capacity(if attack.trace { self.labels.len() } else { 0 });
        // The next step's loss takes the place of this one's.
        let kept = attack.trace || step == 0 || step + 1 >= attack.steps;
        let sample_loss = if kept { sample_loss } else { sample_loss_for::<false> };
        for (sample, &label) in self.labels.iter().enumerate() {
            for (class, logit) in own_logits.iter_mut().enumerate() {
                *logit = logits[class * per_tile + sample];
            }
            for (class, number) in own_reference.iter_mut().enumerate().take(reference.len()) {
                *number = reference[class * per_tile + sample];
            }
            let label = usize::try_from(label).unwrap_or(usize::MAX).min(classes - 1);
            let said = sample_loss(own_logits, label, own_reference, own_gradient, attack.loss);
            for (class, &slope) in own_gradient.iter().enumerate() {
                gradient[class * per_tile + sample] = slope;
            }
            if step < attack.steps {
                let (at_start, on_path) = self.records[sample * RECORDS..(sample + 1) * RECORDS].split_at_mut(RECORD);
                said.count(on_path, attack.count(step));
                if step == 0 {
                    at_start.copy_from_slice(on_path);
                }
            }
            if attack.trace {
                measured.push(said);
            }
        }
        if attack.trace {
            self.keep(tile.samples(), &measured, attack, step);
        }
    }

    /// Writes this step's point of every trajectory.
    fn keep(&mut self, iterates: &[f32], measured: &[SampleLoss], attack: &WholeAttack, step: u32) {
        let inputs = attack.layers.inputs();
        let per_tile = iterates.len() / inputs;
        let trajectories = self.trajectory.chunks_exact_mut(attack.trajectory_len());
        for (sample, (trajectory, measured)) in trajectories.zip(measured).enumerate() {
            let point = &mut trajectory[step as usize * (POINT + inputs)..][..POINT + inputs];
            point[0] = measured.margin;
            point[1] = measured.loss;
            for (number, index) in point[POINT..].iter_mut().zip(0..) {
                *number = iterates[index * per_tile + sample];
            }
        }
    }
}
