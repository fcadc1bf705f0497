//! Everything the window shows and remembers. Panels read it, actions change it, and once a frame it asks the runs what is new.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use egui::{Context, ThemePreference};
use gairat::{
    dataset::Source,
    region_map::{Grid, Quantity},
    session::{Command, Look, Region},
    settings::{MethodChoice, Settings},
};

use web_time::Instant;

use super::{
    action::{Action, Format},
    changes::Member,
    curves::CurvesView,
    drawing::Drawing,
    files::{self, OpenDialog},
    grid::GridView,
    judge::{self, JudgeView},
    lessons::Lesson,
    links::{self, LinkBuilder},
    outside,
    palette::Palette,
    run::{Phase, Run},
    stage::StageView,
    weighting::WeightsView,
};
use crate::link::Link;
use crate::live::{self, Gate, Live, Origin, UNLIMITED, WindowsGpu};
use crate::words::Door;

/// Steps a second to choose from.
pub(crate) const SPEEDS: [f64; 8] = [1.0, 4.0, 15.0, 30.0, 60.0, 120.0, 400.0, UNLIMITED];
/// The speed that one begins with: an epoch of the moons in half a second.
const FIRST_SPEED: usize = 3;
/// How often views are wanted while something moves.
const VIEW_EVERY: Duration = Duration::from_millis(100);
/// For how long after an action views are still wanted.
const VIEW_AFTER: Duration = Duration::from_millis(1500);
/// Steps of an attack a second when it is played.
const SCRUB_RATE: f32 = 5.0;
/// How long an attack step takes in slow motion.
const SLOW: Duration = Duration::from_millis(300);
/// Cells of the region map along a side, while training runs on the CPU (or on what stands in for a GPU there) and on a GPU.
const CELLS: (usize, usize) = (128, 256);
/// For how long a notice stays.
const NOTICE: Duration = Duration::from_secs(12);

/// Where runs come from.
#[derive(Clone)]
pub(crate) struct Launcher {
    /// The folder that new runs are kept in.
    pub(crate) root: PathBuf,
    /// The GPU that the window draws with, if runs may compute on it.
    pub(crate) gpu: Option<WindowsGpu>,
    /// Whether the first run plays at once.
    pub(crate) playing: bool,
    /// Whether the window is drawn by the CPU: then training leaves it a core.
    pub(crate) drawn_by_cpu: bool,
    /// Asks for a frame.
    pub(crate) wake: Arc<dyn Fn() + Send + Sync>,
}

/// Something to be read at once.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) is_error: bool,
    since: Instant,
}

/// A question that must be answered before something goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Question {
    /// A new run with the settings of the form?
    NewRun,
    /// Go on with the run in this folder, which was open when the page was last closed?
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "a page alone is closed without being asked"))]
    Resume(PathBuf),
}

