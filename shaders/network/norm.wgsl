// What the kernels of batch normalisation in training mode share: included by them. The twin is `BatchNorm2d` in
// core/src/model/batch_norm.rs.
//
// A channel is cut into pieces of 1024 quads, each the work of a workgroup; sums go from invocations to pieces to channels in a fixed
// order. Dispatch: pieces x channels.

struct Settings {
    // Quads of a channel; quads of samples; samples; pieces of a channel.
    groups: u32, quads: u32, samples: u32, pieces: u32,
    // Where gamma and beta begin in the parameters; the first of the layer's channels among those of all layers, and how many these are.
    gamma: u32, beta: u32, channel: u32, channels: u32,
    // What follows (see finish.wgsl); the share of this batch in the running statistics; what is added to a variance.
    flags: u32, momentum: f32, epsilon: f32, none: u32,
}
@group(0) @binding(0) var<uniform> p: Settings;

var<workgroup> room: array<vec2<f32>, 256>;

// The sums of the workgroup's pairs, to all of its invocations.
fn sum_of_all(pair: vec2<f32>, t: u32) -> vec2<f32> {
    room[t] = pair;
    workgroupBarrier();
    for (var s = 128u; s > 0u; s >>= 1u) {
        if (t < s) { room[t] += room[t + s]; }
        workgroupBarrier();
    }
    let sums = room[0];
    workgroupBarrier();
    return sums;
}
