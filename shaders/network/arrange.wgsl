// Weights in the order in which the kernels read them, forwards and back: [tap][input][output] and [tap][output][input], the last filled up
// with zeros to quads. On the way back the factor of each output is multiplied in. The twin is `InLanes::with_isa` in
// core/src/kernels/cpu/network.rs, which hands the same weights to its products.
//
// Dispatch: enough workgroups of 256 for the numbers of the target, in a grid.

struct Settings {
    // Inputs, outputs, taps; where the weights begin in the parameters.
    inputs: u32, outputs: u32, taps: u32, begin: u32,
    // From one weight to the next input, output and tap.
    by_input: u32, by_output: u32, by_tap: u32, to: u32,
    // 1: back. Where the factors begin; whether there are some.
    back: u32, scale: u32, scaled: u32, none: u32,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = (group.y * count.x + group.x) * 256u + t;
    let fast = select(p.outputs, p.inputs, p.back == 1u);
    let slow = select(p.inputs, p.outputs, p.back == 1u);
    let row = (fast + 3u) / 4u * 4u;
    if (i >= p.taps * slow * row) { return; }
    let f = i % row;
    let s = i / row % slow;
    let tap = i / (row * slow);
    var number = 0.0;
    if (f < fast) {
        let input = select(s, f, p.back == 1u);
        let output = select(f, s, p.back == 1u);
        number = parameters[p.begin + input * p.by_input + output * p.by_output + tap * p.by_tap];
        if (p.scaled == 1u) { number *= parameters[p.scale + output]; }
    }
    out[p.to + i] = number;
}
