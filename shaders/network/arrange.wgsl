// Weights in the order in which the kernels read them, forwards and back: [tap][input][output] and [tap][output][input], the last filled up
// with zeros to quads. On the way back through a network in evaluation mode the factor of each output is multiplied in. The twin is
// `InLanes::with_isa` in core/src/kernels/cpu/network.rs, which hands the same weights to its products.
//
// Dispatch: workgroups of 256, so many for each part of the table, in a grid.

struct Part {
    // The workgroup it begins with; inputs, outputs, taps.
    group: u32, inputs: u32, outputs: u32, taps: u32,
    // Where the weights begin in the parameters; from one weight to the next input, output and tap.
    begin: u32, by_input: u32, by_output: u32, by_tap: u32,
    // Where they go; 1: back; 1: with factors of batch normalisation, 2: with factors among the parameters; where these begin.
    to: u32, back: u32, scaled: u32, scale: u32,
}
struct Settings {
    parts: u32, none0: u32, none1: u32, none2: u32,
    table: array<Part, {{parts}}>,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
// The factors of batch normalisation in evaluation mode.
@group(0) @binding(2) var<storage, read> folded: array<f32>;
@group(0) @binding(3) var<storage, read_write> forwards: array<f32>;
@group(0) @binding(4) var<storage, read_write> backwards: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let g = group.y * count.x + group.x;
    var place = 0u;
    while (place + 1u < p.parts && p.table[place + 1u].group <= g) { place++; }
    let part = p.table[place];
    let i = (g - part.group) * 256u + t;
    let fast = select(part.outputs, part.inputs, part.back == 1u);
    let slow = select(part.inputs, part.outputs, part.back == 1u);
    let row = (fast + 3u) / 4u * 4u;
    if (i >= part.taps * slow * row) { return; }
    let f = i % row;
    let s = i / row % slow;
    let tap = i / (row * slow);
    var number = 0.0;
    if (f < fast) {
        let input = select(s, f, part.back == 1u);
        let output = select(f, s, part.back == 1u);
        number = parameters[part.begin + input * part.by_input + output * part.by_output + tap * part.by_tap];
        if (part.scaled == 1u) { number *= folded[part.scale + output]; }
        if (part.scaled == 2u) { number *= parameters[part.scale + output]; }
    }
    if (part.back == 1u) { backwards[part.to + i] = number; } else { forwards[part.to + i] = number; }
}
