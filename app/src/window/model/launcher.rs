//! How runs start: anew, from a folder, from a link, or from the end of an earlier epoch. The runs before them save themselves and end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use gairat::{
    session::Command,
    settings::{MethodChoice, Settings},
};

use super::{Member, Run, State, views::GridView};
use crate::{
    host::{Gate, Live},
    link::SPEEDS,
    live::{self, Origin, Rewound, WindowsGpu},
    words::Door,
};

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

impl State {
    /// Starts runs in the place of those there are; these save themselves. Without an origin a run starts anew.
    pub(super) fn start(&mut self, runs: Vec<(Settings, Option<Origin>)>) {
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

    /// Saves everything; gives the runs that are to be waited for.
    #[allow(dead_code, reason = "a page is closed without being asked")]
    pub(crate) fn finish(&mut self) -> Vec<Live> {
        self.stop_runs();
        std::mem::take(&mut self.ending)
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
                let rewound = Rewound { root: root.clone(), from: run.folder.clone(), state: state.as_ref().clone(), metrics };
                Some((run.settings.clone(), Some(Origin::State(rewound))))
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
    #[allow(dead_code, reason = "an address changes under a page alone")]
    pub(crate) fn open_link(&mut self, settings: Settings, twin: Option<MethodChoice>) {
        self.form = settings;
        self.twin = twin;
        self.open = None;
        self.selected = None;
        self.restart_with(self.twin.is_some());
    }
}
