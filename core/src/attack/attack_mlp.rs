//! The whole attack on a perceptron on the GPU: `shaders/perceptron/attack.wgsl` launched. Its CPU twin is [`whole_attack`](super::whole_attack).

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn_wgpu::{CubeBackend, CubeDim, KernelSource, SourceKernel, SourceTemplate, into_contiguous};
use cubecl::{CubeCount, prelude::KernelId};

use super::{
    loss_gradient_and_count::LossKind,
    whole::{RECORDS, WholeAttack, multiplications},
};
use crate::{
    device, launch,
    model::{Layer, Layers},
    pace,
};

/// Invocations in a workgroup, as `@workgroup_size` in the shader says.
pub(crate) const WORKGROUP: usize = 32;
/// Slots of four numbers in the workgroup's memory, as in the shader.
const SIGNALS: usize = 1024;
/// WebGPU's limit on the workgroups along one side of a dispatch.
const MAX_SIDE: usize = 65_535;
/// Workgroups that a GPU should have to do before a workgroup takes sixteen samples instead of eight, which saves barriers.
const WORKGROUPS: usize = 16;
/// Linear layers at most: four hidden ones and the last.
const MAX_LAYERS: usize = 5;
/// Units of a hidden layer at most.
const MAX_WIDTH: usize = 256;
/// Numbers of a sample at most.
const MAX_INPUTS: usize = 1024;
/// Classes at most.
const MAX_CLASSES: usize = 64;

/// The sizes of a perceptron that the shader takes, from the input to the logits.
///
/// # Errors
/// What about the network it does not take.
pub(crate) fn sizes(layers: &Layers) -> Result<Vec<usize>, String> {
    let normalised = matches!(layers.layers.first(), Some(Layer::Scale { from: 0, .. }));
    let no_mlp = || if normalised { "a network with a normalising first layer does not fit" } else { "only an MLP fits" };
    let sizes = layers.perceptron().ok_or_else(no_mlp)?;
    let (inputs, classes) = (layers.inputs(), layers.classes());
    let hidden = &sizes[1..sizes.len() - 1];
    if hidden.len() >= MAX_LAYERS {
        Err(format!("it has {} hidden layers; at most {} fit", hidden.len(), MAX_LAYERS - 1))
    } else if let Some(width) = hidden.iter().find(|&&width| width > MAX_WIDTH) {
        Err(format!("it has a hidden layer of {width}; at most {MAX_WIDTH} fit"))
    } else if inputs > MAX_INPUTS {
        Err(format!("a sample has {inputs} numbers; at most {MAX_INPUTS} fit"))
    } else if classes > MAX_CLASSES {
        Err(format!("there are {classes} classes; at most {MAX_CLASSES} fit"))
    } else {
        Ok(sizes)
    }
}

/// A text of `shaders/perceptron/` with the layers in it.
pub(crate) fn with_layers(text: &str) -> String {
    text.replace("//@include layers", include_str!("../../../shaders/perceptron/layers.wgsl"))
}

/// Samples that a workgroup takes: a multiple of 4, or fewer than 4. With a `reference` the natural logits take memory as well.
pub(crate) fn samples_of_workgroup(layers: &Layers, reference: bool, samples: usize) -> usize {
    let slots = |signal: &[usize; 3]| signal.iter().product::<usize>().div_ceil(Layers::SLOT);
    let reference = if reference { layers.classes().div_ceil(Layers::SLOT) } else { 0 };
    let per_sample = layers.signals.iter().map(slots).sum::<usize>() + reference;
    let most = if samples >= 16 * WORKGROUPS { 16 } else { 8 };
    match (SIGNALS / per_sample).min(most) {
        few @ 0..4 => few.max(1),
        many => many / 4 * 4,
    }
}

/// 1 where an invocation takes two slots of eight samples: on software adapters, but for a browser's (SwiftShader: 209 ms a step so, 189 with one).
pub(crate) fn wide(together: usize) -> u32 {
    u32::from(together.is_multiple_of(8) && device::is_software() && !cfg!(target_arch = "wasm32"))
}

/// The first sample of every dispatch and the one behind its last, where a sample takes so many multiplications.
pub(crate) fn slices(samples: usize, together: usize, multiplications: u64) -> impl Iterator<Item = [usize; 2]> {
    let slice = (pace::allowed() / multiplications.max(1)) as usize / together * together;
    let slice = slice.clamp(together, MAX_SIDE * together);
    (0..samples).step_by(slice).map(move |first| [first, (first + slice).min(samples)])
}

/// The sizes from the input to the logits, as the shaders' settings end.
pub(crate) fn words_of_sizes(layers: &Layers) -> [u32; MAX_LAYERS + 1] {
    std::array::from_fn(|signal| layers.signals.get(signal).map_or(0, |signal| signal.iter().product::<usize>() as u32))
}

/// The kernel for CubeCL's cache: one text, no templates.
#[derive(Debug)]
struct AttackMlpKernel;

impl KernelSource for AttackMlpKernel {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(with_layers(include_str!("../../../shaders/perceptron/attack.wgsl")))
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Images, records and trajectory on the GPU; one dispatch for each slice of samples.
pub(super) fn launch(
    natural: FloatTensor<CubeBackend>,
    start: FloatTensor<CubeBackend>,
    labels: IntTensor<CubeBackend>,
    parameters: FloatTensor<CubeBackend>,
    attack: &WholeAttack,
) -> (FloatTensor<CubeBackend>, FloatTensor<CubeBackend>, FloatTensor<CubeBackend>) {
    let (natural, start, labels) = (into_contiguous(natural), into_contiguous(start), into_contiguous(labels));
    let parameters = into_contiguous(parameters);
    let (samples, inputs) = (natural.meta.shape()[0], natural.meta.shape()[1]);
    let client = natural.client.clone();
    let empty = |shape: [usize; 2]| launch::empty(&natural, shape);
    let trajectory = match attack.trajectory_len() {
        0 => empty([1, 1]),
        len => empty([samples, len]),
    };
    let (images, records) = (empty([samples, inputs]), empty([samples, RECORDS]));

    let together = samples_of_workgroup(&attack.layers, attack.loss == LossKind::Kl, samples);
    for [first, end] in slices(samples, together, multiplications(&attack.layers, attack.steps)) {
        let step = attack.step;
        let mut words = vec![first as u32, end as u32, together as u32, wide(together), attack.layers.layers.len() as u32];
        words.extend([attack.loss.code(), attack.steps, u32::from(attack.trace)]);
        words.extend([step.step_size, step.epsilon, step.low, step.high].map(f32::to_bits));
        words.extend(words_of_sizes(&attack.layers));
        client.launch(
            Box::new(SourceKernel::new(AttackMlpKernel, CubeDim::new_1d(WORKGROUP as u32))),
            CubeCount::Static((end - first).div_ceil(together) as u32, 1, 1),
            launch::arguments([&natural, &start, &labels, &parameters, &images, &records, &trajectory], &words),
        );
        if end < samples {
            // Else CubeCL would gather slices in one submission.
            let _ = client.flush();
        }
    }
    (images, records, trajectory)
}
