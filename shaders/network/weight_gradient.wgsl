// The gradient of a layer's weights as a product of matrices in tiles.
//
// A workgroup makes {{rows}} rows x {{outputs}} outputs of one split. It goes through the split {{depth_quads}} quads at a time: a tile of the source
// and one of the gradient are copied to workgroup memory, and each invocation multiplies 8 rows x 8 outputs of them.
// Dispatch: tiles of rows x tiles of outputs x splits.

//@include correlation
// One quad more a row, so that not all reads meet in one bank.
var<workgroup> xs: array<vec4<f32>, {{x_room}}>;
var<workgroup> gs: array<vec4<f32>, {{g_room}}>;

@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let r0 = group.x * {{rows}}u;
    let m0 = group.y * {{outputs}}u;
    let begin = group.z * p.split;
    let end = min(begin + p.split, p.groups);
    // What it copies: a quad of so many rows.
    let lk = t % {{depth_quads}}u;
    let lr = t / {{depth_quads}}u;
    // What it computes.
    let tx = t % {{across}}u;
    let ty = t / {{across}}u;
    var k = begin + lk;
    var n = k % p.quads;
    var px = i32((k / p.quads) % u32(p.to_width));
    var py = i32(k / p.quads / u32(p.to_width));
//@for i in x_copies
    let row{{i}} = r0 + lr + {{i}}u * {{step}}u;
    let dy{{i}} = i32(row{{i}} / p.inputs / p.kernel) - p.padding;
    let dx{{i}} = i32(row{{i}} / p.inputs % p.kernel) - p.padding;
    let x_begin{{i}} = i32(row{{i}} % p.inputs) * p.from_height * p.from_width;
//@end
//@for i in g_copies
    let output{{i}} = m0 + lr + {{i}}u * {{step}}u;
//@end
//@for i in eight
//@for h in two
    var c{{i}}x{{h}} = vec4<f32>(0.0);
//@end
//@end
    for (var k0 = begin; k0 < end; k0 += {{depth_quads}}u) {
//@for i in x_copies
        var rx{{i}} = vec4<f32>(0.0);
        {
            let y = py * p.stride + dy{{i}};
            let z = px * p.stride + dx{{i}};
            if (k < end && row{{i}} < p.rows && y >= 0 && z >= 0 && y < p.from_height && z < p.from_width) {
                rx{{i}} = x[u32(x_begin{{i}} + y * p.from_width + z) * p.quads + n];
            }
        }
//@end
//@for i in g_copies
        var rg{{i}} = vec4<f32>(0.0);
        if (k < end && output{{i}} < p.outputs) { rg{{i}} = g[output{{i}} * p.groups + k]; }
//@end
        k += {{depth_quads}}u;
        n += {{depth_quads}}u;
        while (n >= p.quads) {
            n -= p.quads;
            px += 1;
            if (px >= p.to_width) {
                px = 0;
                py += 1;
            }
        }
        workgroupBarrier();
//@for i in x_copies
        xs[lk * {{x_row}}u + lr + {{i}}u * {{step}}u] = rx{{i}};
//@end
//@for i in g_copies
        {
            // Output 4 i + r lies at r * outputs / 4 + i, so that neighbours read neighbours.
            let q = lr + {{i}}u * {{step}}u;
            gs[lk * {{g_row}}u + (q % 4u) * {{g_quads}}u + q / 4u] = rg{{i}};
        }
//@end
        workgroupBarrier();
//@for k in depth_quads
        {
//@for h in two
            let g{{h}}x0 = gs[{{k}}u * {{g_row}}u + {{h}}u * {{g_half}}u + ty];
            let g{{h}}x1 = gs[{{k}}u * {{g_row}}u + {{g_quads}}u + {{h}}u * {{g_half}}u + ty];
            let g{{h}}x2 = gs[{{k}}u * {{g_row}}u + 2u * {{g_quads}}u + {{h}}u * {{g_half}}u + ty];
            let g{{h}}x3 = gs[{{k}}u * {{g_row}}u + 3u * {{g_quads}}u + {{h}}u * {{g_half}}u + ty];
            let b{{h}}x = vec4<f32>(g{{h}}x0.x, g{{h}}x1.x, g{{h}}x2.x, g{{h}}x3.x);
            let b{{h}}y = vec4<f32>(g{{h}}x0.y, g{{h}}x1.y, g{{h}}x2.y, g{{h}}x3.y);
            let b{{h}}z = vec4<f32>(g{{h}}x0.z, g{{h}}x1.z, g{{h}}x2.z, g{{h}}x3.z);
            let b{{h}}w = vec4<f32>(g{{h}}x0.w, g{{h}}x1.w, g{{h}}x2.w, g{{h}}x3.w);
//@end
//@for i in eight
            let a{{i}} = xs[{{k}}u * {{x_row}}u + {{i}}u * {{across}}u + tx];
//@for h in two
            c{{i}}x{{h}} += a{{i}}.x * b{{h}}x;
            c{{i}}x{{h}} += a{{i}}.y * b{{h}}y;
            c{{i}}x{{h}} += a{{i}}.z * b{{h}}z;
            c{{i}}x{{h}} += a{{i}}.w * b{{h}}w;
//@end
//@end
        }
//@end
    }
//@for i in eight
    {
        let row = r0 + tx + {{i}}u * {{across}}u;
        if (row < p.rows) {
//@for h in two
            let m{{h}} = m0 + 4u * (ty + {{h}}u * {{g_half}}u);
            put(c{{i}}x{{h}}.x, row, m{{h}}, group.z);
            put(c{{i}}x{{h}}.y, row, m{{h}} + 1u, group.z);
            put(c{{i}}x{{h}}.z, row, m{{h}} + 2u, group.z);
            put(c{{i}}x{{h}}.w, row, m{{h}} + 3u, group.z);
//@end
        }
    }
//@end
}
