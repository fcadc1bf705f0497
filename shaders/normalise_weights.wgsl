// Weights with mean 1 from the logarithms of raw ones (GAIRAT, equation 6 and Algorithm 2):
//
//     omega_i = N exp(l_i - max l) / sum_j exp(l_j - max l)
//
// The largest term of the sum is 1, so it is never 0, however small the raw weights are.
// The CPU twin is `normalised` in core/src/weight/normalise.rs.
//
// Dispatch: one workgroup of 256.

struct Settings {
    samples: u32,
    // Numbers of a sample.
    width: u32,
    // The one that counts: l, or with a curve the index of l in that.
    place: u32,
    // Numbers of the curve; 0 for none.
    curve: u32,
}

// samples x width.
@group(0) @binding(0) var<storage, read> numbers: array<f32>;
// Any buffer where there is none.
@group(0) @binding(1) var<storage, read> curve: array<f32>;
// omega: one per sample.
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read> settings: Settings;

const WORKGROUP: u32 = 256u;

var<workgroup> parts: array<f32, 256>;

// l of a sample.
fn log_of(sample: u32) -> f32 {
    let number = numbers[sample * settings.width + settings.place];
    if settings.curve > 0u {
        return curve[min(u32(number), settings.curve - 1u)];
    }
    return number;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) invocation: u32) {
    let samples = settings.samples;
    // No logarithm of a weight is below this, and exp(-3.4e38 - max) is 0.
    var part = -3.4e38;
    for (var i = invocation; i < samples; i += WORKGROUP) {
        part = max(part, log_of(i));
    }
    parts[invocation] = part;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            parts[invocation] = max(parts[invocation], parts[invocation + half]);
        }
        workgroupBarrier();
    }
    let largest = parts[0];
    workgroupBarrier();

    part = 0.0;
    for (var i = invocation; i < samples; i += WORKGROUP) {
        part += exp(log_of(i) - largest);
    }
    parts[invocation] = part;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            parts[invocation] += parts[invocation + half];
        }
        workgroupBarrier();
    }
    let scale = f32(samples) / parts[0];
    for (var i = invocation; i < samples; i += WORKGROUP) {
        weights[i] = scale * exp(log_of(i) - largest);
    }
}
