//! The window without a screen: drawn into a texture, trained as long as asked, and written as a picture.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use eframe::egui_wgpu::{RenderState, Renderer, RendererOptions, ScreenDescriptor};
use egui::{ColorImage, Context, RawInput, Rect, pos2, vec2};
use gairat::{device, settings::Settings};

use super::png;
use crate::{
    failure::Failure,
    link::Read,
    live::WindowsGpu,
    platform::drawing,
    window::{
        actions::{Action, lessons, links},
        begin, frame,
        model::{Launcher, Phase, SPEEDS, State},
    },
};

/// The longest that a picture is waited for without progress.
const PATIENCE: Duration = Duration::from_secs(120);
const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// The picture that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    /// Where it goes.
    pub(crate) file: PathBuf,
    /// What is trained.
    pub(crate) settings: Settings,
    /// Its size, in pixels.
    pub(crate) size: (u32, u32),
    pub(crate) theme: egui::ThemePreference,
    /// Steps to train before.
    pub(crate) after_steps: usize,
    /// Whether a twin runs beside.
    pub(crate) twin: bool,
    /// What a link says, besides the settings.
    pub(crate) link: Read,
    /// A lesson to open, counted from 1.
    pub(crate) lesson: Option<usize>,
    /// The step that it goes on to, counted from 1; what is asked on the way is answered.
    pub(crate) lesson_step: usize,
    /// Whether a sample is selected.
    pub(crate) select: bool,
    /// Whether the network is judged.
    pub(crate) judge: bool,
}

/// Draws a window in memory.
struct OffScreen {
    render: RenderState,
    texture: wgpu::Texture,
    size: (u32, u32),
}

impl OffScreen {
    async fn new(asked: &str, size: (u32, u32)) -> Result<Self, Failure> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::PRIMARY;
        let instance = wgpu::Instance::new(descriptor);
        let adapters = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
        let none = || {
            Failure::Work("--screenshot: no graphics driver (Vulkan, Metal or DirectX 12) was found; one that runs on the CPU will do, such as Mesa's llvmpipe".to_owned())
        };
        let place = device::to_draw_with(asked, &adapters).ok_or_else(none)?;
        let adapter = adapters[place].clone();
        let asked_for = adapter.request_device(&device::descriptor(&adapter)).await;
        let (gpu, queue) = asked_for
            .map_err(|error| Failure::Work(format!("--screenshot: {} gives no device: {error}", adapter.get_info().name)))?;
        let most = gpu.limits().max_texture_dimension_2d;
        if size.0 > most || size.1 > most {
            return Err(Failure::Request(format!(
                "--size {}x{}: this adapter draws at most {most} pixels a side",
                size.0, size.1
            )));
        }
        let texture = gpu.create_texture(&wgpu::TextureDescriptor {
            label: Some("screenshot"),
            size: wgpu::Extent3d { width: size.0, height: size.1, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let renderer = Renderer::new(&gpu, FORMAT, RendererOptions::default());
        let render = RenderState {
            adapter,
            available_adapters: adapters,
            instance,
            device: gpu,
            queue,
            target_format: FORMAT,
            renderer: Arc::new(egui::mutex::RwLock::new(renderer)),
        };
        Ok(Self { render, texture, size })
    }

    /// Draws what a frame came to.
    fn draw(&self, ctx: &Context, output: egui::FullOutput) {
        let [r, g, b, _] = ctx.global_style().visuals.window_fill.to_normalized_gamma_f32().map(f64::from);
        let primitives = ctx.tessellate(output.shapes, output.pixels_per_point);
        let screen = ScreenDescriptor { size_in_pixels: [self.size.0, self.size.1], pixels_per_point: output.pixels_per_point };
        let (gpu, queue) = (&self.render.device, &self.render.queue);
        let mut renderer = self.render.renderer.write();
        for (id, deltas) in &output.textures_delta.set {
            for delta in deltas {
                renderer.update_texture(gpu, queue, *id, delta);
            }
        }
        let mut encoder = gpu.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut commands = renderer.update_buffers(gpu, queue, &mut encoder, &primitives, &screen);
        {
            let view = self.texture.create_view(&wgpu::TextureViewDescriptor::default());
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("screenshot"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color { r, g, b, a: 1.0 }),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                depth_stencil_attachment: None,
                timestamp_writes: None,
                occlusion_query_set: None,
                multiview_mask: None,
            });
            renderer.render(&mut pass.forget_lifetime(), &primitives, &screen);
        }
        commands.push(encoder.finish());
        queue.submit(commands);
        for id in &output.textures_delta.free {
            renderer.free_texture(id);
        }
    }

    fn read(&self) -> Result<ColorImage, Failure> {
        let (width, height) = self.size;
        let row = (4 * width).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let gpu = &self.render.device;
        let buffer = gpu.create_buffer(&wgpu::BufferDescriptor {
            label: Some("screenshot"),
            size: u64::from(row) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = gpu.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_texture_to_buffer(
            self.texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None },
            },
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        );
        self.render.queue.submit([encoder.finish()]);
        let lost = |what: String| Failure::Work(format!("--screenshot: the picture cannot be read back: {what}"));
        let slice = buffer.slice(..);
        slice.map_async(wgpu::MapMode::Read, |_| ());
        gpu.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| lost(error.to_string()))?;
        let bytes = slice.get_mapped_range().map_err(|error| lost(error.to_string()))?;
        let rows = bytes.chunks_exact(row as usize).flat_map(|row| row[..4 * width as usize].chunks_exact(4));
        let pixels = rows.map(|p| egui::Color32::from_rgb(p[0], p[1], p[2])).collect();
        Ok(ColorImage::new([width as usize, height as usize], pixels))
    }
}

