// The way back through the mean of a channel: every pixel gets its share. The twin is in core/src/kernels/cpu/network.rs.

//@include each
//@include back
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = invocation(group, count, t);
    let pixels = p.height * p.width;
    if (i >= p.channels * pixels * p.quads) { return; }
    finish(g[i / (p.quads * pixels) * p.quads + i % p.quads] / f32(pixels), i);
}
