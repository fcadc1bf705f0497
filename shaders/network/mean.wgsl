// The mean of every channel. The twin is in core/src/kernels/cpu/network.rs.

//@include each
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = invocation(group, count, t);
    if (i >= p.channels * p.quads) { return; }
    let pixels = p.height * p.width;
    let begin = i / p.quads * pixels * p.quads + i % p.quads;
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < pixels; k++) { sum += x[begin + k * p.quads]; }
    out[i] = sum / f32(pixels);
}
