//! The settings of a convolution's dispatch, forwards and back to its input.

/// A convolution, seen forwards: channels, height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) input: [usize; 3],
    pub(super) output: [usize; 3],
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

/// Taps and classes that the settings have room for, as in `shaders/network/window.wgsl`.
const TAPS: usize = 49;
/// See [`TAPS`].
const CLASSES: usize = 16;

/// What a sum is followed by: where factors and addends begin in the parameters, and the flags of `shaders/network/finish.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    pub(super) scale: usize,
    pub(super) shift: usize,
    pub(super) flags: u32,
}

/// One way through a convolution.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// Channels of the target and of the source.
    pub(super) rows: usize,
    pub(super) inner: usize,
    from: [usize; 2],
    to: [usize; 2],
    steps: [usize; 2],
    classes: Vec<Class>,
}

/// Pixels of the target that are reached through the same taps.
#[derive(Clone, Debug)]
struct Class {
    /// Rows and columns of pixels, and the first of them.
    count: [usize; 2],
    first: [usize; 2],
    /// Shift in rows and columns, and which tap it is.
    taps: Vec<[i32; 3]>,
}

impl Shape {
    /// Whether the settings have room for it.
    pub(super) fn fits(&self) -> bool {
        self.kernel * self.kernel <= TAPS && self.stride * self.stride <= CLASSES && self.stride > 0
    }

    /// From the input to the output.
    pub(super) fn forward(&self) -> Way {
        let ([inner, height, width], [rows, out_height, out_width]) = (self.input, self.output);
        let (kernel, padding) = (self.kernel as i32, self.padding as i32);
        let taps = (0..kernel * kernel).map(|tap| [tap / kernel - padding, tap % kernel - padding, tap]).collect();
        let classes = vec![Class { count: [out_height, out_width], first: [0, 0], taps }];
        Way { rows, inner, from: [height, width], to: [out_height, out_width], steps: [self.stride, 1], classes }
    }

    /// From the gradient at the output to that at the input. Output `q` reads input `stride q + tap - padding`; so input
    /// `stride q + first` gets something through the taps for which the stride divides `first + padding - tap`.
    pub(super) fn backward(&self) -> Way {
        let ([rows, height, width], [inner, out_height, out_width]) = (self.input, self.output);
        let (kernel, stride, padding) = (self.kernel as i32, self.stride as i32, self.padding as i32);
        let taps_of = |first: usize| {
            (0..kernel).filter_map(move |tap| {
                let distance = first as i32 + padding - tap;
                (distance.rem_euclid(stride) == 0).then(|| (tap, distance.div_euclid(stride)))
            })
        };
        let count = |length: usize, first: usize| (length - first).div_ceil(self.stride);
        let mut classes = Vec::new();
        for y in 0..self.stride.min(height) {
            for x in 0..self.stride.min(width) {
                let taps = taps_of(y).flat_map(|(ky, dy)| taps_of(x).map(move |(kx, dx)| [dy, dx, ky * kernel + kx])).collect();
                classes.push(Class { count: [count(height, y), count(width, x)], first: [y, x], taps });
            }
        }
        Way { rows, inner, from: [out_height, out_width], to: [height, width], steps: [1, self.stride], classes }
    }
}

impl Way {
    /// Workgroups of tiles of `(outputs, quads)` for so many quads of samples.
    pub(super) fn grid(&self, (outputs, tile): (usize, usize), quads: usize) -> [usize; 3] {
        let most = self.classes.iter().map(|class| class.count[0] * class.count[1]).max().unwrap_or(0);
        [(most * quads).div_ceil(tile), self.rows.div_ceil(outputs), self.classes.len()]
    }

    /// The settings for so many quads of samples; `weights` is where the weights begin, in quads.
    pub(super) fn settings(&self, quads: usize, weights: usize, after: After) -> Vec<u32> {
        let [from_height, from_width] = self.from;
        let [to_height, to_width] = self.to;
        let [step_from, step_to] = self.steps;
        let head = [self.rows, self.rows.div_ceil(4), self.inner, quads, from_height, from_width, to_height, to_width];
        let mut words: Vec<u32> = head.iter().map(|&word| word as u32).collect();
        words.extend([step_from, step_to, weights, after.scale, after.shift].map(|word| word as u32));
        words.extend([after.flags, 0, 0]);
        let head = words.len();
        let mut taps: Vec<u32> = Vec::new();
        for class in &self.classes {
            let place = [class.count[0], class.count[1], class.first[0], class.first[1], taps.len() / 4, class.taps.len(), 0, 0];
            words.extend(place.map(|word| word as u32));
            taps.extend(class.taps.iter().flat_map(|&[y, x, tap]| [y, x, tap, 0]).map(i32::cast_unsigned));
        }
        words.resize(head + 8 * CLASSES, 0);
        taps.resize(4 * TAPS, 0);
        words.extend(taps);
        words
    }
}
