//! Everything the window shows and remembers. Panels read it, actions change it, and once a frame it asks the runs what is new.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use egui::{Context, ThemePreference};
use gairat::{
    region_map::Grid,
    session::{Look, Region},
    settings::{MethodChoice, Settings},
};

use web_time::Instant;

use super::{
    Launcher, Member,
    drawing::Drawing,
    lesson::Lesson,
    run::{Phase, Run},
    saved::SavedRuns,
    stations::Station,
    views::{CurvesView, GridView, JudgeView, LinkBuilder, OpenDialog, Palette, Side, StageView, Tab, WeightsView},
};
use crate::host::{Gate, Live};
use crate::link::{FIRST_SPEED, Link, SPEEDS};
use crate::live::Origin;

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
    #[allow(dead_code, reason = "a page alone is closed without being asked")]
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
    pub(in crate::window) changed: Option<Instant>,
    /// The run, and its twin.
    pub(crate) runs: Vec<Run>,
    /// Runs that save themselves and end.
    pub(in crate::window) ending: Vec<Live>,
    pub(crate) gate: Arc<Gate>,
    /// Place in [`SPEEDS`].
    pub(crate) speed: usize,
    pub(in crate::window) launcher: Option<Launcher>,
    /// The row of the selected training sample.
    pub(crate) selected: Option<u32>,
    /// The row that a link selects, until the data are there.
    pub(in crate::window) to_select: Option<u32>,
    /// The row of the one under the pointer.
    pub(crate) hovered: Option<u32>,
    /// The attack step that the inspector shows.
    pub(crate) scrub: usize,
    /// When the attack began to be played.
    pub(crate) scrub_since: Option<Instant>,
    /// The attack step at which the next batch is shown.
    pub(crate) attack_step: Option<usize>,
    /// The station at which it is shown.
    pub(super) station: Station,
    /// When the next step of slow motion is due; none while there is none.
    pub(crate) slow_motion: Option<Instant>,
    pub(crate) stage: StageView,
    pub(crate) grid: GridView,
    pub(crate) curves: CurvesView,
    pub(crate) weights: WeightsView,
    pub(crate) judge: JudgeView,
    pub(crate) drawing: Option<Drawing>,
    pub(crate) palette: Option<Palette>,
    /// The setting that was looked for, until the form has shown it.
    pub(crate) sought: Option<&'static str>,
    /// For how many frames a narrow window goes to the panel that a lesson named: in the first the card still has its room.
    pub(crate) shows_tab: u8,
    pub(crate) help: bool,
    pub(crate) rewind: bool,
    pub(crate) open: Option<OpenDialog>,
    /// What the link that this was opened with says, besides the settings.
    pub(crate) link: Link,
    /// Whether a link is being made, and from what.
    pub(crate) link_builder: Option<LinkBuilder>,
    pub(crate) saved: Option<SavedRuns>,
    pub(crate) question: Option<Question>,
    pub(crate) lesson: Option<Lesson>,
    /// Whether the tour was offered and is not wanted.
    pub(crate) tour_declined: bool,
    pub(crate) notices: Vec<Notice>,
    pub(crate) theme: ThemePreference,
    pub(crate) reduced_motion: bool,
    /// The size of text before it was made larger for a projector.
    pub(in crate::window) text_before: Option<f32>,
    /// Whether somebody points with a finger, who needs more to hit than a pointer does.
    pub(crate) by_finger: bool,
    /// Whether things are as large as a finger needs them.
    pub(in crate::window) large_targets: bool,
    /// Whether the drawers are open where the window is too narrow for both.
    pub(crate) settings_drawer: bool,
    pub(crate) inspector_drawer: bool,
    /// What stands on the right: the sample or the judge.
    pub(crate) side: Side,
    /// The tab that a narrow window shows below the stage.
    pub(crate) tab: Tab,
    /// Whether the window should close.
    pub(crate) close: bool,
    /// What became of figures.
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
            to_select: None,
            hovered: None,
            scrub: 0,
            scrub_since: None,
            attack_step: None,
            station: Station::default(),
            slow_motion: None,
            stage: StageView::default(),
            grid: GridView::default(),
            curves: CurvesView::default(),
            weights: WeightsView::default(),
            judge: JudgeView::default(),
            drawing: None,
            palette: None,
            sought: None,
            shows_tab: 0,
            help: false,
            rewind: false,
            open: None,
            link: Link::default(),
            link_builder: None,
            saved: None,
            question: None,
            lesson: None,
            tour_declined: false,
            notices: Vec::new(),
            theme: ThemePreference::System,
            reduced_motion: false,
            text_before: None,
            by_finger: false,
            large_targets: false,
            settings_drawer: false,
            inspector_drawer: false,
            side: Side::default(),
            tab: Tab::default(),
            close: false,
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

    /// The link of what is shown.
    pub(crate) fn link_of_now(&self) -> Link {
        let twin = self.has_twin().then(|| self.twin_method());
        let select = self.selected.or(self.to_select);
        let speed = (self.speed != FIRST_SPEED).then_some(self.speed);
        Link { settings: self.form.clone(), twin, select, speed, ..self.link.clone() }
    }

    /// Whether the data are points of a plane, as far as a run knows them: either of two may know them first.
    pub(crate) fn is_plane(&self) -> bool {
        self.runs.iter().all(Run::is_plane)
    }

    /// Whether there is a twin.
    pub(crate) fn has_twin(&self) -> bool {
        self.runs.len() > 1
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
        self.select_as_told();
        self.tell_changes(now);
        self.play_attack(ctx, now);
        if self.slow_motion.is_some_and(|due| now >= due) {
            self.slow_motion = Some(now + SLOW);
            self.attack_step();
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
            shown: if run.is_plane() { Vec::new() } else { self.grid.attacked(self.gate.playing()).to_vec() },
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

    /// Selects what a link names, once it is known which samples there are.
    fn select_as_told(&mut self) {
        let Some(dataset) = self.run().dataset.clone().filter(|_| self.to_select.is_some()) else { return };
        let Some(row) = self.to_select.take() else { return };
        if self.run().place_of(row).is_some() {
            return self.select(Some(row));
        }
        let rows = &dataset.train.rows;
        let (least, most) = (rows.iter().min().copied().unwrap_or_default(), rows.iter().max().copied().unwrap_or_default());
        self.say(
            format!(
                "select: {row} is not one of the {} training samples, whose rows lie between {least} and {most}; none was selected.",
                rows.len()
            ),
            true,
        );
    }

    /// The attack step that is shown of an attack of so many points.
    pub(crate) fn scrub_in(&self, points: usize) -> usize {
        self.scrub.min(points.saturating_sub(1))
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
