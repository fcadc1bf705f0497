// relu(gamma (x - mean) / sqrt(variance + epsilon) + beta + add) with the statistics of the batch. The first piece of a channel keeps
// mean and 1 / sqrt(variance + epsilon) for the way back, and moves the running statistics towards those of the batch, the variance
// times n / (n - 1).

//@include norm
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> pieces: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> parameters: array<f32>;
@group(0) @binding(4) var<storage, read> add: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4<f32>>;
// Mean and inverse deviation of all channels of all layers.
@group(0) @binding(6) var<storage, read_write> kept: array<vec2<f32>>;
// Running means of all channels, then running variances.
@group(0) @binding(7) var<storage, read_write> statistics: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let c = group.y;
    var s = vec2<f32>(0.0);
    for (var i = t; i < p.pieces; i += 256u) {
        let e = pieces[c * p.pieces + i];
        s += vec2<f32>(e.x * e.z, e.z);
    }
    let all = sum_of_all(s, t);
    let mean = all.x / all.y;
    var d = 0.0;
    for (var i = t; i < p.pieces; i += 256u) {
        let e = pieces[c * p.pieces + i];
        d += e.y + e.z * (e.x - mean) * (e.x - mean);
    }
    let deviation = sum_of_all(vec2<f32>(d, 0.0), t).x;
    let inverse = 1.0 / sqrt(deviation / all.y + p.epsilon);
    let scale = parameters[p.gamma + c] * inverse;
    let beta = parameters[p.beta + c];
    for (var i = 0u; i < 4u; i++) {
        let q = group.x * 1024u + i * 256u + t;
        if (q < p.groups) {
            let place = c * p.groups + q;
            var r = (x[place] - mean) * scale + beta;
            if ((p.flags & 4u) != 0u) { r += add[place]; }
            if ((p.flags & 8u) != 0u) { r = select(r, vec4<f32>(0.0), r <= vec4<f32>(0.0)); }
            out[place] = r;
        }
    }
    if (group.x == 0u && t == 0u) {
        kept[p.channel + c] = vec2<f32>(mean, inverse);
        let m = p.channel + c;
        let v = p.channels + p.channel + c;
        statistics[m] = statistics[m] * (1.0 - p.momentum) + p.momentum * mean;
        statistics[v] = statistics[v] * (1.0 - p.momentum) + p.momentum * (deviation / max(all.y - 1.0, 1.0));
    }
}
