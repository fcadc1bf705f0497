// One step of projected gradient ascent on the L-infinity ball inside the pixel box (GAIRAT, Algorithm 1):
//
//     x^(t+1) = clamp( clamp( x^t + alpha * sign(g), x - epsilon, x + epsilon ), low, high )
//
// Elementwise over all pixels of all samples; sign(0) = 0. The CPU twin is `pgd_step` in core/src/attack/pgd_step.rs.
//
// Dispatch: one invocation per pixel, 64 to a workgroup, workgroups in a grid of at most 65,535 a side.

struct Settings {
    // Pixels in all; buffers are rounded up, so the arrays' own lengths say nothing.
    pixels: u32,
    // alpha, in pixel units.
    step_size: f32,
    // Radius of the ball, in pixel units.
    epsilon: f32,
    // The box.
    low: f32,
    high: f32,
}

// x^t.
@group(0) @binding(0) var<storage, read> iterate: array<f32>;
// x, the centre of the ball; may be the same buffer as `iterate`.
@group(0) @binding(1) var<storage, read> natural: array<f32>;
// The loss's gradient at x^t.
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
// x^(t+1).
@group(0) @binding(3) var<storage, read_write> stepped: array<f32>;
@group(0) @binding(4) var<storage, read> settings: Settings;

const WORKGROUP: u32 = 64u;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let pixel = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
    if pixel >= settings.pixels {
        return;
    }
    let centre = natural[pixel];
    let moved = iterate[pixel] + settings.step_size * sign(gradient[pixel]);
    let in_ball = min(max(moved, centre - settings.epsilon), centre + settings.epsilon);
    stepped[pixel] = min(max(in_ball, settings.low), settings.high);
}
