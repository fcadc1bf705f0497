//! What each action does.

use egui::{Context, ThemePreference};
use gairat::{dataset::Source, region_map::Quantity, session::Command};
use web_time::Instant;

use super::{Action, files, judging, lessons, links, projector};
use crate::window::model::{
    Member, State,
    drawing::Drawing,
    saved::SavedRuns,
    views::{OpenDialog, Palette, Side, Tab},
};

impl State {
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
                None if self.is_plane() => self.slow_motion = Some(Instant::now()),
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
            Action::SavedRuns => {
                self.saved = Some(SavedRuns::within(self.launcher.as_ref().map(|launcher| launcher.root.as_path())));
            }
            Action::Save => self.save(),
            Action::SaveSettings => files::save_settings(self),
            Action::CopyLink => links::copy(self, ctx),
            Action::BuildLink => self.link_builder = Some(links::builder(self)),
            Action::ExportFigures => files::export_figures(self, ctx),
            Action::Palette => self.palette = Some(Palette::default()),
            Action::Help => self.help = !self.help,
            Action::Lesson(number) => lessons::begin(self, usize::from(number)),
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
            Action::Projector => projector::set(self, ctx, !self.link.projector),
            Action::SettingsDrawer => self.settings_drawer ^= true,
            Action::InspectorDrawer => self.inspector_drawer ^= true,
            Action::Judge => {
                (self.side, self.tab, self.inspector_drawer) = (Side::Judge, Tab::Judge, true);
                judging::begin(self, true);
            }
            Action::StopJudging => judging::stop(self),
            Action::Quit => self.close = true,
        }
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
            || self.saved.take().is_some()
            || std::mem::take(&mut self.help)
            || std::mem::take(&mut self.rewind)
            || self.drawing.take().is_some()
            || lessons::left(self)
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
}