/// Draws the window off screen, trains as many steps as asked, and writes the picture.
pub(crate) fn shoot(shot: Shot) -> Result<(), Failure> {
    let screen = pollster::block_on(OffScreen::new(&shot.settings.device, shot.size))?;
    // A picture leaves nothing behind but itself.
    let runs = std::env::temp_dir().join(format!("gairat-screenshot-{}", std::process::id()));
    let outcome = train_and_draw(&shot, &screen, &runs);
    let _ = std::fs::remove_dir_all(&runs);
    let bytes = png::encode(&outcome?).map_err(Failure::Work)?;
    gairat::checkpoint::write_whole(&shot.file, &bytes)?;
    Ok(())
}

fn train_and_draw(shot: &Shot, screen: &OffScreen, runs: &std::path::Path) -> Result<ColorImage, Failure> {
    let render = &screen.render;
    drawing::install(render);
    let gpu = device::shared(
        &shot.settings.device,
        render.instance.clone(),
        render.adapter.clone(),
        render.device.clone(),
        render.queue.clone(),
    );
    let gpu = gpu.map(|chosen| WindowsGpu { chosen, taken: Arc::default() });
    let ctx = Context::default();
    let launcher = Launcher { root: runs.to_owned(), gpu, playing: false, drawn_by_cpu: false, wake: Arc::new(|| ()) };
    let mut state = begin(&ctx, shot.settings.clone(), (None, shot.link.link.twin.clone()), shot.theme, launcher);
    links::apply(&mut state, &ctx, shot.link.clone());
    state.speed = SPEEDS.len() - 1;
    state.gate.set_speed(SPEEDS[state.speed]);
    if let Some(lesson) = shot.lesson {
        lessons::begin(&mut state, lesson.saturating_sub(1));
    } else if shot.twin && !state.has_twin() {
        state.restart_with(true);
    }
    if state.lesson.is_none() {
        state.gate.stop_at(shot.after_steps as u64);
    }
    let picture = draw_until_settled(shot, screen, &ctx, &mut state);
    // Its files are removed next, so no run may still write to them.
    state.finish().iter_mut().for_each(crate::host::Live::finish);
    picture
}

fn draw_until_settled(shot: &Shot, screen: &OffScreen, ctx: &Context, state: &mut State) -> Result<ColorImage, Failure> {
    let begun = Instant::now();
    let (mut last, mut progressed) = (0, begun);
    let mut still = 0;
    loop {
        let now = Instant::now();
        let output = ctx.run_ui(input(shot, now - begun), |ui| frame(ui, state, now));
        screen.draw(ctx, output);
        for run in &state.runs {
            if let Phase::Failed(what) = &run.phase {
                return Err(Failure::Work(what.clone()));
            }
        }
        let done = state.runs.iter().map(|run| run.place.steps_done()).min().unwrap_or(0);
        if done != last {
            (last, progressed) = (done, now);
        }
        // A lesson lets its runs rest where it likes.
        let rests = state.lesson.is_some().then(|| !goes_on(state, shot.lesson_step));
        if rests == Some(false) && state.run().answers() {
            progressed = now;
        }
        let trained = rests.unwrap_or_else(|| {
            state.runs.iter().all(|run| run.place.steps_done() >= shot.after_steps || matches!(run.phase, Phase::Finished(_)))
        });
        if trained && shot.select && state.selected.is_none() {
            select_broken(state);
        }
        let judged = |state: &State| state.runs.iter().all(|run| run.judgements.last().is_some());
        let judges = state.runs.iter().any(|run| run.judgements.under_way.is_some());
        if trained && shot.judge && settled(state, shot) && !judges && !judged(state) {
            state.act(Action::Judge, ctx);
        }
        if judges {
            progressed = now;
        }
        let trained = trained && !judges && (!shot.judge || judged(state));
        // A few frames more, so that the last views are in them and nothing is still moving.
        still = if trained && settled(state, shot) { still + 1 } else { 0 };
        if still >= 8 {
            return screen.read();
        }
        if now - progressed > PATIENCE {
            return Err(Failure::Work(format!(
                "--screenshot: {done} of {} steps were trained, then nothing for two minutes",
                shot.after_steps
            )));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Goes on with a lesson, if it is not yet where it should be; what it asks is answered as it should be.
fn goes_on(state: &mut State, step: usize) -> bool {
    let Some(lesson) = &state.lesson else { return false };
    if !lesson.is_shown() {
        return true;
    }
    match &lesson.now().question {
        Some(question) if lesson.answer.is_none() => lessons::answer(state, question.right),
        _ if lesson.step + 1 < step && !lesson.is_last_step() => lessons::forward(state),
        _ => return false,
    }
    true
}

fn settled(state: &State, shot: &Shot) -> bool {
    state.runs.iter().all(|run| run.dataset.is_some() && run.views > 1 && (!run.is_plane() || run.region.is_some()))
        && (!shot.select || state.run().traced.is_some() || state.run().tally().seen == 0)
}

/// Selects a sample that the attack breaks on its way: there is something to see of it.
fn select_broken(state: &mut State) {
    let found = state.run().all_seen().find(|seen| {
        let measured = &seen.record.measured;
        measured.broken && measured.margin_start > 0.0 && measured.kappa > 1
    });
    let row = found.or(state.run().all_seen().next()).map(|seen| seen.record.row);
    state.select(row);
}

/// A frame without input.
fn input(shot: &Shot, time: Duration) -> RawInput {
    let size = vec2(shot.size.0 as f32, shot.size.1 as f32);
    RawInput {
        screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), size)),
        time: Some(time.as_secs_f64()),
        focused: true,
        ..RawInput::default()
    }
}
