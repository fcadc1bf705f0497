// The way back through max pooling: the gradient goes to the first of the largest, in reading order. The twin is in
// core/src/kernels/cpu/network.rs.

//@include each
//@include back
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = invocation(group, count, t);
    if (i >= p.channels * p.height * p.width * p.quads) { return; }
    let height = p.height / 2u;
    let width = p.width / 2u;
    let n = i % p.quads;
    let x0 = i / p.quads % p.width;
    let y0 = i / (p.quads * p.width) % p.height;
    let c = i / (p.quads * p.width * p.height);
    let row = y0 / 2u;
    let column = x0 / 2u;
    var r = vec4<f32>(0.0);
    if (row < height && column < width) {
        let above = ((c * p.height + 2u * row) * p.width + 2u * column) * p.quads + n;
        let below = above + p.width * p.quads;
        let v0 = x[above];
        let v1 = x[above + p.quads];
        let v2 = x[below];
        let v3 = x[below + p.quads];
        let top = max(max(v0, v1), max(v2, v3));
        let place = (y0 % 2u) * 2u + x0 % 2u;
        var first = x[i] == top;
        if (place > 0u) { first = first & (v0 != top); }
        if (place > 1u) { first = first & (v1 != top); }
        if (place > 2u) { first = first & (v2 != top); }
        r = select(r, g[((c * height + row) * width + column) * p.quads + n], first);
    }
    finish(r, i);
}
