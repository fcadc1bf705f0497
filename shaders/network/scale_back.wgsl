// The way back through `scale x + shift`: scale g. With no factors (flag 1 not set) the way back through an addition: g. The twin is in
// core/src/kernels/cpu/network.rs.

//@include each
//@include back
@group(0) @binding(5) var<storage, read> parameters: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = invocation(group, count, t);
    let channel = p.height * p.width * p.quads;
    if (i >= p.channels * channel) { return; }
    var r = g[i];
    if ((p.flags & 1u) != 0u) { r *= parameters[p.scale + i / channel]; }
    finish(r, i);
}
