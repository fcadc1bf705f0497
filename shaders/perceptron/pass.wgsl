// The pass of a training step through a multilayer perceptron, of every sample forwards and back:
//
//     loss_i = -log softmax(z_i)_(y_i)          what is minimised: share * sum_i omega_i loss_i
//
// It writes the signals before each layer and the deltas behind it, the gradient of what is minimised at the layer's sums: the
// gradient of the parameters is a sum of their products over the samples (step.wgsl). The loss, the margin and whether the sample is still
// classified correctly are counted into its record.
// The CPU twin is `whole_gradient` in core/src/train/whole_gradient.rs.
//
// Dispatch: one workgroup of 32 for each `together` samples, workgroups in one row.

struct Settings {
    // The samples of this dispatch: from `first` to before `end`.
    first: u32,
    end: u32,
    // All samples.
    samples: u32,
    // Samples of a workgroup: a multiple of 4, or fewer than 4.
    together: u32,
    // 1 for two slots of eight samples an invocation; then `together` is a multiple of 8.
    wide: u32,
    // How many linear layers.
    layers: u32,
    // K.
    steps: u32,
    // 1 to read the weights; else all are 1.
    weighted: u32,
    share: f32,
    // Units of the input, of every hidden layer and of the logits.
    sizes: array<u32, 6>,
}

// x: samples x inputs.
@group(0) @binding(0) var<storage, read> images: array<f32>;
// y: one class per sample.
@group(0) @binding(1) var<storage, read> labels: array<i32>;
// For every layer W (inputs x outputs) and then b, rows filled up with zeros to whole slots.
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
// omega: one per sample; any buffer unless `weighted` is 1.
@group(0) @binding(3) var<storage, read> weights_of_samples: array<f32>;
// Two for each sample: after x^0 and after x^(K-1).
@group(0) @binding(4) var<storage, read> records: array<Record>;
// For each sample those two, the one with x counted as well, and omega: 13 numbers.
@group(0) @binding(5) var<storage, read_write> rows: array<f32>;
// (slots before all layers, then slots behind all layers) x samples.
@group(0) @binding(6) var<storage, read_write> traces: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> settings: Settings;

// What becomes of the gradient of one slot of one sample: the delta of a hidden layer.
fn finish(_layer: u32, at: u32, _slot: u32, _sample: u32, gradient: vec4<f32>) {
    signals[at] = select(vec4<f32>(0.0), gradient, signals[at] > vec4<f32>(0.0));
}

// Writes one of a sample's three records.
fn write(sample: u32, place: u32, record: Record) {
    let row = sample * 13u + place * 4u;
    rows[row] = record.loss;
    rows[row + 1u] = record.margin;
    rows[row + 2u] = record.kappa;
    rows[row + 3u] = record.first_hit;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
    together = settings.together;
    wide = settings.wide == 1u;
    layers = settings.layers;
    kind = CROSS_ENTROPY;
    steps = settings.steps;
    sizes = settings.sizes;
    // What bounds a loop with a barrier in it must be known to be the same for all invocations.
    let layer_count = settings.layers;
    let samples = settings.samples;
    let group_first = settings.first + workgroup.x * together;
    let count = min(together, settings.end - group_first);
    let inputs = sizes[0];
    let classes = sizes[layers];

    // What is past the last input is 0. A last workgroup that is not full works on copies of its last sample.
    for (var item = invocation; item < together * slots(inputs); item += WORKGROUP) {
        let place = (group_first + min(item % together, count - 1u)) * inputs;
        var four = vec4<f32>(0.0);
        for (var i = 0u; i < 4u; i += 1u) {
            let unit = item / together * 4u + i;
            if unit < inputs {
                four[i] = images[place + unit];
            }
        }
        signals[item] = four;
    }
    workgroupBarrier();
    var at = 0u;
    var weights = 0u;
    for (var layer = 0u; layer < layer_count; layer += 1u) {
        forward(invocation, layer, at, weights);
        at += slots(sizes[layer]);
        weights += (sizes[layer] + 1u) * slots(sizes[layer + 1u]);
        workgroupBarrier();
    }

    let before = at;
    for (var item = invocation; item < before * together; item += WORKGROUP) {
        let sample = item % together;
        if sample < count {
            traces[item / together * samples + group_first + sample] = signals[item];
        }
    }
    if invocation < count {
        let sample = group_first + invocation;
        let label = min(u32(labels[sample]), classes - 1u);
        write(sample, 0u, records[2u * sample]);
        var record = records[2u * sample + 1u];
        write(sample, 1u, record);
        judge(at, invocation, label, steps, &record);
        write(sample, 2u, record);
        var omega = 1.0;
        if settings.weighted == 1u {
            omega = weights_of_samples[sample];
        }
        rows[sample * 13u + 12u] = omega;
        for (var slot = 0u; slot < slots(classes); slot += 1u) {
            signals[(at + slot) * together + invocation] *= settings.share * omega;
        }
    }
    workgroupBarrier();

    for (var layer = layer_count; layer > 1u; layer -= 1u) {
        at -= slots(sizes[layer - 1u]);
        weights -= (sizes[layer - 1u] + 1u) * slots(sizes[layer]);
        backward(invocation, layer - 1u, at, weights, group_first);
        workgroupBarrier();
    }
    let behind_first = slots(inputs);
    for (var item = behind_first * together + invocation; item < (before + slots(classes)) * together; item += WORKGROUP) {
        let sample = item % together;
        if sample < count {
            traces[(before + item / together - behind_first) * samples + group_first + sample] = signals[item];
        }
    }
}

//@include layers
