// PGD-and-count (GA-PGD, GAIRAT, Algorithm 1) on a multilayer perceptron, all K steps in one dispatch:
//
//     z = W_L relu( ... relu(W_1 x^t + b_1) ... ) + b_L
//     loss, its gradient, margin, kappa and first hit as in loss_gradient_and_count.wgsl
//     x^(t+1) = clamp( clamp( x^t + alpha * sign(d loss / d x^t), x - epsilon, x + epsilon ), low, high )
//
// The CPU twin is `whole_attack` in core/src/attack/whole.rs.
//
// Dispatch: one workgroup of 32 for each `together` samples, workgroups in one row.

struct Settings {
    // The samples of this dispatch: from `first` to before `end`.
    first: u32,
    end: u32,
    // Samples of a workgroup: a multiple of 4, or fewer than 4.
    together: u32,
    // 1 for two slots of eight samples an invocation; then `together` is a multiple of 8.
    wide: u32,
    // How many linear layers.
    layers: u32,
    // 0 cross-entropy, 1 CW margin, 2 KL.
    kind: u32,
    // K.
    steps: u32,
    // 1 to write trajectories.
    trace: u32,
    // alpha, radius of the ball, and the box; in pixel units.
    step_size: f32,
    epsilon: f32,
    low: f32,
    high: f32,
    // Units of the input, of every hidden layer and of the logits.
    sizes: array<u32, 6>,
}

// x: samples x inputs.
@group(0) @binding(0) var<storage, read> natural: array<f32>;
// x^0: samples x inputs.
@group(0) @binding(1) var<storage, read> start: array<f32>;
// y: one class per sample.
@group(0) @binding(2) var<storage, read> labels: array<i32>;
// For every layer W (inputs x outputs) and then b, rows filled up with zeros to whole slots.
@group(0) @binding(3) var<storage, read> parameters: array<vec4<f32>>;
// x^(K): samples x inputs.
@group(0) @binding(4) var<storage, read_write> images: array<f32>;
// Two for each sample: after x^0 and after x^(K-1).
@group(0) @binding(5) var<storage, read_write> records: array<Record>;
// samples x (K + 1) x (margin, loss, position); not touched unless `trace` is 1.
@group(0) @binding(6) var<storage, read_write> trajectory: array<f32>;
@group(0) @binding(7) var<storage, read> settings: Settings;

// The settings, read once, as those in the layers.
var<private> end: u32;
var<private> step_size: f32;
var<private> epsilon: f32;
var<private> low: f32;
var<private> high: f32;

