// A convolution and what follows it, forwards or back to its input, without workgroup memory: for few channels, and for software
// adapters, on which barriers are dear. The twin is core/src/kernels/cpu/convolution.rs.
//
//   out[m][pixel] = finish(sum over taps and k of w[tap][k][m] x[k][pixel + shift of the tap])
//
// An invocation makes {{outputs}} channels of four samples of one pixel. Dispatch: 64 of them x tiles of channels x classes.

//@include window
//@include finish
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let class0 = p.classes[2u * group.z];
    let class1 = p.classes[2u * group.z + 1u];
    let g = group.x * 64u + t;
    if (g >= class0.x * class0.y * p.quads) { return; }
    let m0 = group.y * {{w_quads}}u;
    let channel_from = p.from_height * p.from_width * p.quads;
    let pixel = g / p.quads;
    let sample = g % p.quads;
    let y0 = i32(pixel / class0.y * p.step_from);
    let x0 = i32(pixel % class0.y * p.step_from);
//@for i in w_quads
    // Past the last quad of channels another is read, and nothing is written.
    let o{{i}} = min({{i}}u, p.row_quads - 1u - m0);
    var c{{i}}x = vec4<f32>(0.0);
    var c{{i}}y = vec4<f32>(0.0);
    var c{{i}}z = vec4<f32>(0.0);
    var c{{i}}w = vec4<f32>(0.0);
//@end
    for (var tap = class1.x; tap < class1.x + class1.y; tap++) {
        let shift = p.taps[tap];
        let y = y0 + shift.x;
        let z = x0 + shift.y;
        if (y >= 0 && z >= 0 && y < i32(p.from_height) && z < i32(p.from_width)) {
            let x_begin = u32(y * i32(p.from_width) + z) * p.quads + sample;
            let w_begin = p.weights + u32(shift.z) * p.inner * p.row_quads + m0;
            for (var k = 0u; k < p.inner; k++) {
                let b = x[k * channel_from + x_begin];
//@for i in w_quads
                let a{{i}} = w[w_begin + k * p.row_quads + o{{i}}];
                c{{i}}x += a{{i}}.x * b;
                c{{i}}y += a{{i}}.y * b;
                c{{i}}z += a{{i}}.z * b;
                c{{i}}w += a{{i}}.w * b;
//@end
            }
        }
    }
    let row = pixel / class0.y * p.step_to + class0.z;
    let to = (row * p.to_width + pixel % class0.y * p.step_to + class0.w) * p.quads + sample;
    let channel_to = p.to_height * p.to_width * p.quads;
//@for i in w_quads
    let r{{i}} = (m0 + {{i}}u) * 4u;
    if (r{{i}} < p.rows) { finish(c{{i}}x, r{{i}}, r{{i}} * channel_to + to); }
    if (r{{i}} + 1u < p.rows) { finish(c{{i}}y, r{{i}} + 1u, (r{{i}} + 1u) * channel_to + to); }
    if (r{{i}} + 2u < p.rows) { finish(c{{i}}z, r{{i}} + 2u, (r{{i}} + 2u) * channel_to + to); }
    if (r{{i}} + 3u < p.rows) { finish(c{{i}}w, r{{i}} + 3u, (r{{i}} + 3u) * channel_to + to); }
//@end
}
