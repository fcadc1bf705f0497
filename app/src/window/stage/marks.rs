//! Thousands of small marks in one draw: see `shaders/marks.wgsl`.

use eframe::egui_wgpu::{self, wgpu};
use egui::{Color32, Painter, Pos2, Rect, vec2};

/// What a mark is, as in the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Disc = 0,
    Bar = 1,
    Triangle = 2,
    Diamond = 3,
    Cross = 4,
}

/// Bytes of a mark: two vectors, a width, a kind and a colour.
const STRIDE: u64 = 28;

/// Marks that are gathered, to be drawn at once.
#[derive(Default)]
pub(super) struct Marks {
    bytes: Vec<u8>,
    count: u32,
}

impl Marks {
    fn mark(&mut self, kind: Kind, middle: Pos2, axis: egui::Vec2, half_width: f32, colour: Color32) {
        for number in [middle.x, middle.y, axis.x, axis.y, half_width] {
            self.bytes.extend(number.to_le_bytes());
        }
        self.bytes.extend((kind as u32).to_le_bytes());
        self.bytes.extend(colour.to_array());
        self.count += 1;
    }

    pub(super) fn line(&mut self, from: Pos2, to: Pos2, width: f32, colour: Color32) {
        self.mark(Kind::Bar, from + (to - from) / 2.0, (to - from) / 2.0, width / 2.0, colour);
    }

    /// A cross: broken.
    pub(super) fn cross(&mut self, at: Pos2, size: f32, colour: Color32) {
        self.mark(Kind::Cross, at, vec2(size, 0.0), size, colour);
    }

    /// A small diamond: withstood.
    pub(super) fn dot(&mut self, at: Pos2, size: f32, colour: Color32) {
        self.mark(Kind::Diamond, at, vec2(size, 0.0), size, colour);
    }

    /// The shape of a class: a disc, a square, a triangle, a diamond, and so on.
    pub(super) fn shape(&mut self, class: usize, at: Pos2, size: f32, colour: Color32) {
        let (kind, size) = match class % 4 {
            0 => (Kind::Disc, size),
            1 => (Kind::Bar, 0.88 * size),
            2 => (Kind::Triangle, 1.2 * size),
            _ => (Kind::Diamond, 1.25 * size),
        };
        self.mark(kind, at, vec2(size, 0.0), size, colour);
    }

    /// Draws them into what `painter` may draw on. `layer` tells draws of one frame apart.
    pub(super) fn paint(mut self, painter: &Painter, layer: usize) {
        let rect = painter.clip_rect().intersect(painter.ctx().content_rect());
        if self.count == 0 || !rect.is_positive() {
            return;
        }
        // Marks are placed from the corner of the viewport.
        for mark in self.bytes.chunks_exact_mut(STRIDE as usize) {
            for (place, corner) in [(0, rect.min.x), (4, rect.min.y)] {
                let mut number = [0; 4];
                number.copy_from_slice(&mark[place..place + 4]);
                mark[place..place + 4].copy_from_slice(&(f32::from_le_bytes(number) - corner).to_le_bytes());
            }
        }
        let scale = painter.ctx().pixels_per_point();
        painter.add(egui_wgpu::Callback::new_paint_callback(rect, Drawn { marks: self, rect, scale, layer }));
    }
}

/// The marks of one draw.
struct Drawn {
    marks: Marks,
    rect: Rect,
    scale: f32,
    layer: usize,
}

/// What is made once for a window.
struct Pipeline(wgpu::RenderPipeline);

/// What a layer draws with, made anew when its marks need more room.
struct Layer {
    settings: wgpu::Buffer,
    group: wgpu::BindGroup,
    marks: wgpu::Buffer,
}

/// By the number of the layer.
struct Layers(std::collections::HashMap<usize, Layer>);

/// Makes the pipeline; to be called once a window with its render state.
pub(super) fn install(render: &egui_wgpu::RenderState) {
    let shader = render.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("marks"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../../../shaders/marks.wgsl").into()),
    });
    let attributes = wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Float32, 3 => Uint32, 4 => Unorm8x4];
    let pipeline = render.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("marks"),
        layout: None,
        vertex: wgpu::VertexState {
            module: &shader,
            entry_point: Some("corner"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: STRIDE,
                step_mode: wgpu::VertexStepMode::Instance,
                attributes: &attributes,
            })],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &shader,
            entry_point: Some("colour"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format: render.target_format,
                blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    });
    let resources = &mut render.renderer.write().callback_resources;
    resources.insert(Pipeline(pipeline));
    resources.insert(Layers(std::collections::HashMap::new()));
}

impl egui_wgpu::CallbackTrait for Drawn {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &egui_wgpu::ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(Pipeline(pipeline)) = resources.get() else { return Vec::new() };
        let layout = pipeline.get_bind_group_layout(0);
        let Some(Layers(layers)) = resources.get_mut() else { return Vec::new() };
        let needed = self.marks.bytes.len() as u64;
        if layers.get(&self.layer).is_none_or(|layer| layer.marks.size() < needed) {
            let buffer = |label, size, usage| {
                let usage = usage | wgpu::BufferUsages::COPY_DST;
                device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
            };
            let settings = buffer("settings of marks", 16, wgpu::BufferUsages::UNIFORM);
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("marks"),
                layout: &layout,
                entries: &[wgpu::BindGroupEntry { binding: 0, resource: settings.as_entire_binding() }],
            });
            let marks = buffer("marks", needed.next_power_of_two(), wgpu::BufferUsages::VERTEX);
            layers.insert(self.layer, Layer { settings, group, marks });
        }
        if let Some(layer) = layers.get(&self.layer) {
            let words = [self.rect.width(), self.rect.height(), self.scale, 0.0];
            queue.write_buffer(&layer.settings, 0, &words.map(f32::to_le_bytes).concat());
            queue.write_buffer(&layer.marks, 0, &self.marks.bytes);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &egui_wgpu::CallbackResources,
    ) {
        let (Some(Pipeline(pipeline)), Some(Layers(layers))) = (resources.get(), resources.get()) else { return };
        let Some(layer) = layers.get(&self.layer) else { return };
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &layer.group, &[]);
        pass.set_vertex_buffer(0, layer.marks.slice(..));
        pass.draw(0..6, 0..self.marks.count);
    }
}
