//! The program as a page: the same panels on a canvas, its runs in a worker.

mod input;
mod mirror;
mod protocol;
mod worker;
mod workshop;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Context, ThemePreference, Ui};
use gairat::files::memory;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::HtmlCanvasElement;
use web_time::Instant;

use crate::{
    failure::Failure,
    figure::Figure,
    link,
    platform::{self, RUNS, held, storage},
    window::{
        self, Launcher, State,
        actions::links,
        model::{Phase, Question},
    },
};

pub(crate) use workshop::{Gate, Live};

/// The files of figures, name and bytes, but for those that need a rasteriser.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere a drawing can fail")]
pub(crate) fn figure_files(figures: &[Figure]) -> Result<Vec<(String, Vec<u8>)>, String> {
    Ok(figures.iter().flat_map(Figure::texts).collect())
}

/// A page leaves no report beside a run.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere a disk can fail")]
pub(crate) fn conclude(_folder: &Path) -> Result<(), Failure> {
    Ok(())
}

thread_local! {
    /// Asks for a frame.
    static WAKE: RefCell<Option<Context>> = const { RefCell::new(None) };
    /// What the page was told from outside since the last frame.
    static NEWS: RefCell<News> = RefCell::default();
}

/// Things that happen to a page.
#[derive(Default)]
struct News {
    /// The user typed another address after `#`.
    link: Option<String>,
    /// What is to be read of the storage, and whether it is bad.
    words: Vec<(String, bool)>,
}

/// Starts the program on `canvas`; called once by the page's script.
///
/// # Errors
/// Where the browser gives nothing to draw with, in words.
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub async fn page(canvas: HtmlCanvasElement) -> Result<(), JsValue> {
    construct();
    // While files are read the worker's module starts.
    workshop::open();
    storage::open(hear_of_storage).await;
    storage::refresh().await;
    tidy().await;
    let last = last_run(&held().await.unwrap_or_default());
    let options = eframe::WebOptions {
        renderer: eframe::Renderer::Glow,
        dithering: false,
        should_prevent_default: Box::new(input::keeps),
        ..eframe::WebOptions::default()
    };
    let runner = eframe::WebRunner::new();
    let hears = canvas.clone();
    draw_plainly(&canvas);
    runner
        .start(
            canvas,
            options,
            Box::new(move |cc| {
                input::listen(&cc.egui_ctx, &hears);
                Ok(Box::new(Page::new(cc, last)))
            }),
        )
        .await?;
    // The frames go on as long as the page lives.
    #[expect(clippy::mem_forget, reason = "the page runs until its tab closes")]
    std::mem::forget(runner);
    Ok(())
}

/// Asks for what is drawn with, before the window does, which then gets the same. A browser smooths edges by drawing each pixel four times
/// unless it is told not to; egui smooths its own. Where the CPU draws, a frame takes a quarter of the time.
fn draw_plainly(canvas: &HtmlCanvasElement) {
    let options = js_sys::Object::new();
    for name in ["antialias", "depth", "stencil"] {
        // Setting a property of a plain object cannot fail.
        let _ = js_sys::Reflect::set(&options, &name.into(), &JsValue::FALSE);
    }
    // A browser without it has an older one, which the window asks for.
    let _ = canvas.get_context_with_context_options("webgl2", &options);
}

/// Begins to listen in the worker; called once by the worker's script.
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub async fn worker() {
    construct();
    worker::begin().await;
}

/// Runs the constructors of the module, once: tables of the GPU compiler that crates fill at the start of a program. Without this call the
/// linker would put them before every call from JavaScript, where they took two fifths of the time.
#[expect(
    unsafe_code,
    reason = "the linker makes this function; it has no argument and is called before all else, by each instance once"
)]
fn construct() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: see above.
    unsafe {
        __wasm_call_ctors();
    }
}

/// Asks for a frame.
fn wake() {
    WAKE.with_borrow(|ctx| {
        if let Some(ctx) = ctx {
            ctx.request_repaint();
        }
    });
}

/// What is behind `#` in the address.
fn hash() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

struct Page {
    state: State,
    /// What the address says.
    address: String,
    shown: bool,
    mirror: mirror::Mirror,
}

impl Page {
    fn new(cc: &eframe::CreationContext<'_>, last: Option<PathBuf>) -> Self {
        listen();
        let ctx = cc.egui_ctx.clone();
        WAKE.set(Some(ctx.clone()));
        let read = link::read(&hash());
        let question = last.filter(|folder| is_meant(folder, &read));
        let read = if read.is_empty() { link::first() } else { read };
        let waker = ctx.clone();
        let launcher = Launcher {
            root: PathBuf::from(RUNS),
            gpu: None,
            playing: question.is_none() && read.link.start != Some(link::Start::Paused),
            drawn_by_cpu: false,
            wake: Arc::new(move || waker.request_repaint()),
        };
        let mut state =
            window::begin(&ctx, read.link.settings.clone(), (None, read.link.twin.clone()), ThemePreference::System, launcher);
        state.question = question.map(Question::Resume);
        if prefers("(prefers-reduced-motion: reduce)") {
            state.set_reduced_motion(&ctx, true);
        }
        links::apply(&mut state, &ctx, read);
        state.by_finger = prefers("(pointer: coarse)");
        let mirror = mirror::Mirror::begin(&ctx);
        Self { state, address: hash(), shown: false, mirror }
    }

