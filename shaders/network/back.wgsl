// The bindings of kernels that carry a gradient back to the signal that their layer reads, and what follows: included by them.

// The signal that the layer reads: channels x pixels x quads of samples.
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
// The gradient at the layer's result.
@group(0) @binding(2) var<storage, read> g: array<vec4<f32>>;
// What other layers gave to the gradient at `x` before.
@group(0) @binding(3) var<storage, read> before: array<vec4<f32>>;
// The gradient at `x`.
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;

fn finish(share: vec4<f32>, place: u32) {
    var r = share;
    if ((p.flags & 4u) != 0u) { r += before[place]; }
    if ((p.flags & 16u) != 0u) { r = select(vec4<f32>(0.0), r, x[place] > vec4<f32>(0.0)); }
    out[place] = r;
}
