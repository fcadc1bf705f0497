//! All marks in one draw: see `shaders/marks.wgsl`.

use eframe::egui_wgpu::{self, wgpu};
use egui::{Painter, Rect};

use crate::platform::StageMark;

/// Bytes of a mark: two vectors, a width, a kind and a colour.
const STRIDE: u64 = 28;

/// Draws marks into `rect`. `layer` tells draws of one frame apart.
pub(crate) fn marks(marks: Vec<StageMark>, painter: &Painter, rect: Rect, layer: usize) {
    let mut bytes = Vec::with_capacity(marks.len() * STRIDE as usize);
    for mark in &marks {
        // Marks are placed from the corner of the viewport.
        let at = mark.middle - rect.min;
        for number in [at.x, at.y, mark.axis.x, mark.axis.y, mark.half_width] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend((mark.kind as u32).to_le_bytes());
        bytes.extend(mark.colour.to_array());
    }
    let scale = painter.ctx().pixels_per_point();
    let drawn = Drawn { bytes, count: marks.len() as u32, rect, scale, layer };
    painter.add(egui_wgpu::Callback::new_paint_callback(rect, drawn));
}

/// The marks of one draw.
struct Drawn {
    bytes: Vec<u8>,
    count: u32,
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
    let attributes = wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Float32, 3 => Uint32, 4 => Unorm8x4];
    let mark =
        wgpu::VertexBufferLayout { array_stride: STRIDE, step_mode: wgpu::VertexStepMode::Instance, attributes: &attributes };
    let shader = include_str!("../../../../../shaders/marks.wgsl");
    let blend = Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING);
    let pipeline = super::pipeline(render, "marks", shader, &[Some(mark)], blend);
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
        let needed = self.bytes.len() as u64;
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
            queue.write_buffer(&layer.marks, 0, &self.bytes);
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
        pass.draw(0..6, 0..self.count);
    }
}
