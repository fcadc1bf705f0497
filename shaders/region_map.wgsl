// What a multilayer perceptron of points in the plane says at the middle of every cell of a grid over a rectangle:
//
//     class = argmax z, ties to the lowest
//     quantity 0: softmax(z)_class            quantity 1: z_class - the next greatest logit
//
// At most 4 hidden layers of at most 256, classes to 64. The layers are computed as in perceptron/layers.wgsl: four neighbouring units of a
// point make a slot, and an invocation computes a slot of four points.
// 2-64-64-2 on 512 x 512 cells: 4,352 multiply-adds a cell, 2.3 GFLOP in all; 16 ms are 143 GFLOP/s, a seventh of what integrated
// graphics of 1 TFLOP/s can do at best.
// The CPU twin is `region_map` in core/src/region_map.rs.
//
// Dispatch: one workgroup of 64 for each `together` cells of a slice, workgroups in a grid of at most 65,535 a side.

struct Settings {
    // Cells from left to right and from top to bottom.
    columns: u32,
    rows: u32,
    // The cells of this dispatch: from the first to before the last, counted row by row.
    from_cell: u32,
    to_cell: u32,
    // Cells of a workgroup; a multiple of 4.
    together: u32,
    // How many linear layers.
    layers: u32,
    // What is written beside the class.
    quantity: u32,
    // The first coordinate at the left edge and how much it grows over the grid.
    left: f32,
    width: f32,
    // The second coordinate at the top edge and how much it falls over the grid.
    top: f32,
    height: f32,
    // Units of the input (2), of every hidden layer and of the logits.
    sizes: array<u32, 6>,
}

// For every layer W (inputs x outputs) and then b, rows filled up with zeros to whole slots.
@group(0) @binding(0) var<storage, read> parameters: array<vec4<f32>>;
// (class, quantity) of every cell, row by row, the first row at the top.
@group(0) @binding(1) var<storage, read_write> map: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> settings: Settings;

const WORKGROUP: u32 = 64u;
// Slots of one of the two halves of the memory: a layer reads one and writes the other.
const HALF: u32 = 512u;

var<workgroup> signals: array<vec4<f32>, 1024>;

// Four rows of weights.
struct Rows {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

fn slots(units: u32) -> u32 {
    return (units + 3u) / 4u;
}

// What four inputs add to four outputs.
fn add_slot(sum: vec4<f32>, signal: vec4<f32>, rows: Rows) -> vec4<f32> {
    let first = fma(signal.yyyy, rows.b, fma(signal.xxxx, rows.a, sum));
    return fma(signal.wwww, rows.d, fma(signal.zzzz, rows.c, first));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let together = settings.together;
    let layers = settings.layers;
    let first = settings.from_cell + (workgroup.y * workgroups.x + workgroup.x) * together;

    for (var item = invocation; item < together; item += WORKGROUP) {
        let cell = first + item;
        let across = (f32(cell % settings.columns) + 0.5) / f32(settings.columns);
        let down = (f32(cell / settings.columns) + 0.5) / f32(settings.rows);
        signals[item] = vec4<f32>(settings.left + settings.width * across, settings.top - settings.height * down, 0.0, 0.0);
    }
    workgroupBarrier();

    var behind = 0u;
    var weights = 0u;
    for (var layer = 0u; layer < layers; layer += 1u) {
        let inputs = settings.sizes[layer];
        let columns = slots(settings.sizes[layer + 1u]);
        let ahead = HALF - behind;
        // ReLU, or nothing after the last layer.
        let least = vec4<f32>(select(-3.4e38, 0.0, layer + 1u < layers));
        for (var item = invocation; item < columns * together / 4u; item += WORKGROUP) {
            let column = item % columns;
            let point = item / columns * 4u;
            var a = vec4<f32>(0.0);
            var b = vec4<f32>(0.0);
            var c = vec4<f32>(0.0);
            var d = vec4<f32>(0.0);
            var row = weights + column;
            var at = behind + point;
            for (var slot = 0u; slot < slots(inputs); slot += 1u) {
                // Past the last input there are other numbers than its weights, or zeros; its signal is 0.
                let rows = Rows(
                    parameters[row], parameters[row + columns], parameters[row + 2u * columns], parameters[row + 3u * columns],
                );
                a = add_slot(a, signals[at], rows);
                b = add_slot(b, signals[at + 1u], rows);
                c = add_slot(c, signals[at + 2u], rows);
                d = add_slot(d, signals[at + 3u], rows);
                row += 4u * columns;
                at += together;
            }
            let bias = parameters[weights + inputs * columns + column];
            let to = ahead + column * together + point;
            signals[to] = max(a + bias, least);
            signals[to + 1u] = max(b + bias, least);
            signals[to + 2u] = max(c + bias, least);
            signals[to + 3u] = max(d + bias, least);
        }
        weights += (inputs + 1u) * columns;
        behind = ahead;
        workgroupBarrier();
    }

    let classes = settings.sizes[layers];
    for (var item = invocation; item < together; item += WORKGROUP) {
        let cell = first + item;
        var top = 0u;
        var highest = signals[behind + item].x;
        var next = -3.4e38;
        for (var c = 1u; c < classes; c += 1u) {
            let here = signals[behind + c / 4u * together + item][c % 4u];
            if here > highest {
                next = highest;
                highest = here;
                top = c;
            } else if here > next {
                next = here;
            }
        }
        var quantity = highest - next;
        if settings.quantity == 0u {
            var whole = 0.0;
            for (var c = 0u; c < classes; c += 1u) {
                whole += exp(signals[behind + c / 4u * together + item][c % 4u] - highest);
            }
            quantity = 1.0 / whole;
        }
        if cell < settings.to_cell {
            map[cell] = vec2<f32>(f32(top), quantity);
        }
    }
}
