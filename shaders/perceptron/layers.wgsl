// The layers of a multilayer perceptron for some samples of one workgroup, forwards and back, and what the logits say. For texts that
// declare `parameters` (binding of array<vec4<f32>>: for every layer W (inputs x outputs) and then b, rows filled up with zeros to whole slots)
// and `finish`, which takes the gradient of four units of a sample.
//
// At most 4 hidden layers of at most 256, inputs to 1,024, classes to 64. Four neighbouring units of a sample make a slot, and an
// invocation computes a slot of four samples: eight loads of four numbers serve 64 multiply-adds. The signals lie in workgroup
// memory, and a delta takes the place of the signal it belongs to, of which only the sign is still needed; so the largest perceptron
// fits into the 16 KiB that WebGPU promises. Where four samples do not fit, an invocation computes a slot of one. On a software adapter, where loads
// are what takes time and there are few cores to keep busy, it computes two slots of eight samples (`wide`), with the same result to the last bit.

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

const WORKGROUP: u32 = 32u;
// The slots of the input, of every hidden layer, the logits', and with KL the natural logits'; each for all samples of the workgroup.
var<workgroup> signals: array<vec4<f32>, 1024>;

const CROSS_ENTROPY: u32 = 0u;
const CW_MARGIN: u32 = 1u;
const KL: u32 = 2u;

fn slots(units: u32) -> u32 {
    return (units + 3u) / 4u;
}

// The settings, read once: where there is no cache, as on software adapters, every reading of a buffer costs.
var<private> together: u32;
var<private> wide: bool;
var<private> layers: u32;
var<private> kind: u32;
var<private> steps: u32;
var<private> sizes: array<u32, 6>;

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

// The weights from four inputs to the outputs of a column.
fn weights_of(row: u32, columns: u32) -> Block {
    return Block(parameters[row], parameters[row + columns], parameters[row + 2u * columns], parameters[row + 3u * columns]);
}

// The same slot of four samples.
fn signals_of(at: u32) -> Block {
    return Block(signals[at], signals[at + 1u], signals[at + 2u], signals[at + 3u]);
}

fn forward_block(sums: Block, x: Block, rows: Block) -> Block {
    return Block(
        forward_slot(sums.a, x.a, rows), forward_slot(sums.b, x.b, rows), forward_slot(sums.c, x.c, rows), forward_slot(sums.d, x.d, rows),
    );
}

fn backward_block(sums: Block, x: Block, rows: Block) -> Block {
    return Block(
        backward_slot(sums.a, x.a, rows), backward_slot(sums.b, x.b, rows), backward_slot(sums.c, x.c, rows), backward_slot(sums.d, x.d, rows),
    );
}

