// Parts that lie one behind the other, added up in their order: out[i] = (added ? out[i] : 0) + part[0][i] + part[1][i] + ...
//
// Dispatch: enough workgroups of 256 for the numbers of a part, in a grid.

struct Settings {
    // Numbers of a part; parts; where the sums go; 1: onto what is there.
    numbers: u32, parts: u32, to: u32, added: u32,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let i = (group.y * count.x + group.x) * 256u + t;
    if (i >= p.numbers) { return; }
    var sum = 0.0;
    if (p.added == 1u) { sum = out[p.to + i]; }
    for (var k = 0u; k < p.parts; k++) { sum += x[k * p.numbers + i]; }
    out[p.to + i] = sum;
}
