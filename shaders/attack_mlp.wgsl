// PGD-and-count (GA-PGD, GAIRAT, Algorithm 1) on a multilayer perceptron, all K steps in one dispatch:
//
//     z = W_L relu( ... relu(W_1 x^t + b_1) ... ) + b_L
//     loss, its gradient, margin, kappa and first hit as in loss_gradient_and_count.wgsl
//     x^(t+1) = clamp( clamp( x^t + alpha * sign(d loss / d x^t), x - epsilon, x + epsilon ), low, high )
//
// At most 4 hidden layers of at most 256, inputs to 1,024, classes to 64. Four neighbouring units of a sample make a slot, and an
// invocation computes a slot of four samples: eight loads of four numbers serve 64 multiply-adds. The signals lie in workgroup
// memory, and a delta takes the place of the signal it belongs to, of which only the sign is still needed; so the largest perceptron
// fits into the 16 KiB that WebGPU promises. Where four samples do not fit, an invocation computes a slot of one.
// The CPU twin is `whole_attack` in core/src/attack/whole.rs.
//
// Dispatch: one workgroup of 32 for each `together` samples, workgroups in one row.

struct Settings {
    // The samples of this dispatch: from `first` to before `end`.
    first: u32,
    end: u32,
    // Samples of a workgroup: a multiple of 4, or fewer than 4.
    together: u32,
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

struct Record {
    // In nats, or in logits for the CW margin.
    loss: f32,
    // In logits.
    margin: f32,
    // How many iterates so far were classified correctly.
    kappa: f32,
    // The index of the first misclassified iterate, or K.
    first_hit: f32,
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

const WORKGROUP: u32 = 32u;
const CROSS_ENTROPY: u32 = 0u;
const CW_MARGIN: u32 = 1u;
const KL: u32 = 2u;

// The slots of the input, of every hidden layer, the logits', and with KL the natural logits'; each for all samples of the workgroup.
var<workgroup> signals: array<vec4<f32>, 1024>;

fn slots(units: u32) -> u32 {
    return (units + 3u) / 4u;
}

// The settings, read once: where there is no cache, as on software adapters, every reading of a buffer costs.
var<private> together: u32;
var<private> layers: u32;
var<private> kind: u32;
var<private> steps: u32;
var<private> end: u32;
var<private> sizes: array<u32, 6>;
var<private> step_size: f32;
var<private> epsilon: f32;
var<private> low: f32;
var<private> high: f32;

// log(1 + u) for u >= 0, to a few units in the last place also where 1 + u rounds.
fn log_one_plus(u: f32) -> f32 {
    if u > 1.0 {
        return log(1.0 + u);
    }
    // 2 artanh(u / (2 + u)); the first term left out is below 1e-7 of the sum.
    let r = u / (2.0 + u);
    let s = r * r;
    return 2.0 * r * (1.0 + s * (1.0 / 3.0 + s * (0.2 + s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s / 13.0))))));
}

