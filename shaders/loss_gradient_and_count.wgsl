// The loss of every sample, its gradient with respect to the logits, and what GA-PGD counts on the way (GAIRAT, Algorithm 1):
//
//     margin = z_y - max_(c != y) z_c          correct = (argmax z = y), ties to the lowest class
//     kappa += correct                         first_hit = least t with x^t misclassified, else `never`
//
//     kind 0, cross-entropy:  loss = -log softmax(z)_y            d loss / d z_c = softmax(z)_c - [c = y]
//     kind 1, CW margin:      loss = max_(c != y) z_c - z_y       +1 at that c (the lowest of equals), -1 at y
//     kind 2, KL:             loss = KL(softmax(r) || softmax(z)) d loss / d z_c = softmax(z)_c - softmax(r)_c
//
// Safe for logits of +-1e4: every exponential is of a number <= 0, and log(1 + u) keeps its relative accuracy for small u.
// The gradient at y is -(sum of the other probabilities), which does not vanish when softmax(z)_y rounds to 1.
// The CPU twin is `loss_gradient_and_count` in core/src/attack/loss_gradient_and_count.rs.
//
// Dispatch: one invocation per sample, 64 to a workgroup, workgroups in one row.

struct Settings {
    samples: u32,
    classes: u32,
    // 0 cross-entropy, 1 CW margin, 2 KL.
    kind: u32,
    // t, the index of this iterate.
    step: u32,
    // What first_hit holds as long as nothing was hit: K.
    never: u32,
}

// What is known of a sample after this iterate; four numbers, so that an array of it is a tensor of shape (samples, 4).
struct Record {
    // In nats, or in logits for the CW margin.
    loss: f32,
    // In logits.
    margin: f32,
    // How many iterates so far were classified correctly.
    kappa: f32,
    // The index of the first misclassified iterate, or `never`.
    first_hit: f32,
}

// z: samples x classes.
@group(0) @binding(0) var<storage, read> logits: array<f32>;
// y: one class per sample.
@group(0) @binding(1) var<storage, read> labels: array<i32>;
// r, the natural logits (kind 2 only; any buffer of that size otherwise): samples x classes.
@group(0) @binding(2) var<storage, read> reference: array<f32>;
// The records so far.
@group(0) @binding(3) var<storage, read> before: array<Record>;
// The loss alone, so that it can be a tensor of its own: one per sample.
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;
// The gradient of a sample's loss with respect to its logits: samples x classes.
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;
// The records with this iterate counted.
@group(0) @binding(6) var<storage, read_write> after: array<Record>;
@group(0) @binding(7) var<storage, read> settings: Settings;

const CROSS_ENTROPY: u32 = 0u;
const CW_MARGIN: u32 = 1u;

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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let sample = invocation.x;
    if sample >= settings.samples {
        return;
    }
    let row = sample * settings.classes;
    let label = u32(labels[sample]);
    let own = logits[row + label];

    // The strongest other class, and the strongest of all.
    var rival = 0u;
    if label == 0u {
        rival = 1u;
    }
    for (var c = rival + 1u; c < settings.classes; c += 1u) {
        if c != label && logits[row + c] > logits[row + rival] {
            rival = c;
        }
    }
    let other = logits[row + rival];
    let margin = own - other;
    let correct = margin > 0.0 || (margin == 0.0 && label < rival);
    var top = rival;
    if correct {
        top = label;
    }
    let highest = logits[row + top];

    // Sums of exp(z_c - highest) without the highest itself.
    var rest = 0.0;
    for (var c = 0u; c < settings.classes; c += 1u) {
        if c != top {
            rest += exp(logits[row + c] - highest);
        }
    }
    let whole = 1.0 + rest;
    let log_whole = log_one_plus(rest);

    var loss = 0.0;
    if settings.kind == CROSS_ENTROPY {
        loss = log_whole + (highest - own);
        var others = 0.0;
        for (var c = 0u; c < settings.classes; c += 1u) {
            if c != label {
                let probability = exp(logits[row + c] - highest) / whole;
                gradient[row + c] = probability;
                others += probability;
            }
        }
        gradient[row + label] = -others;
    } else if settings.kind == CW_MARGIN {
        loss = -margin;
        for (var c = 0u; c < settings.classes; c += 1u) {
            gradient[row + c] = 0.0;
        }
        gradient[row + rival] = 1.0;
        gradient[row + label] = -1.0;
    } else {
        var reference_top = 0u;
        for (var c = 1u; c < settings.classes; c += 1u) {
            if reference[row + c] > reference[row + reference_top] {
                reference_top = c;
            }
        }
        let reference_highest = reference[row + reference_top];
        var reference_rest = 0.0;
        for (var c = 0u; c < settings.classes; c += 1u) {
            if c != reference_top {
                reference_rest += exp(reference[row + c] - reference_highest);
            }
        }
        let reference_log_whole = log_one_plus(reference_rest);
        for (var c = 0u; c < settings.classes; c += 1u) {
            let log_target = reference[row + c] - reference_highest - reference_log_whole;
            let log_probability = logits[row + c] - highest - log_whole;
            let goal = exp(log_target);
            loss += goal * (log_target - log_probability);
            gradient[row + c] = exp(log_probability) - goal;
        }
    }

    losses[sample] = loss;
    var record = before[sample];
    record.loss = loss;
    record.margin = margin;
    if correct {
        record.kappa += 1.0;
    } else if record.first_hit == f32(settings.never) {
        record.first_hit = f32(settings.step);
    }
    after[sample] = record;
}
