// Sums of g and of g times the normalised x of every piece of a channel: the gradients of beta and gamma, and what norm_back.wgsl takes
// from the gradient of the batch's statistics.

//@include norm
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> kept: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> pieces: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let k = kept[p.channel + group.y];
    var s = vec2<f32>(0.0);
    for (var i = 0u; i < 4u; i++) {
        let q = group.x * 1024u + i * 256u + t;
        if (q < p.groups) {
            let place = group.y * p.groups + q;
            // Samples that fill up have a gradient of 0.
            let e = g[place];
            s += vec2<f32>(dot(e, vec4<f32>(1.0)), dot(e, (x[place] - k.x) * k.y));
        }
    }
    let all = sum_of_all(s, t);
    if (t == 0u) { pieces[group.y * p.pieces + group.x] = vec4<f32>(all, 0.0, 0.0); }
}
