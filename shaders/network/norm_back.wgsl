// The way back through batch normalisation in training mode, gamma / sqrt(variance + epsilon) (g - mean(g) - x' mean(g x')) with x' the
// normalised x, and what follows; the first piece of a channel writes the gradients of gamma and beta.

//@include norm
//@include real
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> kept: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> pieces: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> parameters: array<f32>;
// What other layers gave to the gradient at `x` before.
@group(0) @binding(6) var<storage, read> before: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4<f32>>;
// Laid out as the parameters.
@group(0) @binding(8) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = group.y;
    var s = vec2<f32>(0.0);
    for (var i = t; i < p.pieces; i += 256u) { s += pieces[c * p.pieces + i].xy; }
    let all = sum_of_all(s, t);
    let k = kept[p.channel + c];
    let share = all / f32(p.groups / p.quads * p.samples);
    let scale = parameters[p.gamma + c] * k.y;
    for (var i = 0u; i < 4u; i++) {
        let q = group.x * 1024u + i * 256u + t;
        if (q < p.groups) {
            let place = c * p.groups + q;
            let normalised = (x[place] - k.x) * k.y;
            var r = scale * (g[place] - share.x - normalised * share.y) * real(q);
            if ((p.flags & 4u) != 0u) { r += before[place]; }
            if ((p.flags & 16u) != 0u) { r = select(vec4<f32>(0.0), r, x[place] > vec4<f32>(0.0)); }
            out[place] = r;
        }
    }
    if (group.x == 0u && t == 0u) {
        gradient[p.gamma + c] = all.y;
        gradient[p.beta + c] = all.x;
    }
}
