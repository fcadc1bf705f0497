// The gradient of a layer's weights without workgroup memory, for software adapters, on which barriers are dear.
//
// An invocation makes 8 outputs of one row of one split. Dispatch: 64 rows x tiles of outputs x splits.

//@include correlation
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let row = group.x * 64u + t;
    if (row >= p.rows) { return; }
    let m0 = group.y * 8u;
    let begin = group.z * p.split;
    let end = min(begin + p.split, p.groups);
    let dy = i32(row / p.inputs / p.kernel) - p.padding;
    let dx = i32(row / p.inputs % p.kernel) - p.padding;
    let x_begin = i32(row % p.inputs) * p.from_height * p.from_width;
    var n = begin % p.quads;
    var px = i32((begin / p.quads) % u32(p.to_width));
    var py = i32(begin / p.quads / u32(p.to_width));
//@for m in eight
    var c{{m}} = vec4<f32>(0.0);
    // Past the last output another is read, and nothing is written.
    let g{{m}} = min(m0 + {{m}}u, p.outputs - 1u) * p.groups;
//@end
    for (var k = begin; k < end; k++) {
        let y = py * p.stride + dy;
        let z = px * p.stride + dx;
        if (y >= 0 && z >= 0 && y < p.from_height && z < p.from_width) {
            let v = x[u32(x_begin + y * p.from_width + z) * p.quads + n];
//@for m in eight
            c{{m}} += v * g[g{{m}} + k];
//@end
        }
        n += 1u;
        if (n >= p.quads) {
            n = 0u;
            px += 1;
            if (px >= p.to_width) {
                px = 0;
                py += 1;
            }
        }
    }
//@for m in eight
    put(dot(c{{m}}, vec4<f32>(1.0)), row, m0 + {{m}}u, group.z);
//@end
}