fn nothing() -> Block {
    return Block(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
}

// ReLU, or nothing after the last layer.
fn write_signals(to: u32, sums: Block, bias: vec4<f32>, least: vec4<f32>) {
    signals[to] = max(sums.a + bias, least);
    signals[to + 1u] = max(sums.b + bias, least);
    signals[to + 2u] = max(sums.c + bias, least);
    signals[to + 3u] = max(sums.d + bias, least);
}

fn finish_block(layer: u32, to: u32, slot: u32, sample: u32, sums: Block) {
    finish(layer, to, slot, sample, sums.a);
    finish(layer, to + 1u, slot, sample + 1u, sums.b);
    finish(layer, to + 2u, slot, sample + 2u, sums.c);
    finish(layer, to + 3u, slot, sample + 3u, sums.d);
}

// One layer of all samples. `behind` is the first slot of its input, `weights` the place of its parameters.
fn forward(invocation: u32, layer: u32, behind: u32, weights: u32) {
    let inputs = sizes[layer];
    let columns = slots(sizes[layer + 1u]);
    let ahead = behind + slots(inputs);
    let biases = weights + inputs * columns;
    let least = vec4<f32>(select(-3.4e38, 0.0, layer + 1u < layers));
    // Past the last input there are other numbers than its weights, or zeros; its signal is 0.
    if wide {
        let pairs = (columns + 1u) / 2u;
        for (var item = invocation; item < pairs * together / 8u; item += WORKGROUP) {
            let column = item % pairs * 2u;
            let other = min(column + 1u, columns - 1u);
            let sample = item / pairs * 8u;
            var a = nothing();
            var b = nothing();
            var c = nothing();
            var d = nothing();
            var row = weights;
            var at = behind * together + sample;
            for (var slot = 0u; slot < slots(inputs); slot += 1u) {
                let left = weights_of(row + column, columns);
                let right = weights_of(row + other, columns);
                let first = signals_of(at);
                let second = signals_of(at + 4u);
                a = forward_block(a, first, left);
                b = forward_block(b, first, right);
                c = forward_block(c, second, left);
                d = forward_block(d, second, right);
                row += 4u * columns;
                at += together;
            }
            let to = (ahead + column) * together + sample;
            write_signals(to, a, parameters[biases + column], least);
            write_signals(to + 4u, c, parameters[biases + column], least);
            if other > column {
                write_signals(to + together, b, parameters[biases + other], least);
                write_signals(to + together + 4u, d, parameters[biases + other], least);
            }
        }
    } else if together >= 4u {
        for (var item = invocation; item < columns * together / 4u; item += WORKGROUP) {
            let column = item % columns;
            let sample = item / columns * 4u;
            var sums = nothing();
            var row = weights + column;
            var at = behind * together + sample;
            for (var slot = 0u; slot < slots(inputs); slot += 1u) {
                sums = forward_block(sums, signals_of(at), weights_of(row, columns));
                row += 4u * columns;
                at += together;
            }
            write_signals((ahead + column) * together + sample, sums, parameters[biases + column], least);
        }
    } else {
        for (var item = invocation; item < columns * together; item += WORKGROUP) {
            let column = item % columns;
            let sample = item / columns;
            var sum = vec4<f32>(0.0);
            var row = weights + column;
            for (var slot = 0u; slot < slots(inputs); slot += 1u) {
                sum = forward_slot(sum, signals[(behind + slot) * together + sample], weights_of(row, columns));
                row += 4u * columns;
            }
            signals[(ahead + column) * together + sample] = max(sum + parameters[biases + column], least);
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
    if wide {
        let pairs = (rows_of + 1u) / 2u;
        for (var item = invocation; item < pairs * together / 8u; item += WORKGROUP) {
            let slot = item % pairs * 2u;
            let other = min(slot + 1u, rows_of - 1u);
            let sample = item / pairs * 8u;
            var a = nothing();
            var b = nothing();
            var c = nothing();
            var d = nothing();
            var at = ahead * together + sample;
            for (var column = 0u; column < columns; column += 1u) {
                let upper = weights_of(weights + slot * 4u * columns + column, columns);
                let lower = weights_of(weights + other * 4u * columns + column, columns);
                let first = signals_of(at);
                let second = signals_of(at + 4u);
                a = backward_block(a, first, upper);
                b = backward_block(b, first, lower);
                c = backward_block(c, second, upper);
                d = backward_block(d, second, lower);
                at += together;
            }
            let to = (behind + slot) * together + sample;
            finish_block(layer, to, slot, group_first + sample, a);
            finish_block(layer, to + 4u, slot, group_first + sample + 4u, c);
            if other > slot {
                finish_block(layer, to + together, other, group_first + sample, b);
                finish_block(layer, to + together + 4u, other, group_first + sample + 4u, d);
            }
        }
    } else if together >= 4u {
        for (var item = invocation; item < rows_of * together / 4u; item += WORKGROUP) {
            let slot = item % rows_of;
            let sample = item / rows_of * 4u;
            var sums = nothing();
            var row = weights + slot * 4u * columns;
            var at = ahead * together + sample;
            for (var column = 0u; column < columns; column += 1u) {
                sums = backward_block(sums, signals_of(at), weights_of(row, columns));
                row += 1u;
                at += together;
            }
            finish_block(layer, (behind + slot) * together + sample, slot, group_first + sample, sums);
        }
    } else {
        for (var item = invocation; item < rows_of * together; item += WORKGROUP) {
            let slot = item % rows_of;
            let sample = item / rows_of;
            var sum = vec4<f32>(0.0);
            var row = weights + slot * 4u * columns;
            for (var column = 0u; column < columns; column += 1u) {
                sum = backward_slot(sum, signals[(ahead + column) * together + sample], weights_of(row, columns));
                row += 1u;
            }
            finish(layer, (behind + slot) * together + sample, slot, group_first + sample, sum);
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
