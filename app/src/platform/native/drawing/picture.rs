//! The regions from a buffer on the GPU: see `shaders/region_picture.wgsl`.

use eframe::egui_wgpu::{self, wgpu};
use egui::{Painter, Rect};
use gairat::region_map::OnDevice;

/// Paints a map into `visible`; `words` are what the shader needs.
pub(crate) fn regions(painter: &Painter, visible: Rect, map: OnDevice, words: Vec<f32>) {
    painter.add(egui_wgpu::Callback::new_paint_callback(visible, FromDevice { map, words }));
}

/// Paints a map that lies on the GPU.
struct FromDevice {
    map: OnDevice,
    words: Vec<f32>,
}

/// What is made once for a window.
struct Pipeline(wgpu::RenderPipeline);

/// What is bound for one picture of one frame.
struct Bound(std::collections::HashMap<wgpu::Buffer, wgpu::BindGroup>);

/// Makes the pipeline; to be called once a window with its render state.
pub(super) fn install(render: &egui_wgpu::RenderState) {
    let shader = include_str!("../../../../../shaders/region_picture.wgsl");
    let pipeline = super::pipeline(render, "region picture", shader, &[], None);
    let resources = &mut render.renderer.write().callback_resources;
    resources.insert(Pipeline(pipeline));
    resources.insert(Bound(std::collections::HashMap::new()));
}

impl egui_wgpu::CallbackTrait for FromDevice {
    fn prepare(
        &self,
        device: &wgpu::Device,
        _queue: &wgpu::Queue,
        _screen: &egui_wgpu::ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        use wgpu::util::DeviceExt as _;
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let settings = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("region picture settings"),
            contents: &bytes,
            usage: wgpu::BufferUsages::UNIFORM,
        });
        let Some(Pipeline(pipeline)) = resources.get() else { return Vec::new() };
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("region picture"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &self.map.buffer,
                        offset: self.map.offset,
                        size: std::num::NonZeroU64::new(self.map.len),
                    }),
                },
                wgpu::BindGroupEntry { binding: 1, resource: settings.as_entire_binding() },
            ],
        });
        if let Some(Bound(groups)) = resources.get_mut() {
            if groups.len() > 8 {
                groups.clear();
            }
            groups.insert(self.map.buffer.clone(), group);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &egui_wgpu::CallbackResources,
    ) {
        let (Some(Pipeline(pipeline)), Some(Bound(groups))) = (resources.get(), resources.get()) else { return };
        if let Some(group) = groups.get(&self.map.buffer) {
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, group, &[]);
            pass.draw(0..3, 0..1);
        }
    }
}
