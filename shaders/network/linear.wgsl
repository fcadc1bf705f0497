// A linear layer and what follows it, forwards or back to its input. The twin is the products of core/src/kernels/cpu/network.rs.
//
//   out[m] = finish(sum over k of w[k][m] x[k])
//
// A workgroup makes 16 outputs of 16 samples; 16 groups of its invocations share the inputs, and their sums are added up in fixed order.
// Dispatch: tiles of samples x tiles of outputs.

struct Settings {
    // Outputs, quads of them, inputs, quads of samples.
    rows: u32, row_quads: u32, inner: u32, quads: u32,
    // Where the weights begin, in quads; where the factors and the addends do; what follows the sum.
    weights: u32, scale: u32, shift: u32, flags: u32,
}

//@include finish
var<workgroup> sums: array<vec4<f32>, 1024>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let q = t % 16u;
    let m = group.y * 4u + q / 4u;
    let n = group.x * 4u + q % 4u;
    var c0 = vec4<f32>(0.0);
    var c1 = vec4<f32>(0.0);
    var c2 = vec4<f32>(0.0);
    var c3 = vec4<f32>(0.0);
    if (m < p.row_quads && n < p.quads) {
        for (var k = t / 16u; k < p.inner; k += 16u) {
            let a = w[p.weights + k * p.row_quads + m];
            let b = x[k * p.quads + n];
            c0 += a.x * b;
            c1 += a.y * b;
            c2 += a.z * b;
            c3 += a.w * b;
        }
    }
    sums[t] = c0;
    sums[256u + t] = c1;
    sums[512u + t] = c2;
    sums[768u + t] = c3;
    workgroupBarrier();
    if (t < 64u) {
        let r = t / 16u;
        var sum = vec4<f32>(0.0);
        for (var s = 0u; s < 16u; s++) { sum += sums[r * 256u + s * 16u + q]; }
        let row = m * 4u + r;
        if (row < p.rows && n < p.quads) { finish(sum, row, row * p.quads + n); }
    }
}
