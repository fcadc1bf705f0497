// One step of SGD with momentum and weight decay on all parameters: v <- momentum v + (g + decay theta), theta <- theta - rate v; in the
// first step, when there is no velocity yet, momentum is 0. The twin is `sgd_step` in core/src/train/sgd_step.rs.
//
// Dispatch: enough workgroups of 256 for the parameters, in a grid.

struct Settings {
    numbers: u32, momentum: f32, decay: f32, rate: f32,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> velocity: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = (group.y * count.x + group.x) * 256u + t;
    if (i >= p.numbers) { return; }
    let theta = parameters[i];
    var v = gradient[i] + p.decay * theta;
    if (p.momentum > 0.0) { v += p.momentum * velocity[i]; }
    velocity[i] = v;
    parameters[i] = theta - p.rate * v;
}
