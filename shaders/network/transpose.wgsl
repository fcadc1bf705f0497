// Rows of samples to samples beside each other, or back: out[column][row] = x[row][column], and 0 where there is no such row. The twins
// are `into_lanes` and `out_of_lanes` in core/src/kernels/cpu/passes.rs.
//
// A workgroup turns 16 x 16 numbers in its memory, so that it reads and writes along rows. Dispatch: tiles of columns x tiles of rows of
// the target's length.

struct Settings {
    // Rows and columns of the source; numbers from one of its rows to the next; the same for the target.
    rows: u32, columns: u32, stride_from: u32, stride_to: u32,
    // Rows that the target has room for: those past the source's become 0.
    room: u32, none0: u32, none1: u32, none2: u32,
}
@group(0) @binding(0) var<uniform> p: Settings;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
// One number more a row, so that neither way all reads meet in one bank.
var<workgroup> tile: array<f32, 272>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let fast = t % 16u;
    let slow = t / 16u;
    let row = group.y * 16u + slow;
    let column = group.x * 16u + fast;
    var number = 0.0;
    if (row < p.rows && column < p.columns) { number = x[row * p.stride_from + column]; }
    tile[slow * 17u + fast] = number;
    workgroupBarrier();
    let to_row = group.y * 16u + fast;
    let to_column = group.x * 16u + slow;
    if (to_row < p.room && to_column < p.columns) { out[to_column * p.stride_to + to_row] = tile[fast * 17u + slow]; }
}
