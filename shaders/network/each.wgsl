// Which quad an invocation computes, for kernels that are no products: included by them. Dispatch: enough workgroups of 256, in a grid.

struct Settings {
    // Channels, height and width of the signal that the layer reads; quads of samples.
    channels: u32, height: u32, width: u32, quads: u32,
    // Where the factors and the addends of the channels begin; what follows (see finish.wgsl).
    scale: u32, shift: u32, flags: u32, none: u32,
}
@group(0) @binding(0) var<uniform> p: Settings;

fn invocation(group: vec3<u32>, count: vec3<u32>, t: u32) -> u32 {
    return (group.y * count.x + group.x) * 256u + t;
}
