// A convolution and what follows it, forwards or back to its input, as a product of matrices in tiles. The twin is
// core/src/kernels/cpu/convolution.rs.
//
//   out[m][pixel] = finish(sum over taps and k of w[tap][k][m] x[k][pixel + shift of the tap])
//
// A workgroup makes {{outputs}} channels x {{pixels}} pixels (of all samples: four samples of one pixel are a quad). It goes through the taps, and
// within a tap through {{depth}} channels of the source at a time: a tile of weights and one of pixels are copied to workgroup memory, and
// each invocation multiplies 8 channels x 8 pixels of them. The taps are outside, so that the border is asked for once a tap.
// Dispatch: tiles of pixels x tiles of channels x classes.

//@include window
//@include finish
var<workgroup> ws: array<vec4<f32>, {{w_room}}>;
var<workgroup> xs: array<vec4<f32>, {{x_room}}>;

@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let class0 = p.classes[2u * group.z];
    let class1 = p.classes[2u * group.z + 1u];
    let count = class0.x * class0.y * p.quads;
    let g0 = group.x * {{x_quads}}u;
    if (g0 >= count) { return; }
    let m0 = group.y * {{w_quads}}u;
    let channel_from = p.from_height * p.from_width * p.quads;
    // The column of the tile of pixels that this invocation copies, and the first row of it.
    let xc = t % {{x_quads}}u;
    let xr = t / {{x_quads}}u;
    let g = g0 + xc;
    let pixel = g / p.quads;
    let sample = g % p.quads;
    let y0 = i32(pixel / class0.y * p.step_from);
    let x0 = i32(pixel % class0.y * p.step_from);
    // The same for the tile of weights.
    let wc = t % {{w_quads}}u;
    let wr = t / {{w_quads}}u;
    let w_inside = m0 + wc < p.row_quads;
    // What it computes.
    let tx = t % {{across}}u;
    let ty = t / {{across}}u;
//@for i in two
//@for j in two
    var c{{i}}x{{j}} = vec4<f32>(0.0);
    var c{{i}}y{{j}} = vec4<f32>(0.0);
    var c{{i}}z{{j}} = vec4<f32>(0.0);
    var c{{i}}w{{j}} = vec4<f32>(0.0);
//@end
//@end
    for (var tap = class1.x; tap < class1.x + class1.y; tap++) {
        let shift = p.taps[tap];
        let y = y0 + shift.x;
        let z = x0 + shift.y;
        let inside = g < count && y >= 0 && z >= 0 && y < i32(p.from_height) && z < i32(p.from_width);
        let x_begin = u32(y * i32(p.from_width) + z) * p.quads + sample;
        let w_begin = p.weights + u32(shift.z) * p.inner * p.row_quads + m0 + wc;
        for (var k0 = 0u; k0 < p.inner; k0 += {{depth}}u) {
//@for i in x_copies
            let kx{{i}} = k0 + xr + {{i}}u * {{x_step}}u;
            var rx{{i}} = vec4<f32>(0.0);
            if (inside && kx{{i}} < p.inner) { rx{{i}} = x[kx{{i}} * channel_from + x_begin]; }
//@end
//@for i in w_copies
            let kw{{i}} = k0 + wr + {{i}}u * {{w_step}}u;
            var rw{{i}} = vec4<f32>(0.0);
            if (w_inside && kw{{i}} < p.inner) { rw{{i}} = w[w_begin + kw{{i}} * p.row_quads]; }
//@end
            workgroupBarrier();
//@for i in x_copies
            if (xr + {{i}}u * {{x_step}}u < {{depth}}u) { xs[(xr + {{i}}u * {{x_step}}u) * {{x_quads}}u + xc] = rx{{i}}; }
//@end
//@for i in w_copies
            if (wr + {{i}}u * {{w_step}}u < {{depth}}u) { ws[(wr + {{i}}u * {{w_step}}u) * {{w_quads}}u + wc] = rw{{i}}; }
//@end
            workgroupBarrier();
//@for k in depth
            {
//@for i in two
                let a{{i}} = ws[{{k}}u * {{w_quads}}u + ty + {{i}}u * {{w_half}}u];
                let b{{i}} = xs[{{k}}u * {{x_quads}}u + tx + {{i}}u * {{x_half}}u];
//@end
//@for i in two
//@for j in two
                c{{i}}x{{j}} += a{{i}}.x * b{{j}};
                c{{i}}y{{j}} += a{{i}}.y * b{{j}};
                c{{i}}z{{j}} += a{{i}}.z * b{{j}};
                c{{i}}w{{j}} += a{{i}}.w * b{{j}};
//@end
//@end
            }
//@end
        }
    }
    let channel_to = p.to_height * p.to_width * p.quads;
//@for j in two
    {
        let here = g0 + tx + {{j}}u * {{x_half}}u;
        if (here < count) {
            let q = here / p.quads;
            let row = q / class0.y * p.step_to + class0.z;
            let to = (row * p.to_width + q % class0.y * p.step_to + class0.w) * p.quads + here % p.quads;
//@for i in two
            let r{{i}} = (m0 + ty + {{i}}u * {{w_half}}u) * 4u;
            if (r{{i}} < p.rows) { finish(c{{i}}x{{j}}, r{{i}}, r{{i}} * channel_to + to); }
            if (r{{i}} + 1u < p.rows) { finish(c{{i}}y{{j}}, r{{i}} + 1u, (r{{i}} + 1u) * channel_to + to); }
            if (r{{i}} + 2u < p.rows) { finish(c{{i}}z{{j}}, r{{i}} + 2u, (r{{i}} + 2u) * channel_to + to); }
            if (r{{i}} + 3u < p.rows) { finish(c{{i}}w{{j}}, r{{i}} + 3u, (r{{i}} + 3u) * channel_to + to); }
//@end
        }
    }
//@end
}