/// The window's state.
pub(crate) struct State {
    /// The settings as they are edited.
    pub(crate) form: Settings,
    /// The method of the twin as it is edited; none while nobody has chosen one.
    pub(crate) twin: Option<MethodChoice>,
    /// Values that are typed and cannot be read yet, and why.
    pub(crate) unread: BTreeMap<(Member, &'static str), (String, String)>,
    /// When the form was last changed and the runs not yet told.
    pub(super) changed: Option<Instant>,
    /// The run, and its twin.
    pub(crate) runs: Vec<Run>,
    /// Runs that save themselves and end.
    ending: Vec<Live>,
    pub(crate) gate: Arc<Gate>,
    /// Place in [`SPEEDS`].
    pub(crate) speed: usize,
    launcher: Option<Launcher>,
    /// The row of the selected training sample.
    pub(crate) selected: Option<u32>,
    /// The row of the one under the pointer.
    pub(crate) hovered: Option<u32>,
    /// The attack step that the inspector shows.
    pub(crate) scrub: usize,
    /// When the attack began to be played.
    pub(crate) scrub_since: Option<Instant>,
    /// The attack step at which the next batch is shown.
    pub(crate) attack_step: Option<usize>,
    /// When the next step of slow motion is due; none while there is none.
    pub(crate) slow_motion: Option<Instant>,
    pub(crate) stage: StageView,
    pub(crate) grid: GridView,
    pub(crate) curves: CurvesView,
    pub(crate) weights: WeightsView,
    pub(crate) judge: JudgeView,
    pub(crate) drawing: Option<Drawing>,
    pub(crate) palette: Option<Palette>,
    pub(crate) help: bool,
    pub(crate) rewind: bool,
    pub(crate) open: Option<OpenDialog>,
    /// What the link that this was opened with says, besides the settings.
    pub(crate) link: Link,
    /// Whether a link is being made, and from what.
    pub(crate) link_builder: Option<LinkBuilder>,
    pub(crate) question: Option<Question>,
    pub(crate) lesson: Option<Lesson>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) theme: ThemePreference,
    pub(crate) reduced_motion: bool,
    /// Whether the drawers are open where the window is too narrow for both.
    pub(crate) settings_drawer: bool,
    pub(crate) inspector_drawer: bool,
    /// What stands on the right: the sample or the judge.
    pub(crate) side: super::layout::Side,
    /// The tab that a narrow window shows below the stage.
    pub(crate) tab: super::layout::Tab,
    /// Whether the window should close.
    pub(crate) close: bool,
    /// The file that a picture of the curves is to be written to, when they are next drawn.
    pub(crate) picture: Option<PathBuf>,
    /// What became of pictures.
    pub(crate) pictures: Arc<Mutex<Vec<Result<String, String>>>>,
    asked: Instant,
    asked_for: Vec<Look>,
    /// Steps that were granted when views were last asked for.
    asked_at: u64,
    views_until: Instant,
}

impl State {
    /// A window that is about to train with `settings`, with a twin of the method `twin` beside it, or to go on with the run in the
    /// folder `resume`; without a launcher nothing is started.
    pub(crate) fn new(
        settings: Settings,
        launcher: Option<Launcher>,
        resume: Option<PathBuf>,
        twin: Option<MethodChoice>,
    ) -> Self {
        let now = Instant::now();
        let mut state = Self {
            form: settings,
            twin,
            unread: BTreeMap::new(),
            changed: None,
            runs: Vec::new(),
            ending: Vec::new(),
            gate: Arc::new(Gate::new(launcher.as_ref().is_none_or(|launcher| launcher.playing), SPEEDS[FIRST_SPEED])),
            speed: FIRST_SPEED,
            launcher,
            selected: None,
            hovered: None,
            scrub: 0,
            scrub_since: None,
            attack_step: None,
            slow_motion: None,
            stage: StageView::default(),
            grid: GridView::default(),
            curves: CurvesView::default(),
            weights: WeightsView::default(),
            judge: JudgeView::default(),
            drawing: None,
            palette: None,
            help: false,
            rewind: false,
            open: None,
            link: Link::default(),
            link_builder: None,
            question: None,
            lesson: None,
            notices: Vec::new(),
            theme: ThemePreference::System,
            reduced_motion: false,
            settings_drawer: false,
            inspector_drawer: false,
            side: super::layout::Side::default(),
            tab: super::layout::Tab::default(),
            close: false,
            picture: None,
            pictures: Arc::default(),
            asked: now,
            asked_for: Vec::new(),
            asked_at: 0,
            views_until: now,
        };
        match resume {
            Some(folder) => state.start(vec![(state.form.clone(), Some(Origin::Folder(folder)))]),
            None => state.restart_with(state.twin.is_some()),
        }
        state
    }

    /// The main run.
    pub(crate) fn run(&self) -> &Run {
        &self.runs[0]
    }

    /// Whether there is a twin.
    pub(crate) fn has_twin(&self) -> bool {
        self.runs.len() > 1
    }

