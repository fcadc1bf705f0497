//! How the window draws its stage: with pipelines of its own, on the GPU that it shares with the runs.

mod marks;
mod picture;

use eframe::egui_wgpu::{RenderState, wgpu};

pub(crate) use marks::marks;
pub(crate) use picture::regions;

/// Makes what the stage draws with; to be called once a window with its render state.
pub(crate) fn install(render: &RenderState) {
    picture::install(render);
    marks::install(render);
}

/// The pipeline of a shader with the stages `corner` and `colour`, which draws into the window.
fn pipeline(
    render: &RenderState,
    label: &str,
    shader: &str,
    buffers: &[Option<wgpu::VertexBufferLayout<'_>>],
    blend: Option<wgpu::BlendState>,
) -> wgpu::RenderPipeline {
    let label = Some(label);
    let source = wgpu::ShaderSource::Wgsl(shader.into());
    let module = &render.device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
    let compilation_options = wgpu::PipelineCompilationOptions::default;
    let target = wgpu::ColorTargetState { format: render.target_format, blend, write_mask: wgpu::ColorWrites::ALL };
    render.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label,
        layout: None,
        vertex: wgpu::VertexState { module, entry_point: Some("corner"), compilation_options: compilation_options(), buffers },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some("colour"),
            compilation_options: compilation_options(),
            targets: &[Some(target)],
        }),
        multiview_mask: None,
        cache: None,
    })
}
