//! A mark of the stage, however it is drawn.

use egui::{Color32, Pos2, Vec2};

/// What a mark is, as in `shaders/marks.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Disc = 0,
    Bar = 1,
    Triangle = 2,
    Diamond = 3,
    Cross = 4,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct StageMark {
    pub(crate) kind: Kind,
    pub(crate) middle: Pos2,
    /// From the middle to the end.
    pub(crate) axis: Vec2,
    /// From the middle to the side.
    pub(crate) half_width: f32,
    pub(crate) colour: Color32,
}
