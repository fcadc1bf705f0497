//! An attack as a row of passes on a GPU that nothing comes between: positions stay as the passes read them, and loss, count and step are
//! `shaders/loss_gradient_and_count.wgsl` and `shaders/pgd_step.wgsl`.

use burn::tensor::{Int, Tensor};
use wgpu::Buffer;

use super::{
    gpu::{Gpu, Step},
    passes::Passes,
    plan::Plan,
    tensors::OnGpu,
};
use crate::attack::{LossKind, RECORD, StepSettings};

/// What an attack climbs, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Climb {
    pub(crate) loss: LossKind,
    pub(crate) steps: u32,
    pub(crate) step: StepSettings,
}

/// Buffers and dispatches of attacks on so many samples.
#[derive(Debug)]
pub(super) struct Row {
    climb: Climb,
    /// N classes.
    labels: Buffer,
    /// The records before a count.
    before: Buffer,
    /// The records after x^0.
    at_start: Buffer,
    /// From natural samples to `natural`, and for KL to `reference`.
    begin: Vec<Step>,
    /// All steps, from the starts to x^(K).
    steps: Vec<Step>,
}

impl Passes {
    /// x^(K) of at most [`Self::together`] samples (N x D), and the records after x^0 and after x^(K-1) (N x 4 each). `None` where the
    /// logits do not depend on the samples, or where the tensors are elsewhere.
    pub(crate) fn attack(
        &mut self,
        [natural, start]: [&Tensor<2>; 2],
        labels: &Tensor<1, Int>,
        climb: Climb,
    ) -> Option<[Tensor<2>; 3]> {
        let [samples, inputs] = natural.dims();
        let gpu = self.gpu.clone();
        let classes = self.classes();
        let plan = self.engine.plan(samples, &gpu);
        if plan.row.as_ref().is_none_or(|row| row.climb != climb) {
            plan.row = Some(Row::new(plan, climb, [inputs, classes], &gpu)?);
        }
        let row = plan.row.as_ref()?;
        let device = natural.device();
        let targets = [inputs, RECORD, RECORD].map(|columns| Tensor::<2>::empty([samples, columns], &device));
        gpu.copy_from(&[
            (OnGpu::of(natural.clone())?, &plan.images[0], 0),
            (OnGpu::of_classes(labels.clone())?, &row.labels, 0),
        ])?;
        gpu.run(&row.begin);
        let records: Vec<f32> = (0..samples).flat_map(|_| [0.0, 0.0, 0.0, climb.steps as f32]).collect();
        gpu.write(&row.before, &records);
        gpu.copy_from(&[(OnGpu::of(start.clone())?, &plan.images[0], 0)])?;
        gpu.run(&row.steps);
        let sources = [&plan.images[1], &row.at_start, &row.before];
        let mut copies = Vec::new();
        for (target, source) in targets.iter().zip(sources) {
            copies.push((OnGpu::of(target.clone())?, source, 0));
        }
        gpu.copy_to(&copies)?;
        Some(targets)
    }
}

impl Row {
    fn new(plan: &Plan, climb: Climb, [inputs, classes]: [usize; 2], gpu: &Gpu) -> Option<Self> {
        let samples = plan.samples;
        let (iterate, gradient) = (&plan.iterate, plan.gradient.as_ref()?);
        let pixels = 4 * samples.div_ceil(4) * inputs;
        let [natural, stepped] = [(); 2].map(|()| gpu.buffer(pixels));
        let [reference, labels, losses] = [samples * classes, samples, samples].map(|numbers| gpu.buffer(numbers));
        let [before, after, at_start] = [(); 3].map(|()| gpu.buffer(samples * RECORD));

        let mut begin: Vec<Step> = plan.forward.first().cloned().into_iter().collect();
        begin.push(gpu.copy_step(iterate, &natural, pixels));
        if climb.loss == LossKind::Kl {
            begin.extend(plan.forward.iter().skip(1).cloned());
            begin.push(gpu.copy_step(&plan.logits[0], &reference, samples * classes));
        }

        let text = include_str!("../../../../shaders/pgd_step.wgsl");
        let StepSettings { step_size, epsilon, low, high } = climb.step;
        let words = [pixels as u32, step_size.to_bits(), epsilon.to_bits(), low.to_bits(), high.to_bits()];
        let step = gpu.shared(text, &[iterate, &natural, gradient, &stepped], &words, pixels);
        let mut steps: Vec<Step> = plan.forward.first().cloned().into_iter().collect();
        for index in 0..climb.steps {
            steps.extend(plan.forward.iter().skip(1).cloned());
            let words = [samples as u32, classes as u32, climb.loss.code(), index, climb.steps];
            let buffers = [&plan.logits[0], &labels, &reference, &before, &losses, &plan.logits[1], &after];
            let text = include_str!("../../../../shaders/loss_gradient_and_count.wgsl");
            steps.push(gpu.shared(text, &buffers, &words, samples));
            steps.push(gpu.copy_step(&after, &before, samples * RECORD));
            if index == 0 {
                steps.push(gpu.copy_step(&after, &at_start, samples * RECORD));
            }
            // The last step of the way back writes rows, which are not read here.
            steps.extend(plan.backward[..plan.backward.len().saturating_sub(1)].iter().cloned());
            steps.push(step.clone());
            steps.push(gpu.copy_step(&stepped, iterate, pixels));
        }
        steps.extend(plan.to_rows.iter().cloned());
        Some(Self { climb, labels, before, at_start, begin, steps })
    }
}