// What becomes of the gradient of one slot of one sample.
fn finish(layer: u32, at: u32, slot: u32, sample: u32, gradient: vec4<f32>) {
    let signal = signals[at];
    if layer > 0u {
        signals[at] = select(vec4<f32>(0.0), gradient, signal > vec4<f32>(0.0));
        return;
    }
    let centre = row_slot_of_natural(sample, slot);
    let moved = signal + step_size * sign(gradient);
    let in_ball = min(max(moved, centre - epsilon), centre + epsilon);
    let stepped = min(max(in_ball, vec4<f32>(low)), vec4<f32>(high));
    // What is past the last input stays 0.
    let units = vec4<u32>(slot * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    signals[at] = select(vec4<f32>(0.0), stepped, units < vec4<u32>(sizes[0]));
}

// Four numbers of a natural sample, with 0 past the last. A last workgroup that is not full works on copies of its last sample.
fn row_slot_of_natural(sample: u32, slot: u32) -> vec4<f32> {
    let inputs = sizes[0];
    let place = min(sample, end - 1u) * inputs + slot * 4u;
    var four = vec4<f32>(0.0);
    for (var i = 0u; i < min(4u, inputs - slot * 4u); i += 1u) {
        four[i] = natural[place + i];
    }
    return four;
}

// The same of the sample where its attack starts.
fn row_slot_of_start(sample: u32, slot: u32) -> vec4<f32> {
    let inputs = sizes[0];
    let place = min(sample, end - 1u) * inputs + slot * 4u;
    var four = vec4<f32>(0.0);
    for (var i = 0u; i < min(4u, inputs - slot * 4u); i += 1u) {
        four[i] = start[place + i];
    }
    return four;
}

// Puts samples of `natural` (or of `start`) into the workgroup's memory.
fn load(invocation: u32, group_first: u32, from_start: bool) {
    for (var item = invocation; item < together * slots(sizes[0]); item += WORKGROUP) {
        let sample = group_first + item % together;
        let slot = item / together;
        if from_start {
            signals[item] = row_slot_of_start(sample, slot);
        } else {
            signals[item] = row_slot_of_natural(sample, slot);
        }
    }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
    together = settings.together;
    wide = settings.wide == 1u;
    layers = settings.layers;
    kind = settings.kind;
    steps = settings.steps;
    end = settings.end;
    sizes = settings.sizes;
    step_size = settings.step_size;
    epsilon = settings.epsilon;
    low = settings.low;
    high = settings.high;
    let trace = settings.trace == 1u;
    // What bounds a loop with a barrier in it must be known to be the same for all invocations: read from the buffer, not from a
    // variable of the invocation's own.
    let layer_count = settings.layers;
    let step_count = settings.steps;
    let before = select(0u, 1u, settings.kind == KL);
    let group_first = settings.first + workgroup.x * together;
    let count = min(together, end - group_first);
    let inputs = sizes[0];
    let classes = sizes[layers];
    var record = Record(0.0, 0.0, 0.0, f32(steps));

    // The passes: with KL first one over the natural samples, then x^0 ... x^(K-1), and x^(K) too for a trajectory.
    let passes = before + step_count + select(0u, 1u, trace);
    load(invocation, group_first, before == 0u);
    workgroupBarrier();
    for (var pass_index = 0u; pass_index < passes; pass_index += 1u) {
        var at = 0u;
        var weights = 0u;
        for (var layer = 0u; layer < layer_count; layer += 1u) {
            forward(invocation, layer, at, weights);
            at += slots(sizes[layer]);
            weights += (sizes[layer] + 1u) * slots(sizes[layer + 1u]);
            workgroupBarrier();
        }
        if pass_index < before {
            // The natural logits go behind those of the iterates to come.
            for (var item = invocation; item < together * slots(classes); item += WORKGROUP) {
                signals[(at + slots(classes)) * together + item] = signals[at * together + item];
            }
            load(invocation, group_first, true);
            workgroupBarrier();
            continue;
        }

        let step = pass_index - before;
        if invocation < count {
            let sample = group_first + invocation;
            let label = min(u32(labels[sample]), classes - 1u);
            judge(at, invocation, label, step, &record);
            if step == 0u {
                records[2u * sample] = record;
            }
            if step + 1u == steps {
                records[2u * sample + 1u] = record;
            }
            if trace {
                let point = (sample * (steps + 1u) + step) * (inputs + 2u);
                trajectory[point] = record.margin;
                trajectory[point + 1u] = record.loss;
            }
        }
        if trace {
            for (var item = invocation; item < count * inputs; item += WORKGROUP) {
                let sample = item / inputs;
                let unit = item % inputs;
                let point = ((group_first + sample) * (steps + 1u) + step) * (inputs + 2u);
                trajectory[point + 2u + unit] = signals[unit / 4u * together + sample][unit % 4u];
            }
        }
        workgroupBarrier();
        if step == step_count {
            break;
        }
        for (var layer = layer_count; layer > 0u; layer -= 1u) {
            at -= slots(sizes[layer - 1u]);
            weights -= (sizes[layer - 1u] + 1u) * slots(sizes[layer]);
            backward(invocation, layer - 1u, at, weights, group_first);
            workgroupBarrier();
        }
    }

    for (var item = invocation; item < count * inputs; item += WORKGROUP) {
        let sample = item / inputs;
        let unit = item % inputs;
        images[(group_first + sample) * inputs + unit] = signals[unit / 4u * together + sample][unit % 4u];
    }
}

//@include layers
