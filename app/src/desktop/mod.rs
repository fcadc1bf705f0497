//! The program as a window of the desktop.

mod frames;
mod png;
mod rescue;
mod screenshot;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use egui::{Ui, ViewportCommand};
use gairat::{device, settings::Settings};

use crate::{
    failure::Failure,
    link::{Read, Start},
    live::WindowsGpu,
    platform::drawing,
    window::{Launcher, State, actions::links, begin, frame},
};
use frames::Frames;
pub(crate) use screenshot::{Shot, shoot};

/// What a window begins with.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// What is trained.
    pub(crate) settings: Settings,
    /// The folder that runs are kept in.
    pub(crate) root: PathBuf,
    /// A run to go on with.
    pub(crate) resume: Option<PathBuf>,
    /// Its size, in points.
    pub(crate) size: (f32, f32),
    pub(crate) theme: egui::ThemePreference,
    /// For how long to draw as fast as possible, and then to close and print the figures.
    pub(crate) frame_stats: Option<Duration>,
    /// What a link says, besides the settings.
    pub(crate) link: Read,
    /// Something to be read at once.
    pub(crate) note: Option<String>,
    /// When to take the GPU away under the window, to try what happens then.
    pub(crate) lose_device_after: Option<Duration>,
    /// When the program was started.
    pub(crate) begun: Instant,
}

/// Whether there is a screen to open a window on.
pub(crate) fn has_screen() -> bool {
    // Elsewhere a program is started from a desktop, or the system says itself that there is none.
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()))
}

/// Opens the window and stays until it is closed.
pub(crate) fn open(wanted: Wanted) -> Result<(), Failure> {
    let asked = wanted.settings.device.clone();
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.instance_descriptor.backends = wgpu::Backends::PRIMARY | wgpu::Backends::GL;
    setup.native_adapter_selector = Some(Arc::new(move |adapters, surface| {
        let fit: Vec<wgpu::Adapter> = adapters
            .iter()
            .filter(|adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface)))
            .cloned()
            .collect();
        let place = device::to_draw_with(&asked, &fit);
        place.map(|place| fit[place].clone()).ok_or_else(|| "no graphics driver can draw a window".to_owned())
    }));
    setup.device_descriptor = Arc::new(device::descriptor);
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("gairat")
            .with_app_id("gairat")
            .with_inner_size([wanted.size.0, wanted.size.1])
            .with_min_inner_size([360.0, 480.0]),
        dithering: false,
        wgpu_options: WgpuConfiguration { wgpu_setup: WgpuSetup::CreateNew(setup), ..WgpuConfiguration::default() },
        ..eframe::NativeOptions::default()
    };
    let (stats, again) = (wanted.frame_stats, wanted.note.is_some());
    let opened = rescue::watched(stats, again, || {
        eframe::run_native("gairat", options, Box::new(move |cc| Ok(Box::new(App::new(cc, wanted)))))
    });
    opened.map_err(|error| Failure::Work(format!("the window cannot be opened: {error}. `gairat train` needs none.")))
}

struct App {
    state: State,
    frames: Frames,
    frame_stats: Option<Duration>,
    /// The device, and when to take it away.
    lose: Option<(wgpu::Device, Duration)>,
}

impl App {
    fn new(cc: &eframe::CreationContext<'_>, wanted: Wanted) -> Self {
        let gpu = cc.wgpu_render_state.as_ref().and_then(|render| {
            drawing::install(render);
            rescue::watch(&render.device);
            let (instance, adapter) = (render.instance.clone(), render.adapter.clone());
            device::shared(&wanted.settings.device, instance, adapter, render.device.clone(), render.queue.clone())
        });
        let gpu = gpu.map(|chosen| WindowsGpu { chosen, taken: Arc::default() });
        let by_cpu = |render: &eframe::egui_wgpu::RenderState| render.adapter.get_info().device_type == wgpu::DeviceType::Cpu;
        let drawn_by_cpu = cc.wgpu_render_state.as_ref().is_some_and(by_cpu);
        let ctx = cc.egui_ctx.clone();
        let wake = Arc::new(move || ctx.request_repaint());
        let playing = wanted.link.link.start != Some(Start::Paused);
        let launcher = Launcher { root: wanted.root, gpu, playing, drawn_by_cpu, wake };
        let mut state =
            begin(&cc.egui_ctx, wanted.settings, (wanted.resume, wanted.link.link.twin.clone()), wanted.theme, launcher);
        links::apply(&mut state, &cc.egui_ctx, wanted.link);
        if let Some(note) = wanted.note {
            state.say(note, true);
        }
        let device = cc.wgpu_render_state.as_ref().map(|render| render.device.clone());
        let lose = device.zip(wanted.lose_device_after);
        Self { state, frames: Frames::since(wanted.begun), frame_stats: wanted.frame_stats, lose }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let now = Instant::now();
        self.frames.frame(now);
        rescue::remember(self.state.run().folder.as_deref());
        if let Some((device, _)) = self.lose.take_if(|(_, after)| self.frames.shown_for() >= *after) {
            device.destroy();
        }
        frame(ui, &mut self.state, now);
        let run = self.state.run();
        self.frames.progress(now, run.place.steps_done(), run.region.as_ref().map(|(_, number)| *number));
        if let Some(wanted) = self.frame_stats {
            ui.ctx().request_repaint();
            self.state.close |= self.frames.shown_for() >= wanted;
        }
        if self.state.close {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// The panels have no ground of their own: on a software adapter filling the window once more than needed costs 20 ms.
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.window_fill.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self) {
        self.state.finish().iter_mut().for_each(crate::host::Live::finish);
        if self.frame_stats.is_some() {
            crate::terminal::say!("{}", self.frames.report(&self.state));
        }
    }
}