    /// Starts runs in the place of those there are; these save themselves. Without an origin a run starts anew.
    fn start(&mut self, runs: Vec<(Settings, Option<Origin>)>) {
        let data = |settings: &Settings| settings.checked().ok().map(|plan| plan.request);
        let same_data =
            self.runs.first().zip(runs.first()).is_some_and(|(run, (settings, _))| data(&run.settings) == data(settings));
        if !same_data {
            self.selected = None;
        }
        self.stage.difference &= runs.len() > 1;
        self.stop_runs();
        self.gate = Arc::new(Gate::new(self.gate.playing(), SPEEDS[self.speed]));
        self.gate.open_for(runs.len());
        self.runs = runs
            .into_iter()
            .enumerate()
            .map(|(member, (settings, origin))| {
                let live = self.launcher.as_ref().map(|launcher| {
                    let wake = Arc::clone(&launcher.wake);
                    let origin = origin.unwrap_or_else(|| Origin::Fresh(launcher.root.clone()));
                    // The window's GPU is meant by `auto` and by `gpu`, and by its name.
                    // A twin opens a device of its own.
                    let gpu = launcher.gpu.clone().filter(|gpu| {
                        let asked = settings.device.to_lowercase();
                        member == 0 && (asked == "auto" || asked == "gpu" || gpu.chosen.name.to_lowercase().contains(&asked))
                    });
                    let gate = (Arc::clone(&self.gate), member);
                    let spare = usize::from(launcher.drawn_by_cpu);
                    Live::start(settings.clone(), origin, gate, (gpu, spare), Box::new(move || wake()))
                });
                Run::new(settings, live)
            })
            .collect();
        self.stage.forget_pictures();
        self.grid = GridView::default();
        (self.attack_step, self.slow_motion) = (None, None);
        self.weights.member = Member::default();
        self.changed = None;
        self.unread.clear();
        self.question = None;
        self.touch();
    }

    fn stop_runs(&mut self) {
        for run in &mut self.runs {
            if let Some(live) = run.live.take() {
                live.command(Command::Stop);
                self.ending.push(live);
            }
        }
    }

    /// Starts anew with the settings of the form; with a twin, the twin as well.
    pub(crate) fn restart(&mut self) {
        self.restart_with(self.has_twin());
    }

    /// Starts anew with the settings of the form, with a twin or without.
    pub(crate) fn restart_with(&mut self, twin: bool) {
        let mut runs = vec![(self.form.clone(), None)];
        if twin {
            // From here on it is a choice: the twin keeps its method when that of the run changes.
            self.twin = Some(self.twin_method());
            runs.push((self.wanted(Member::Twin), None));
        }
        self.start(runs);
    }

