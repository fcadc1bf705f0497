// What the kernels of weights' gradients share: included by them. The twin is `product_gradient` in core/src/kernels/cpu/network.rs.
//
//   out[tap, input][output] = sum over pixels and samples of x[input][stride pixel + tap - padding] g[output][pixel]
//
// The sum is cut into splits of so many quads; their sums lie one behind the other and are added up in that order by sum.wgsl.

struct Settings {
    // Rows: taps times inputs; outputs; inputs; quads of samples.
    rows: u32, outputs: u32, inputs: u32, quads: u32,
    // Height and width of the source, width of the target; side of the kernel.
    from_height: i32, from_width: i32, to_width: i32, kernel: u32,
    // Pixels from one output to the next; zeros on every side; quads of all pixels, and of one split.
    stride: i32, padding: i32, groups: u32, split: u32,
    // Where the sums go and how far those of the splits are apart; from one weight to the next input and output.
    to: u32, by_split: u32, by_input: u32, by_output: u32,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

fn put(sum: f32, row: u32, output: u32, split: u32) {
    // Taps are beside each other; a linear layer has one.
    if (output < p.outputs) { out[p.to + split * p.by_split + row / p.inputs + row % p.inputs * p.by_input + output * p.by_output] = sum; }
}
