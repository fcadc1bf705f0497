// The gradient of biases: the sum of every channel. The twin is `product_gradient` in core/src/kernels/cpu/network.rs.
//
// Dispatch: a workgroup a channel.

struct Settings {
    // Quads of a channel; where the biases' gradients go.
    groups: u32, to: u32, none0: u32, none1: u32,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
var<workgroup> room: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var sum = vec4<f32>(0.0);
    for (var i = t; i < p.groups; i += 256u) { sum += g[group.x * p.groups + i]; }
    room[t] = sum;
    workgroupBarrier();
    for (var s = 128u; s > 0u; s >>= 1u) {
        if (t < s) { room[t] += room[t + s]; }
        workgroupBarrier();
    }
    if (t == 0u) { gradient[p.to + group.x] = dot(room[0], vec4<f32>(1.0)); }
}