    /// What was told from outside.
    fn news(&mut self, ctx: &Context) {
        let news = NEWS.take();
        if let Some(text) = news.link.filter(|text| *text != self.address) {
            let read = link::read(&text);
            links::open(&mut self.state, ctx, read);
        }
        for (text, is_bad) in news.words {
            self.state.say(text, is_bad);
        }
        storage::keep(memory::take_changes());
    }

    /// Makes the address say what is shown, without a step in the browser's history.
    fn tell_address(&mut self) {
        let text = link::write(&self.state.link_of_now());
        // Where nothing differs from the defaults the address stays as it was.
        let is_first = || [link::Link::default(), link::first().link].iter().any(|first| text == link::write(first));
        if text == self.address || (self.address.is_empty() && is_first()) {
            return;
        }
        let told = web_sys::window()
            .and_then(|window| window.history().ok())
            .map(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&text)));
        // A page inside a frame may not change its address; nothing is lost.
        if matches!(told, Some(Ok(()))) {
            self.address = text;
        }
    }
}

impl eframe::App for Page {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let now = Instant::now();
        let ctx = ui.ctx().clone();
        self.news(&ctx);
        if input::framed(self.state.link.embed) {
            self.state.stage.wheel_turned = Some(now);
        }
        window::frame(ui, &mut self.state, now);
        self.mirror.summary(&ctx, &self.state, now);
        // One after the other: two clocks would wake each other for ever.
        if self.mirror.follow(&ctx, now) {
            self.tell_address();
        }
        if !self.shown && has_something_to_show(&self.state) {
            self.shown = true;
            announce("gairat-shown");
        }
    }

    fn raw_input_hook(&mut self, _ctx: &Context, input: &mut egui::RawInput) {
        self.mirror.requests(input);
        input::let_go(input);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.window_fill.to_normalized_gamma_f32()
    }
}

/// Whether there is a picture of the run, or words in its place.
fn has_something_to_show(state: &State) -> bool {
    let run = state.run();
    run.region.is_some() || (run.dataset.is_some() && !run.is_plane()) || matches!(run.phase, Phase::Failed(_))
}

/// The run that was last at work, if it has something behind it and something before it, and no other tab has it.
fn last_run(held: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    use gairat::files::is_file;
    let is_unfinished = |folder: &PathBuf| {
        let begun = is_file(&folder.join("resume.safetensors")) || is_file(&folder.join("part.safetensors"));
        begun && !is_file(&folder.join("summary.json"))
    };
    platform::list(Path::new(RUNS)).into_iter().find(|folder| is_unfinished(folder) && !held.contains(folder))
}

/// Whether a link means this run: one that says nothing means the last, any other those of its settings. (Files that were uploaded are
/// not in a link.)
fn is_meant(folder: &Path, read: &link::Read) -> bool {
    let told = |settings: &gairat::settings::Settings| {
        link::write(&link::Link { settings: settings.clone(), preset: read.link.preset, ..link::Link::default() })
    };
    let same = || crate::live::settings_of(folder).is_ok_and(|settings| told(&settings) == told(&read.link.settings));
    read.is_empty() || (read.link.lesson.is_none() && same())
}

/// Whether nothing has been learned in a run folder: there are settings and nothing else.
fn is_empty(folder: &Path) -> bool {
    let entries = gairat::files::list(folder).unwrap_or_default();
    entries.iter().all(|path| path.ends_with("settings.json"))
}

/// Removes what pages left that were closed before a run learned anything.
async fn tidy() {
    for folder in platform::list(Path::new(RUNS)).into_iter().filter(|folder| is_empty(folder)) {
        if let Some(_held) = platform::take(&folder).await {
            // What stays is removed the next time.
            let _ = storage::remove(vec![folder.join(storage::SETTINGS)]).await;
        }
    }
}

/// Takes what is to be said of the storage.
fn hear_of_storage(news: storage::News) {
    match news {
        storage::News::Words(text, is_bad) => {
            NEWS.with_borrow_mut(|news| news.words.push((text, is_bad)));
            wake();
        }
        storage::News::Kept(changes) => memory::stored(changes.iter().filter(|change| !change.path.ends_with(storage::SETTINGS))),
        // They are in this memory as long as it lives.
        storage::News::NotKept(_) => {}
    }
}

/// What the person has told the browser that they like.
fn prefers(query: &str) -> bool {
    let asked = web_sys::window().and_then(|window| window.match_media(query).ok().flatten());
    asked.is_some_and(|asked| asked.matches())
}

/// Tells the page's script that something is there.
fn announce(name: &str) {
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new(name)) {
        // No handler prevents it.
        let _ = window.dispatch_event(&event);
    }
}

/// Listens to what happens to the page.
fn listen() {
    let Some(window) = web_sys::window() else { return };
    let changed = Closure::<dyn FnMut()>::new(|| {
        NEWS.with_borrow_mut(|news| news.link = Some(hash()));
        wake();
    });
    let _ = window.add_event_listener_with_callback("hashchange", changed.as_ref().unchecked_ref());
    changed.forget();
    if let Some(document) = window.document() {
        let hidden = Closure::<dyn FnMut()>::new(|| {
            let hidden = web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden());
            // A hidden tab draws no frames: what is to be done is done now.
            if hidden { workshop::rest() } else { workshop::wake() }
        });
        let _ = document.add_event_listener_with_callback("visibilitychange", hidden.as_ref().unchecked_ref());
        hidden.forget();
    }
}
