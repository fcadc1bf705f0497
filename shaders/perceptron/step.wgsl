// A step of SGD on a multilayer perceptron, from what its pass wrote (pass.wgsl), all parameters in one dispatch:
//
//     g = sum over the samples of (signal before a layer, and 1 for its bias) x (delta behind it)
//     v' = mu v + (g + decay theta)
//     theta' = theta - rate v'
//
// An invocation adds up the products of four inputs and four outputs for every 16th sample, and the sums of 16 invocations are added in
// their order: the result depends neither on the device's speed nor on the order in which workgroups run.
// The CPU twins are `whole_gradient` in core/src/train/whole_gradient.rs and `sgd_step` in core/src/train/sgd_step.rs.
//
// Dispatch: one workgroup of 64 for each four blocks, workgroups in one row.

struct Settings {
    samples: u32,
    // How many linear layers.
    layers: u32,
    // The first block of this dispatch. A block is four inputs by four outputs; the bias is one more input.
    first: u32,
    // Slots behind the last layer's bias, which are filled with zeros.
    tail: u32,
    momentum: f32,
    decay: f32,
    rate: f32,
    // Units of the input, of every hidden layer and of the logits.
    sizes: array<u32, 6>,
}

// (slots before all layers, then slots behind all layers) x samples.
@group(0) @binding(0) var<storage, read> traces: array<vec4<f32>>;
// theta: for every layer W (inputs x outputs) and then b, rows filled up with zeros to whole slots.
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
// v, laid out as theta; not read when the momentum is 0.
@group(0) @binding(2) var<storage, read> velocity: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> next_parameters: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> next_velocity: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> settings: Settings;

const WORKGROUP: u32 = 64u;
// Invocations that share a block.
const SHARES: u32 = 16u;

// For each of four inputs, the sums of all invocations.
var<workgroup> sums: array<vec4<f32>, 256>;

fn slots(units: u32) -> u32 {
    return (units + 3u) / 4u;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
    let share = invocation % SHARES;
    let samples = settings.samples;
    var block = settings.first + workgroup.x * (WORKGROUP / SHARES) + invocation / SHARES;
    // The layer of the block, the first slots before and behind it, and where its parameters begin.
    var layer = 0u;
    var before = 0u;
    var behind = 0u;
    var weights = 0u;
    for (var l = 0u; l < settings.layers; l += 1u) {
        behind += slots(settings.sizes[l]);
    }
    while layer < settings.layers {
        let columns = slots(settings.sizes[layer + 1u]);
        let blocks = slots(settings.sizes[layer] + 1u) * columns;
        if block < blocks {
            break;
        }
        block -= blocks;
        before += slots(settings.sizes[layer]);
        behind += columns;
        weights += (settings.sizes[layer] + 1u) * columns;
        layer += 1u;
    }
    // Past the last layer there is nothing to add up, and the slots behind its bias are all that is left.
    let idle = layer == settings.layers;
    let inputs = select(settings.sizes[min(layer, 4u)], 0u, idle);
    let outputs = select(settings.sizes[min(layer, 4u) + 1u], 4u, idle);
    let columns = slots(outputs);
    let slot = block / columns;
    let column = block % columns;

    var a = vec4<f32>(0.0);
    var b = vec4<f32>(0.0);
    var c = vec4<f32>(0.0);
    var d = vec4<f32>(0.0);
    if !idle {
        // The bias takes a place that is 0 among the signals, or a slot of its own.
        let has_signals = slot < slots(inputs);
        var one = vec4<f32>(0.0);
        if slot == inputs / 4u {
            one[inputs % 4u] = 1.0;
        }
        let x = (before + slot) * samples;
        let g = (behind + column) * samples;
        for (var sample = share; sample < samples; sample += SHARES) {
            var signal = one;
            if has_signals {
                signal += traces[x + sample];
            }
            let delta = traces[g + sample];
            a = fma(signal.xxxx, delta, a);
            b = fma(signal.yyyy, delta, b);
            c = fma(signal.zzzz, delta, c);
            d = fma(signal.wwww, delta, d);
        }
    }
    sums[invocation] = a;
    sums[WORKGROUP + invocation] = b;
    sums[2u * WORKGROUP + invocation] = c;
    sums[3u * WORKGROUP + invocation] = d;
    workgroupBarrier();

    let row = slot * 4u + share;
    if !idle && share < 4u && row <= inputs {
        var gradient = vec4<f32>(0.0);
        for (var i = 0u; i < SHARES; i += 1u) {
            gradient += sums[share * WORKGROUP + invocation - share + i];
        }
        let place = weights + row * columns + column;
        let theta = parameters[place];
        var next = gradient + settings.decay * theta;
        if settings.momentum > 0.0 {
            next += settings.momentum * velocity[place];
        }
        // What fills up a row stays 0, whatever became of the samples.
        let is_there = vec4<u32>(column * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(outputs);
        next_velocity[place] = select(vec4<f32>(0.0), next, is_there);
        next_parameters[place] = select(vec4<f32>(0.0), theta - settings.rate * next, is_there);
    }
    if idle && block == 0u {
        for (var i = share; i < settings.tail; i += SHARES) {
            next_velocity[weights + i] = vec4<f32>(0.0);
            next_parameters[weights + i] = vec4<f32>(0.0);
        }
    }
}
