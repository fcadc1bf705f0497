// Batch normalisation in evaluation mode as a factor and an addend of every channel of every layer. The twin is `scale_and_shift` in
// core/src/model/batch_norm.rs.
//
// Dispatch: enough workgroups of 256 for the channels, in a grid.

struct Settings {
    // Channels of all layers; where gammas and betas begin in the parameters.
    channels: u32, gamma: u32, beta: u32, epsilon: f32,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
// Running means of all channels, then running variances.
@group(0) @binding(2) var<storage, read> statistics: array<f32>;
// Factors of all channels, then addends.
@group(0) @binding(3) var<storage, read_write> folded: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = (group.y * count.x + group.x) * 256u + t;
    if (c >= p.channels) { return; }
    let scale = parameters[p.gamma + c] / sqrt(statistics[p.channels + c] + p.epsilon);
    folded[c] = scale;
    folded[p.channels + c] = parameters[p.beta + c] - statistics[c] * scale;
}
