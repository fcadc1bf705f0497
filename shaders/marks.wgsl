// Marks of the stage: discs, squares, triangles, diamonds, crosses and lines, thousands of them, with soft edges.
//
// Each mark is a rectangle around its middle, turned along its axis; a pixel is covered by as much as its distance d (in points, negative
// inside) from the mark's edge says:
//
//     cover = limit(0.5 - scale d, 0, 1)
//
// egui draws such marks too, but samples a texture for every pixel and has more corners for soft edges: on a software adapter that took
// most of a frame.
//
// Draw: six vertices (two triangles) for every mark, one mark an instance, in the viewport of the stage.

struct Settings {
    // The size of the viewport, in points; pixels a point; a number without meaning.
    size: vec2<f32>,
    scale: f32,
    unused: f32,
}

@group(0) @binding(0) var<uniform> settings: Settings;

struct Mark {
    // The middle, in points from the top left of the viewport.
    @location(0) middle: vec2<f32>,
    // From the middle to the end, in points.
    @location(1) axis: vec2<f32>,
    // From the middle to the side, in points.
    @location(2) half_width: f32,
    // What it is: see below.
    @location(3) kind: u32,
    // Its colour, multiplied by its alpha.
    @location(4) colour: vec4<f32>,
}

const DISC: u32 = 0u;
const BAR: u32 = 1u;
const TRIANGLE: u32 = 2u;
const DIAMOND: u32 = 3u;
const CROSS: u32 = 4u;

struct Corner {
    @builtin(position) position: vec4<f32>,
    // From the middle of the mark, along its axis and across, in points.
    @location(0) place: vec2<f32>,
    // Half its length and half its width.
    @location(1) @interpolate(flat) half_size: vec2<f32>,
    @location(2) @interpolate(flat) kind: u32,
    @location(3) @interpolate(flat) colour: vec4<f32>,
}

@vertex
fn corner(@builtin(vertex_index) index: u32, mark: Mark) -> Corner {
    // (-1, -1), (1, -1), (-1, 1) and (-1, 1), (1, -1), (1, 1)
    let right = index == 1u || index == 4u || index == 5u;
    let top = index == 2u || index == 3u || index == 5u;
    let sides = vec2<f32>(select(-1.0, 1.0, right), select(-1.0, 1.0, top));
    let length = max(sqrt(dot(mark.axis, mark.axis)), 1e-4);
    let along = mark.axis / length;
    let half_size = vec2<f32>(length, mark.half_width);
    // Half a pixel more on every side: there the soft edge ends.
    let place = sides * (half_size + 0.5 / settings.scale);
    let at = mark.middle + along * place.x + vec2<f32>(-along.y, along.x) * place.y;
    let part = at / settings.size;
    return Corner(vec4<f32>(2.0 * part.x - 1.0, 1.0 - 2.0 * part.y, 0.0, 1.0), place, half_size, mark.kind, mark.colour);
}

// How far from the edge of a bar of this half size.
fn bar(place: vec2<f32>, half_size: vec2<f32>) -> f32 {
    let beyond = abs(place) - half_size;
    return max(beyond.x, beyond.y);
}

@fragment
fn colour(from_corner: Corner) -> @location(0) vec4<f32> {
    let place = from_corner.place;
    let size = from_corner.half_size;
    let kind = from_corner.kind;
    let turned = vec2<f32>(place.x + place.y, place.x - place.y) * 0.70710678;
    let arm = vec2<f32>(size.x * 1.2, 0.8);
    var distance = sqrt(dot(place, place)) - size.x;
    distance = select(distance, bar(place, size), kind == BAR);
    distance = select(distance, (abs(place.x) + abs(place.y) - size.x) * 0.70710678, kind == DIAMOND);
    distance = select(distance, max(place.y - 0.6 * size.x, abs(place.x) * 0.86602540 - place.y * 0.5 - 0.5 * size.x), kind == TRIANGLE);
    distance = select(distance, min(bar(turned, arm), bar(turned.yx, arm)), kind == CROSS);
    return from_corner.colour * clamp(0.5 - settings.scale * distance, 0.0, 1.0);
}
