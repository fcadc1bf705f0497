// The picture of a region map: every pixel takes the class of its cell, the more of its colour the surer the network is there.
//
//     sureness = (quantity - least) / (full - least), limited to [0, 1]
//     depth = faintest + sureness (deepest - faintest)
//     colour = ground + depth (colour of the class - ground)
//
// Cells are mixed with their neighbours, so that a border between regions is a line and not a staircase.
// The same picture is made on the host by `Picture::show` in app/src/window/stage/picture.rs, for maps that lie there.
//
// Draw: three vertices, one triangle over the viewport, which is the visible part of the map.

struct Settings {
    // Cells from left to right and from top to bottom; the quantity that is shown as nothing, and the one that is shown as certain.
    columns: f32,
    rows: f32,
    least: f32,
    full: f32,
    // The visible part of the map: left, top, width and height, from 0 to 1.
    shown: vec4<f32>,
    // The colour behind the picture.
    ground: vec4<f32>,
    // The least and the greatest share of a class's colour; two numbers without meaning.
    depth: vec4<f32>,
    // The colours of ten classes; more begin again.
    classes: array<vec4<f32>, 10>,
}

// (class, quantity) of every cell, row by row, the first row at the top: what region_map.wgsl writes.
@group(0) @binding(0) var<storage, read> map: array<vec2<f32>>;
@group(0) @binding(1) var<uniform> settings: Settings;

struct Corner {
    @builtin(position) position: vec4<f32>,
    // From 0 to 1 over the viewport, from the left and from the top.
    @location(0) part: vec2<f32>,
}

// The colour of the cell in this column and row.
fn cell(column: f32, row: f32) -> vec3<f32> {
    let x = clamp(column, 0.0, settings.columns - 1.0);
    let y = clamp(row, 0.0, settings.rows - 1.0);
    let here = map[u32(y) * u32(settings.columns) + u32(x)];
    let sureness = clamp((here.y - settings.least) / (settings.full - settings.least), 0.0, 1.0);
    let depth = mix(settings.depth.x, settings.depth.y, sureness);
    return mix(settings.ground.rgb, settings.classes[u32(here.x) % 10u].rgb, depth);
}

@vertex
fn corner(@builtin(vertex_index) index: u32) -> Corner {
    // (-1, 1), (3, 1), (-1, -3): a triangle that covers the viewport.
    let part = vec2<f32>(f32(index == 1u), f32(index == 2u)) * 2.0;
    return Corner(vec4<f32>(part.x * 2.0 - 1.0, 1.0 - part.y * 2.0, 0.0, 1.0), part);
}

@fragment
fn colour(from_corner: Corner) -> @location(0) vec4<f32> {
    let at = (settings.shown.xy + settings.shown.zw * from_corner.part) * vec2<f32>(settings.columns, settings.rows) - 0.5;
    let low = floor(at);
    let between = at - low;
    let top = mix(cell(low.x, low.y), cell(low.x + 1.0, low.y), between.x);
    let bottom = mix(cell(low.x, low.y + 1.0), cell(low.x + 1.0, low.y + 1.0), between.x);
    return vec4<f32>(mix(top, bottom, between.y), 1.0);
}