// Four units of one sample, or of four.
struct Block {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

// What four inputs add to four outputs; the rows are the weights from each of the inputs.
fn forward_slot(sum: vec4<f32>, signal: vec4<f32>, rows: Block) -> vec4<f32> {
    let first = fma(signal.yyyy, rows.b, fma(signal.xxxx, rows.a, sum));
    return fma(signal.wwww, rows.d, fma(signal.zzzz, rows.c, first));
}

// What the deltas of four outputs add to those of four inputs.
fn backward_slot(sum: vec4<f32>, delta: vec4<f32>, rows: Block) -> vec4<f32> {
    return sum + vec4<f32>(dot(rows.a, delta), dot(rows.b, delta), dot(rows.c, delta), dot(rows.d, delta));
}

// One layer of all samples. `behind` is the first slot of its input, `weights` the place of its parameters.
fn forward(invocation: u32, layer: u32, behind: u32, weights: u32) {
    let inputs = sizes[layer];
    let columns = slots(sizes[layer + 1u]);
    let ahead = behind + slots(inputs);
    // ReLU, or nothing after the last layer.
    let least = vec4<f32>(select(-3.4e38, 0.0, layer + 1u < layers));
    // Past the last input there are other numbers than its weights, or zeros; its signal is 0.
    if together >= 4u {
        for (var item = invocation; item < columns * together / 4u; item += WORKGROUP) {
            let column = item % columns;
            let sample = item / columns * 4u;
            var sums = Block(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
            var row = weights + column;
            var at = behind * together + sample;
            for (var slot = 0u; slot < slots(inputs); slot += 1u) {
                let rows = Block(
                    parameters[row], parameters[row + columns], parameters[row + 2u * columns], parameters[row + 3u * columns],
                );
                sums.a = forward_slot(sums.a, signals[at], rows);
                sums.b = forward_slot(sums.b, signals[at + 1u], rows);
                sums.c = forward_slot(sums.c, signals[at + 2u], rows);
                sums.d = forward_slot(sums.d, signals[at + 3u], rows);
                row += 4u * columns;
                at += together;
            }
            let bias = parameters[weights + inputs * columns + column];
            let to = (ahead + column) * together + sample;
            signals[to] = max(sums.a + bias, least);
            signals[to + 1u] = max(sums.b + bias, least);
            signals[to + 2u] = max(sums.c + bias, least);
            signals[to + 3u] = max(sums.d + bias, least);
        }
    } else {
        for (var item = invocation; item < columns * together; item += WORKGROUP) {
            let column = item % columns;
            let sample = item / columns;
            var sum = vec4<f32>(0.0);
            var row = weights + column;
            for (var slot = 0u; slot < slots(inputs); slot += 1u) {
                let rows = Block(
                    parameters[row], parameters[row + columns], parameters[row + 2u * columns], parameters[row + 3u * columns],
                );
                sum = forward_slot(sum, signals[(behind + slot) * together + sample], rows);
                row += 4u * columns;
            }
            let bias = parameters[weights + inputs * columns + column];
            signals[(ahead + column) * together + sample] = max(sum + bias, least);
        }
    }
}

// The way back through a layer, from the deltas of its outputs to its inputs, whose first slot is `behind`. To a hidden layer the
// deltas are written; at the input the step is taken.
fn backward(invocation: u32, layer: u32, behind: u32, weights: u32, group_first: u32) {
    let rows_of = slots(sizes[layer]);
    let columns = slots(sizes[layer + 1u]);
    let ahead = behind + rows_of;
    // Rows past the last input belong to units that nothing reads.
    if together >= 4u {
        for (var item = invocation; item < rows_of * together / 4u; item += WORKGROUP) {
            let slot = item % rows_of;
            let sample = item / rows_of * 4u;
            var sums = Block(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
            var row = weights + slot * 4u * columns;
            var at = ahead * together + sample;
            for (var column = 0u; column < columns; column += 1u) {
                let rows = Block(
                    parameters[row], parameters[row + columns], parameters[row + 2u * columns], parameters[row + 3u * columns],
                );
                sums.a = backward_slot(sums.a, signals[at], rows);
                sums.b = backward_slot(sums.b, signals[at + 1u], rows);
                sums.c = backward_slot(sums.c, signals[at + 2u], rows);
                sums.d = backward_slot(sums.d, signals[at + 3u], rows);
                row += 1u;
                at += together;
            }
            let to = (behind + slot) * together + sample;
            finish(layer, to, slot, group_first + sample, sums.a);
            finish(layer, to + 1u, slot, group_first + sample + 1u, sums.b);
            finish(layer, to + 2u, slot, group_first + sample + 2u, sums.c);
            finish(layer, to + 3u, slot, group_first + sample + 3u, sums.d);
        }
    } else {
        for (var item = invocation; item < rows_of * together; item += WORKGROUP) {
            let slot = item % rows_of;
            let sample = item / rows_of;
            var sum = vec4<f32>(0.0);
            var row = weights + slot * 4u * columns;
            for (var column = 0u; column < columns; column += 1u) {
                let rows = Block(
                    parameters[row], parameters[row + columns], parameters[row + 2u * columns], parameters[row + 3u * columns],
                );
                sum = backward_slot(sum, signals[(ahead + column) * together + sample], rows);
                row += 1u;
            }
            finish(layer, (behind + slot) * together + sample, slot, group_first + sample, sum);
        }
    }
}

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

// One logit of a sample; `z` is the first slot of the logits.
fn logit(z: u32, c: u32, sample: u32) -> f32 {
    return signals[(z + c / 4u) * together + sample][c % 4u];
}

fn set_logit(z: u32, c: u32, sample: u32, value: f32) {
    signals[(z + c / 4u) * together + sample][c % 4u] = value;
}

// From the logits of a sample, whose first slot is `z`, to the loss's gradient, in their place; counts into `record`.
fn judge(z: u32, sample: u32, label: u32, step: u32, record: ptr<function, Record>) {
    let classes = sizes[layers];
    let own = logit(z, label, sample);
    var rival = 0u;
    if label == 0u {
        rival = 1u;
    }
    var other = logit(z, rival, sample);
    for (var c = rival + 1u; c < classes; c += 1u) {
        let here = logit(z, c, sample);
        if c != label && here > other {
            rival = c;
            other = here;
        }
    }
    let margin = own - other;
    let correct = margin > 0.0 || (margin == 0.0 && label < rival);
    var top = rival;
    if correct {
        top = label;
    }
    let highest = select(other, own, correct);
    var loss = -margin;
    if kind == CW_MARGIN {
        for (var slot = 0u; slot < slots(classes); slot += 1u) {
            signals[(z + slot) * together + sample] = vec4<f32>(0.0);
        }
        set_logit(z, rival, sample, 1.0);
        set_logit(z, label, sample, -1.0);
    } else {
        // Sums of exp(z_c - highest) without the highest itself.
        var rest = 0.0;
        for (var c = 0u; c < classes; c += 1u) {
            if c != top {
                rest += exp(logit(z, c, sample) - highest);
            }
        }
        let whole = 1.0 + rest;
        let log_whole = log_one_plus(rest);
        if kind == CROSS_ENTROPY {
            loss = log_whole + (highest - own);
            var others = 0.0;
            for (var c = 0u; c < classes; c += 1u) {
                if c != label {
                    let probability = exp(logit(z, c, sample) - highest) / whole;
                    set_logit(z, c, sample, probability);
                    others += probability;
                }
            }
            set_logit(z, label, sample, -others);
        } else {
            let r = z + slots(classes);
            var reference_highest = logit(r, 0u, sample);
            var reference_top = 0u;
            for (var c = 1u; c < classes; c += 1u) {
                if logit(r, c, sample) > reference_highest {
                    reference_highest = logit(r, c, sample);
                    reference_top = c;
                }
            }
            var reference_rest = 0.0;
            for (var c = 0u; c < classes; c += 1u) {
                if c != reference_top {
                    reference_rest += exp(logit(r, c, sample) - reference_highest);
                }
            }
            let reference_log_whole = log_one_plus(reference_rest);
            loss = 0.0;
            for (var c = 0u; c < classes; c += 1u) {
                let log_target = logit(r, c, sample) - reference_highest - reference_log_whole;
                let log_probability = logit(z, c, sample) - highest - log_whole;
                let goal = exp(log_target);
                loss += goal * (log_target - log_probability);
                set_logit(z, c, sample, exp(log_probability) - goal);
            }
        }
        // What fills up the last slot is no class.
        for (var c = classes; c < slots(classes) * 4u; c += 1u) {
            set_logit(z, c, sample, 0.0);
        }
    }
    (*record).loss = loss;
    (*record).margin = margin;
    if correct {
        (*record).kappa += 1.0;
    } else if (*record).first_hit == f32(steps) {
        (*record).first_hit = f32(step);
    }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
    together = settings.together;
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
