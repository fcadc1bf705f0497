// Where a convolution reads and writes: included by its two kernels.
//
// A target pixel lies at step_to * q + first of its class, and reads the source at step_from * q + shift of every tap of its class. Forwards
// there is one class. Back through a stride of s there are s x s of them, because a pixel of the input was read through those taps
// alone that the stride divides.

struct Settings {
    // Channels of the target, quads of them, channels of the source, quads of samples.
    rows: u32, row_quads: u32, inner: u32, quads: u32,
    // Height and width of the source and of the target.
    from_height: u32, from_width: u32, to_height: u32, to_width: u32,
    // Pixels from one source to the next and from one target to the next; where the weights begin, in quads; where the factors do.
    step_from: u32, step_to: u32, weights: u32, scale: u32,
    // Where the addends begin; what follows the sum.
    shift: u32, flags: u32, none0: u32, none1: u32,
    // Two a class: count of rows and columns, first row and column; first tap, count of taps.
    classes: array<vec4<u32>, 32>,
    // Shift in rows and columns, place of the tap's weights.
    taps: array<vec4<i32>, 49>,
}
