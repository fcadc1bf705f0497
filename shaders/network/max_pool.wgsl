// The largest of every 2 x 2 pixels; an odd last row or column is left out, and a NaN wins. The twin is in
// core/src/kernels/cpu/network.rs.

//@include each
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;

fn larger(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return select(b, a, (a > b) | (a != a)); }

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = invocation(group, count, t);
    let height = p.height / 2u;
    let width = p.width / 2u;
    if (i >= p.channels * height * width * p.quads) { return; }
    let column = i / p.quads % width;
    let row = i / (p.quads * width) % height;
    let c = i / (p.quads * width * height);
    let above = ((c * p.height + 2u * row) * p.width + 2u * column) * p.quads + i % p.quads;
    let below = above + p.width * p.quads;
    out[i] = larger(larger(x[above], x[above + p.quads]), larger(x[below], x[below + p.quads]));
}