    /// Saves everything and waits for it: the window closes.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn finish(&mut self) {
        self.stop_runs();
        for live in &mut self.ending {
            live.finish();
        }
        self.ending.clear();
    }

    /// Something was done: views are wanted for a while.
    pub(crate) fn touch(&mut self) {
        self.views_until = Instant::now() + VIEW_AFTER;
        self.asked_for.clear();
    }

    /// Tells the person something.
    pub(crate) fn say(&mut self, text: impl Into<String>, is_error: bool) {
        let text = text.into();
        self.notices.retain(|notice| notice.text != text);
        self.notices.push(Notice { text, is_error, since: Instant::now() });
        if self.notices.len() > 4 {
            self.notices.remove(0);
        }
    }

    /// Once a frame: takes in what the runs told, and asks for what is to be seen.
    pub(crate) fn tick(&mut self, ctx: &Context, now: Instant) {
        let mut told = Vec::new();
        for run in &mut self.runs {
            told.extend(run.catch_up(now));
        }
        for text in told {
            let is_bad = |run: &Run| run.phase == Phase::Failed(text.clone()) || run.at_chance() == Some(text.as_str());
            let is_error = self.runs.iter().any(is_bad);
            self.say(text, is_error);
        }
        self.ending.retain(|live| !live.is_over());
        let pictures = self.pictures.lock().map(|mut done| std::mem::take(&mut *done)).unwrap_or_default();
        for picture in pictures {
            match picture {
                Ok(told) => self.say(told, false),
                Err(problem) => self.say(problem, true),
            }
        }
        // Errors stay until they are closed.
        self.notices.retain(|notice| notice.is_error || now.duration_since(notice.since) < NOTICE);
        self.tell_changes(now);
        self.play_attack(ctx, now);
        if self.slow_motion.is_some_and(|due| now >= due) {
            self.slow_motion = Some(now + SLOW);
            self.attack_step();
        }
        if self.lesson.is_some() {
            super::lessons::drive(self);
        }

        let at_work = self.gate.playing() && self.runs.iter().any(Run::is_at_work);
        let looks: Vec<Look> = self.runs.iter().map(|run| self.look_for(run)).collect();
        // What is looked at is not trained meanwhile: looking may take a fifth of the time, and no more.
        let took = self.runs.iter().map(|run| run.view_took).max().unwrap_or_default();
        let due = now.duration_since(self.asked) >= VIEW_EVERY.max(5 * took);
        let granted = self.gate.granted();
        let moving = at_work || self.slow_motion.is_some();
        let wanted = moving || now < self.views_until || looks != self.asked_for || granted != self.asked_at;
        if due && wanted {
            let mut asked = false;
            for (run, look) in self.runs.iter().zip(&looks) {
                if let Some(live) = run.live.as_ref().filter(|live| !live.is_looking() && !live.is_over()) {
                    live.look(look.clone());
                    asked = true;
                }
            }
            if asked {
                (self.asked, self.asked_for, self.asked_at) = (now, looks, granted);
            }
        }
        if wanted || !self.ending.is_empty() || !self.notices.is_empty() {
            ctx.request_repaint_after(VIEW_EVERY);
        }
    }

    /// What is to be seen of a run.
    fn look_for(&self, run: &Run) -> Look {
        let on_cpu = run.device.starts_with("CPU");
        let side = if on_cpu || run.device_is_software { CELLS.0 } else { CELLS.1 };
        let map = (run.is_plane() && self.stage.shows.regions).then(|| (Grid::unit(side, side), self.stage.quantity));
        Look {
            map,
            map_on_device: run.device_is_shared && !self.stage.difference,
            selected: self.selected,
            shown: if run.is_plane() { Vec::new() } else { self.grid.attacked().to_vec() },
            next_batch: self.attack_step.is_some() && run.is_plane(),
        }
    }

    fn play_attack(&mut self, ctx: &Context, now: Instant) {
        let (Some(since), Some(traced)) = (self.scrub_since, &self.run().traced) else { return };
        let last = traced.points.len().saturating_sub(1);
        let step = (now.duration_since(since).as_secs_f32() * SCRUB_RATE) as usize;
        self.scrub = step.min(last);
        if step >= last {
            self.scrub_since = None;
        }
        ctx.request_repaint_after(Duration::from_millis(50));
    }

    /// Selects the sample of `row`.
    pub(crate) fn select(&mut self, row: Option<u32>) {
        if self.selected != row {
            self.selected = row;
            self.scrub_since = None;
            for run in &mut self.runs {
                run.traced = None;
            }
            self.scrub = usize::MAX;
        }
        self.touch();
    }

    /// The attack step that is shown of an attack of so many points.
    pub(crate) fn scrub_in(&self, points: usize) -> usize {
        self.scrub.min(points.saturating_sub(1))
    }

    fn select_beside(&mut self, forward: bool) {
        let Some(dataset) = self.run().dataset.clone() else { return };
        let rows = &dataset.train.rows;
        if rows.is_empty() {
            return;
        }
        let place = self.selected.and_then(|row| self.run().place_of(row));
        let next = match (place, forward) {
            (None, _) => 0,
            (Some(place), true) => (place + 1) % rows.len(),
            (Some(place), false) => (place + rows.len() - 1) % rows.len(),
        };
        self.select(Some(rows[next]));
    }

    fn attack_step(&mut self) {
        self.gate.play(false);
        let steps = self.run().settings.steps as usize;
        self.attack_step = match self.attack_step {
            None => Some(0),
            Some(step) if step < steps => Some(step + 1),
            Some(_) => {
                self.gate.one_step();
                Some(0)
            }
        };
    }

    /// Goes on from the end of an earlier epoch, in a run of its own.
    pub(crate) fn rewind_to(&mut self, epoch: u32) {
        let Some(launcher) = &self.launcher else { return };
        let root = launcher.root.clone();
        let runs: Option<Vec<(Settings, Option<Origin>)>> = self
            .runs
            .iter()
            .map(|run| {
                let state = run.history.iter().find(|state| state.progress.epoch == epoch)?;
                let metrics = run.metrics.iter().filter(|metrics| metrics.epoch <= epoch).cloned().collect();
                Some((run.settings.clone(), Some(Origin::State(root.clone(), Arc::clone(state), metrics))))
            })
            .collect();
        let Some(runs) = runs else {
            self.say(format!("the state after epoch {epoch} is not kept for both runs"), true);
            return;
        };
        let histories: Vec<_> = self.runs.iter().map(|run| run.history.clone()).collect();
        self.rewind = false;
        self.form = self.run().settings.clone();
        self.start(runs);
        for (run, history) in self.runs.iter_mut().zip(histories) {
            run.history = history.into_iter().filter(|state| state.progress.epoch <= epoch).collect();
        }
        self.say(format!("Goes on from the end of epoch {epoch}, in a run of its own; the run before is kept."), false);
    }

    /// Goes on with the run in a folder.
    pub(crate) fn open_run(&mut self, folder: &Path) {
        if self.runs.iter().any(|run| run.folder.as_deref() == Some(folder) && run.live.as_ref().is_some_and(|l| !l.is_over())) {
            self.say(format!("{} is the run that is open.", folder.display()), false);
            return;
        }
        match live::settings_of(folder) {
            Ok(settings) => {
                self.form = settings.clone();
                self.open = None;
                self.start(vec![(settings, Some(Origin::Folder(folder.to_owned())))]);
                self.selected = None;
            }
            Err(failure) => self.say(failure.message(Door::Window), true),
        }
    }

    /// Takes settings from a file and starts with them.
    pub(crate) fn open_settings(&mut self, settings: Settings) {
        self.form = settings;
        self.open = None;
        self.selected = None;
        self.restart();
    }

    /// Takes the settings of a link, and its twin if it has one, and starts with them.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "an address changes under a page alone"))]
    pub(crate) fn open_link(&mut self, settings: Settings, twin: Option<MethodChoice>) {
        self.form = settings;
        self.twin = twin;
        self.open = None;
        self.selected = None;
        self.restart_with(self.twin.is_some());
    }

    /// Trains on points that were drawn.
    fn train_on_drawing(&mut self) {
        let Some(drawing) = &self.drawing else { return };
        let Some(launcher) = &self.launcher else { return };
        match drawing.save(&launcher.root) {
            Ok(file) => {
                let mut settings = self.form.clone();
                settings.data = Source::npz(file);
                self.form = settings;
                self.drawing = None;
                self.selected = None;
                // Drawing paused the run before.
                self.gate.play(true);
                self.restart();
            }
            Err(problem) => self.say(problem, true),
        }
    }

    /// Does what is asked for.
    pub(crate) fn act(&mut self, action: Action, ctx: &Context) {
        self.touch();
        match action {
            Action::PlayOrPause => {
                (self.attack_step, self.slow_motion) = (None, None);
                self.gate.play(!self.gate.playing());
            }
            Action::OneBatch => {
                self.slow_motion = None;
                self.attack_step = self.attack_step.map(|_| 0);
                self.gate.one_step();
            }
            Action::AttackStep => {
                self.slow_motion = None;
                self.attack_step();
            }
            Action::SlowMotion => match self.slow_motion.take() {
                Some(_) => {}
                None if self.run().is_plane() => self.slow_motion = Some(Instant::now()),
                None => self.say("Slow motion shows points of a plane: choose moons, for example.", false),
            },
            Action::Slower => self.set_speed(self.speed.saturating_sub(1)),
            Action::Faster => self.set_speed(self.speed + 1),
            Action::Restart => self.restart(),
            Action::Rewind => self.rewind = !self.rewind,
            Action::Twin => {
                if self.has_twin() {
                    if let Some(live) = self.runs.pop().and_then(|run| run.live) {
                        live.command(Command::Stop);
                        self.gate.leave(1);
                        self.ending.push(live);
                    }
                    self.stage.difference = false;
                    self.weights.member = Member::default();
                } else {
                    if self.twin.as_ref() == Some(&self.form.method) {
                        // Chosen before, when the run had another.
                        self.twin = None;
                    }
                    // Both from the beginning: only then they share seed, order and starts all along.
                    self.restart_with(true);
                }
            }
            Action::Difference => {
                self.stage.difference = !self.stage.difference && self.has_twin();
                if !self.has_twin() {
                    self.say("There is one run: add a twin (W) to see how two differ.", false);
                }
            }
            Action::SelectNext => self.select_beside(true),
            Action::SelectPrevious => self.select_beside(false),
            Action::Deselect => self.leave_one(),
            Action::ScrubForward | Action::ScrubBack => {
                let points = self.run().traced.as_ref().map_or(0, |traced| traced.points.len());
                let now = self.scrub_in(points);
                self.scrub_since = None;
                self.scrub =
                    if action == Action::ScrubForward { (now + 1).min(points.saturating_sub(1)) } else { now.saturating_sub(1) };
            }
            Action::PlayAttack => {
                self.scrub_since = match self.scrub_since {
                    Some(_) => None,
                    None => self.run().traced.is_some().then(Instant::now),
                };
            }
            Action::ResetView => self.stage.reset(),
            Action::Quantity => {
                self.stage.quantity = match self.stage.quantity {
                    Quantity::Probability => Quantity::Margin,
                    Quantity::Margin => Quantity::Probability,
                };
            }
            Action::ShowNatural => self.stage.shows.natural ^= true,
            Action::ShowAdversarial => self.stage.shows.adversarial ^= true,
            Action::ShowSteps => self.stage.shows.steps ^= true,
            Action::ShowRegions => self.stage.shows.regions ^= true,
            Action::Draw => {
                self.drawing = match self.drawing.take() {
                    Some(_) => None,
                    None => match self.run().dataset.as_deref().filter(|dataset| dataset.shape.len() == 2) {
                        Some(dataset) => {
                            self.gate.play(false);
                            Some(Drawing::of(dataset))
                        }
                        None => {
                            self.say(
                                "Points can be drawn where the data are points of a plane: choose moons, for example.",
                                false,
                            );
                            None
                        }
                    },
                };
            }
            Action::Brush(class) => self.draw(|drawing| drawing.brush = Some(usize::from(class))),
            Action::Eraser => self.draw(|drawing| drawing.brush = None),
            Action::AddNoise => self.draw(Drawing::add_noise),
            Action::ClearPoints => self.draw(Drawing::clear),
            Action::TrainOnDrawing => self.train_on_drawing(),
            Action::Undo => self.draw(Drawing::undo),
            Action::Redo => self.draw(Drawing::redo),
            Action::Open => {
                self.open = Some(OpenDialog::new(self.launcher.as_ref().map(|launcher| launcher.root.as_path()), ctx));
            }
            Action::Save => self.save(),
            Action::SaveSettings => files::save_settings(self),
            Action::CopyLink => links::copy(self, ctx),
            Action::BuildLink => self.link_builder = Some(LinkBuilder::of(self)),
            Action::ExportCurves(format) => self.export_curves(format),
            Action::Palette => self.palette = Some(Palette::default()),
            Action::Help => self.help = !self.help,
            Action::Lesson(number) => super::lessons::begin(self, usize::from(number)),
            Action::Theme => {
                self.theme = match self.theme {
                    ThemePreference::System => ThemePreference::Dark,
                    ThemePreference::Dark => ThemePreference::Light,
                    ThemePreference::Light => ThemePreference::System,
                };
                ctx.set_theme(self.theme);
            }
            Action::LargerText => ctx.set_zoom_factor((ctx.zoom_factor() * 1.1).min(3.0)),
            Action::SmallerText => ctx.set_zoom_factor((ctx.zoom_factor() / 1.1).max(0.6)),
            Action::ReducedMotion => self.set_reduced_motion(ctx, !self.reduced_motion),
            Action::SettingsDrawer => self.settings_drawer ^= true,
            Action::InspectorDrawer => self.inspector_drawer ^= true,
            Action::Judge => {
                (self.side, self.tab, self.inspector_drawer) = (super::layout::Side::Judge, super::layout::Tab::Judge, true);
                judge::begin(self, true);
            }
            Action::StopJudging => judge::stop(self),
            Action::Quit => self.close = true,
        }
    }

    /// Whether nothing is to move that need not.
    pub(crate) fn set_reduced_motion(&mut self, ctx: &Context, reduced: bool) {
        self.reduced_motion = reduced;
        let seconds = if reduced { 0.0 } else { egui::Style::default().animation_time };
        ctx.all_styles_mut(|style| style.animation_time = seconds);
    }

    pub(crate) fn set_speed(&mut self, speed: usize) {
        self.speed = speed.min(SPEEDS.len() - 1);
        self.gate.set_speed(SPEEDS[self.speed]);
    }

    fn draw(&mut self, change: impl FnOnce(&mut Drawing)) {
        if let Some(drawing) = &mut self.drawing {
            change(drawing);
        }
    }

    /// Closes the topmost thing that is open, else deselects.
    fn leave_one(&mut self) {
        let closed = self.palette.take().is_some()
            || self.open.take().is_some()
            || self.link_builder.take().is_some()
            || std::mem::take(&mut self.help)
            || std::mem::take(&mut self.rewind)
            || self.drawing.take().is_some()
            || self.lesson.take().is_some()
            || self.slow_motion.take().is_some()
            || self.attack_step.take().is_some();
        if !closed {
            self.select(None);
        }
    }

    /// Saves the runs where they are; they tell when it is done. (They are saved after every epoch anyway.)
    fn save(&mut self) {
        if !self.run().answers() {
            self.say("The run has ended; what it had saved before is in its folder.", false);
            return;
        }
        for run in &self.runs {
            if let Some(live) = &run.live {
                live.command(Command::Save);
            }
        }
    }

    fn export_curves(&mut self, format: Format) {
        let Some(file) = outside::new_file(
            self,
            "curves",
            match format {
                Format::Png => "png",
                Format::Svg => "svg",
                Format::Csv => "csv",
            },
        ) else {
            return;
        };
        match format {
            Format::Png => self.picture = Some(file),
            Format::Svg => files::write(self, &file, super::figure::svg(&super::curves::figure(&self.runs)).as_bytes()),
            Format::Csv => files::write(self, &file, super::figure::csv(&super::curves::figure(&self.runs)).as_bytes()),
        }
    }

    /// The regions of both runs on the host, if both are there.
    pub(crate) fn both_regions(&self) -> Option<[(&Grid, &[f32]); 2]> {
        match (&self.runs.first()?.region, &self.runs.get(1)?.region) {
            (Some((Region::OnHost(a, of_a), _)), Some((Region::OnHost(b, of_b), _))) if a == b => {
                Some([(a, of_a.as_slice()), (b, of_b.as_slice())])
            }
            _ => None,
        }
    }
}
