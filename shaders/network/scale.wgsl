// relu(scale x + shift) per channel. The twin is in core/src/kernels/cpu/network.rs.

//@include each
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = invocation(group, count, t);
    let channel = p.height * p.width * p.quads;
    if (i >= p.channels * channel) { return; }
    let c = i / channel;
    var r = x[i] * parameters[p.scale + c] + parameters[p.shift + c];
    if ((p.flags & 8u) != 0u) { r = select(r, vec4<f32>(0.0), r <= vec4<f32>(0.0)); }
    out[i] = r;
}
