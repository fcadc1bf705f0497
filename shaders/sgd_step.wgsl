// One step of stochastic gradient descent with momentum and weight decay, as PyTorch's:
//
//     v <- momentum v + (g + decay theta)          theta <- theta - rate v
//
// Elementwise over one parameter; with momentum 0 the old velocity is not looked at. The CPU twin is `sgd_step` in
// core/src/train/sgd_step.rs.
//
// Dispatch: one invocation per number, 64 to a workgroup, workgroups in a grid of at most 65,535 a side.

struct Settings {
    // Numbers in all; buffers are rounded up, so the arrays' own lengths say nothing.
    numbers: u32,
    // mu, from 0 to below 1; 0 in the first step.
    momentum: f32,
    // The L2 penalty.
    decay: f32,
    // The learning rate.
    rate: f32,
}

@group(0) @binding(0) var<storage, read> theta: array<f32>;
// May be the same buffer as `gradient` in the first step.
@group(0) @binding(1) var<storage, read> velocity: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> next_theta: array<f32>;
@group(0) @binding(4) var<storage, read_write> next_velocity: array<f32>;
@group(0) @binding(5) var<storage, read> settings: Settings;

const WORKGROUP: u32 = 64u;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
    if i >= settings.numbers {
        return;
    }
    var v = gradient[i] + settings.decay * theta[i];
    if settings.momentum > 0.0 {
        v += settings.momentum * velocity[i];
    }
    next_velocity[i] = v;
    next_theta[i] = theta[i] - settings.rate * v;
}
