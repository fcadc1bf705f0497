//! How the window draws its stage: with pipelines of its own, on the GPU that it shares with the runs.

mod marks;
mod picture;

pub(crate) use marks::marks;
pub(crate) use picture::regions;

/// Makes what the stage draws with; to be called once a window with its render state.
pub(crate) fn install(render: &eframe::egui_wgpu::RenderState) {
    picture::install(render);
    marks::install(render);
}
