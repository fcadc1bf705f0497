//! The regions as a picture: from a buffer on the GPU through a paint callback, or from the host as a texture.

use eframe::egui_wgpu::{self, wgpu};
use egui::{Color32, ColorImage, Context, Painter, Rect, TextureHandle, TextureOptions};
use gairat::{
    region_map::{Grid, OnDevice, Quantity},
    session::Region,
};

use super::super::{colours, run::Run};

/// A margin that is shown as certain.
const FULL_MARGIN: f32 = 8.0;
/// The least and the greatest share of a class's colour in the picture: a border is seen even where the network is unsure on both
/// sides, and points stand out from where it is sure.
const FAINTEST: f32 = 0.14;
const DEEPEST: f32 = 0.6;

/// What is painted.
#[derive(Default)]
pub(super) struct Picture {
    texture: Option<TextureHandle>,
    /// What the texture was made of: the number of the regions, and how they were to look.
    made_of: Option<(u64, Quantity, bool, bool)>,
    on_device: Option<(Grid, OnDevice, Quantity, bool, usize)>,
}

impl Picture {
    /// Takes the newest regions of `run`.
    pub(super) fn show(&mut self, ctx: &Context, run: &Run, quantity: Quantity, dark: bool) {
        let Some((region, number)) = &run.region else { return };
        match region {
            Region::OnDevice(grid, map) => {
                let classes = run.dataset.as_ref().map_or(2, |dataset| dataset.classes);
                self.on_device = Some((*grid, OnDevice::clone(map), quantity, dark, classes));
            }
            Region::OnHost(grid, map) => {
                self.on_device = None;
                if self.made_of == Some((*number, quantity, dark, false)) {
                    return;
                }
                self.made_of = Some((*number, quantity, dark, false));
                let classes = run.dataset.as_ref().map_or(2, |dataset| dataset.classes);
                let ground = colours::ground(dark);
                let palette: Vec<Color32> = (0..classes).map(|class| colours::class(class, dark)).collect();
                let pixels = map.chunks_exact(2).map(|cell| {
                    let colour = palette[(cell[0] as usize).min(classes - 1)];
                    colours::mix(ground, colour, FAINTEST + (DEEPEST - FAINTEST) * certainty(cell[1], quantity, classes))
                });
                self.set(ctx, *grid, pixels.collect());
            }
        }
    }

    /// Shows where two networks differ: in colour where their answers do, in grey where only their certainty does.
    pub(super) fn show_difference(&mut self, ctx: &Context, [(grid, a), (_, b)]: [(&Grid, &[f32]); 2], dark: bool) {
        self.on_device = None;
        self.made_of = None;
        let ground = colours::ground(dark);
        let strong = colours::adversarial(dark);
        let grey = if dark { Color32::from_gray(150) } else { Color32::from_gray(120) };
        let pixels = a.chunks_exact(2).zip(b.chunks_exact(2)).map(|(a, b)| {
            if a[0] != b[0] {
                colours::mix(ground, strong, 0.75)
            } else {
                colours::mix(ground, grey, (a[1] - b[1]).abs().min(1.0))
            }
        });
        self.set(ctx, *grid, pixels.collect());
    }

    fn set(&mut self, ctx: &Context, grid: Grid, pixels: Vec<Color32>) {
        let image = ColorImage::new([grid.columns, grid.rows], pixels);
        match &mut self.texture {
            Some(texture) => texture.set(image, TextureOptions::LINEAR),
            None => self.texture = Some(ctx.load_texture("regions", image, TextureOptions::LINEAR)),
        }
    }

    /// Paints the picture over the unit square.
    pub(super) fn paint(&self, painter: &Painter, unit: Rect) {
        if let Some((grid, map, quantity, dark, classes)) = &self.on_device {
            let visible = unit.intersect(painter.clip_rect());
            if visible.is_positive() {
                let shown = Rect::from_min_max(
                    ((visible.min - unit.min) / unit.size()).to_pos2(),
                    ((visible.max - unit.min) / unit.size()).to_pos2(),
                );
                let drawn = FromDevice { map: map.clone(), words: words(*grid, shown, *quantity, *dark, *classes) };
                painter.add(egui_wgpu::Callback::new_paint_callback(visible, drawn));
            }
        } else if let Some(texture) = &self.texture {
            let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
            painter.image(texture.id(), unit, whole, Color32::WHITE);
        }
    }
}

/// How sure a cell is, from 0 to 1.
fn certainty(quantity_here: f32, quantity: Quantity, classes: usize) -> f32 {
    match quantity {
        Quantity::Probability => {
            let least = 1.0 / classes as f32;
            ((quantity_here - least) / (1.0 - least)).clamp(0.0, 1.0)
        }
        Quantity::Margin => (quantity_here / FULL_MARGIN).clamp(0.0, 1.0),
    }
}

/// What the shader needs: see `Settings` in `region_picture.wgsl`.
fn words(grid: Grid, shown: Rect, quantity: Quantity, dark: bool, classes: usize) -> Vec<f32> {
    let (least, full) = match quantity {
        Quantity::Probability => (1.0 / classes as f32, 1.0),
        Quantity::Margin => (0.0, FULL_MARGIN),
    };
    let mut words = vec![grid.columns as f32, grid.rows as f32, least, full];
    words.extend([shown.min.x, shown.min.y, shown.width(), shown.height()]);
    let colour = |colour: Color32| [colour.r(), colour.g(), colour.b(), 255].map(|channel| f32::from(channel) / 255.0);
    words.extend(colour(colours::ground(dark)));
    words.extend([FAINTEST, DEEPEST, 0.0, 0.0]);
    for class in 0..10 {
        words.extend(colour(colours::class(class, dark)));
    }
    words
}

/// Paints a map that lies on the GPU.
struct FromDevice {
    map: OnDevice,
    words: Vec<f32>,
}

/// What is made once for a window.
struct Pipeline {
    pipeline: wgpu::RenderPipeline,
}

/// What is bound for one picture of one frame.
struct Bound(std::collections::HashMap<wgpu::Buffer, wgpu::BindGroup>);

/// Makes the pipeline; to be called once a window with its render state.
pub(super) fn install(render: &egui_wgpu::RenderState) {
    let shader = render.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("region picture"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../../../shaders/region_picture.wgsl").into()),
    });
    let pipeline = render.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("region picture"),
        layout: None,
        vertex: wgpu::VertexState {
            module: &shader,
            entry_point: Some("corner"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &shader,
            entry_point: Some("colour"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(render.target_format.into())],
        }),
        multiview_mask: None,
        cache: None,
    });
    let resources = &mut render.renderer.write().callback_resources;
    resources.insert(Pipeline { pipeline });
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
        let Some(Pipeline { pipeline }) = resources.get() else { return Vec::new() };
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
        let (Some(Pipeline { pipeline }), Some(Bound(groups))) = (resources.get(), resources.get()) else { return };
        if let Some(group) = groups.get(&self.map.buffer) {
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, group, &[]);
            pass.draw(0..3, 0..1);
        }
    }
}
