// Mean, sum of squared deviations and count of every piece of a channel. Pieces are put together by norm_forward.wgsl.

//@include norm
//@include real
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> pieces: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var v: array<vec4<f32>, 4>;
    var m: array<vec4<f32>, 4>;
    var s = vec2<f32>(0.0);
    for (var i = 0u; i < 4u; i++) {
        let q = group.x * 1024u + i * 256u + t;
        v[i] = vec4<f32>(0.0);
        m[i] = vec4<f32>(0.0);
        if (q < p.groups) {
            v[i] = x[group.y * p.groups + q];
            m[i] = real(q);
        }
        s += vec2<f32>(dot(v[i], m[i]), dot(m[i], vec4<f32>(1.0)));
    }
    let all = sum_of_all(s, t);
    let mean = all.x / max(all.y, 1.0);
    var d = 0.0;
    for (var i = 0u; i < 4u; i++) {
        let e = (v[i] - mean) * m[i];
        d += dot(e, e);
    }
    let deviation = sum_of_all(vec2<f32>(d, 0.0), t).x;
    if (t == 0u) { pieces[group.y * p.pieces + group.x] = vec4<f32>(mean, deviation, all.y, 0.0); }
}
