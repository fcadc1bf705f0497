// What follows the sum of one channel at four samples of one pixel: included by the kernels of products.
//
//   r = relu(scale r + shift + add), each part where its flag is set; on the way back 0 where the signal `mask` is not positive.
//
// A NaN stays one: what is compared is what is to become 0.

@group(0) @binding(0) var<uniform> p: Settings;
// The source: channels x pixels x quads of samples.
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
// Weights, four outputs at a time.
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
// The result: channels x pixels x quads of samples.
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;
// The network's parameters, among them one factor and one addend a channel.
@group(0) @binding(4) var<storage, read> parameters: array<f32>;
// What is added, laid out as the result.
@group(0) @binding(5) var<storage, read> add: array<vec4<f32>>;
// The signal whose ReLU the gradient goes back through, laid out as the result.
@group(0) @binding(6) var<storage, read> mask: array<vec4<f32>>;

fn finish(sum: vec4<f32>, channel: u32, place: u32) {
    var r = sum;
    if ((p.flags & 1u) != 0u) { r *= parameters[p.scale + channel]; }
    if ((p.flags & 2u) != 0u) { r += parameters[p.shift + channel]; }
    if ((p.flags & 4u) != 0u) { r += add[place]; }
    if ((p.flags & 8u) != 0u) { r = select(r, vec4<f32>(0.0), r <= vec4<f32>(0.0)); }
    if ((p.flags & 16u) != 0u) { r = select(vec4<f32>(0.0), r, mask[place] > vec4<f32>(0.0)); }
    out[place] = r;
}
