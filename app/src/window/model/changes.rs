//! What the form says of the run and of its twin, and how the runs are told of it while they train.

use std::time::Duration;

use gairat::{
    method::METHODS,
    session::Command,
    settings::{MethodChoice, Settings, SettingsError, fields, may_change},
};
use web_time::Instant;

use super::{Phase, Question, State};
use crate::words::Door;

/// For how long a value must rest before the run is told of it.
const REST: Duration = Duration::from_millis(200);

/// Which of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Member {
    /// The one that the form is of.
    #[default]
    Main,
    /// The one beside it, which shares all settings but the method.
    Twin,
}

impl Member {
    /// Its place among the runs.
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Main => 0,
            Self::Twin => 1,
        }
    }
}

impl State {
    /// What the form says of a run.
    pub(crate) fn wanted(&self, member: Member) -> Settings {
        match member {
            Member::Main => self.form.clone(),
            Member::Twin => Settings { method: self.twin_method(), ..self.form.clone() },
        }
    }

    /// The method of the twin, there or not.
    pub(crate) fn twin_method(&self) -> MethodChoice {
        self.twin.clone().unwrap_or_else(|| other_than(&self.form.method))
    }

    /// Sets one of the settings that the form shows, of the run or of its twin.
    pub(crate) fn set(&mut self, member: Member, name: &str, text: &str) -> Result<(), SettingsError> {
        let mut settings = self.wanted(member);
        settings.set(name, text)?;
        match member {
            Member::Main => self.form = settings,
            Member::Twin => self.twin = Some(settings.method),
        }
        self.edited();
        Ok(())
    }

    /// The runs that there are.
    pub(crate) fn members(&self) -> impl Iterator<Item = Member> + use<> {
        [Member::Main, Member::Twin].into_iter().take(self.runs.len())
    }

    /// The settings that differ from what the runs were made with, in a way that takes new ones.
    pub(crate) fn needs_new_run(&self) -> Vec<&'static str> {
        let wanted: Vec<Settings> = self.members().map(|member| self.wanted(member)).collect();
        let differs = |name: &str| self.runs.iter().zip(&wanted).any(|(run, wanted)| wanted.get(name) != run.settings.get(name));
        let fixed = |name: &str| !may_change(name) || self.is_done();
        fields().iter().map(|field| field.name).filter(|name| fixed(name) && differs(name)).collect()
    }

    /// Whether the run is over and is not to get more epochs: its results are those of its settings, and nothing changes them.
    fn is_done(&self) -> bool {
        let run = self.run();
        match run.phase {
            Phase::Finished(_) => self.form.epochs <= run.settings.epochs,
            Phase::Failed(_) | Phase::Stopped => true,
            _ => false,
        }
    }

    /// The form was changed.
    pub(crate) fn edited(&mut self) {
        self.changed = Some(Instant::now());
    }

    /// Takes the changes back that need a new run.
    pub(crate) fn take_back(&mut self) {
        let names = self.needs_new_run();
        let before = self.run().settings.clone();
        // They were valid when the run was made.
        let _ = adopt(&mut self.form, &before, |name| names.contains(&name));
        if let Some(twin) = self.runs.get(1).filter(|_| self.is_done()) {
            self.twin = Some(twin.settings.method.clone());
        }
        self.question = None;
    }

    /// Tells the runs of values that have come to rest and may change on the way.
    pub(super) fn tell_changes(&mut self, now: Instant) {
        if self.changed.is_none_or(|changed| now.duration_since(changed) < REST) {
            return;
        }
        self.tell_now();
    }

    /// Tells the runs at once of what the form says and may change on the way.
    pub(crate) fn tell_now(&mut self) {
        self.changed = None;
        let rests = !self.gate.playing();
        if !self.is_done() {
            let changed: Result<Vec<_>, SettingsError> = self
                .members()
                .zip(&self.runs)
                .map(|(member, run)| {
                    let mut settings = run.settings.clone();
                    adopt(&mut settings, &self.wanted(member), may_change)?;
                    let plan = settings.checked()?;
                    Ok((settings != run.settings).then_some((settings, plan)))
                })
                .collect();
            match changed {
                Ok(changed) if changed.iter().any(Option::is_some) => {
                    for (run, changed) in self.runs.iter_mut().zip(changed) {
                        let Some((settings, plan)) = changed else { continue };
                        if let Some(live) = &run.live {
                            live.command(Command::Change(Box::new(plan)));
                        }
                        run.settings = settings;
                        if rests {
                            run.reweigh();
                        }
                    }
                    self.touch();
                }
                Ok(_) => {}
                Err(refused) => self.say(Door::Window.settings(&refused), true),
            }
        }
        if !self.needs_new_run().is_empty() {
            self.question = Some(Question::NewRun);
        }
    }
}

/// A method to stand beside `method`: the one that the program is named after, or the first of the list.
fn other_than(method: &MethodChoice) -> MethodChoice {
    let first = METHODS.first().and_then(|entry| MethodChoice::of(entry.about.name).ok());
    let others = [Some(MethodChoice::default()), first];
    others.into_iter().flatten().find(|other| other.name() != method.name()).unwrap_or_default()
}

/// Gives `settings` what `from` has of the settings that `which` says. A method comes with its parameters.
fn adopt(settings: &mut Settings, from: &Settings, which: impl Fn(&str) -> bool) -> Result<(), SettingsError> {
    if which("method") {
        settings.method = from.method.clone();
    }
    for name in fields().iter().map(|field| field.name).filter(|name| *name != "method" && which(name)) {
        let text = from.get(name).filter(|text| settings.get(name).as_ref() != Some(text));
        if let Some(text) = text {
            settings.set(name, &text)?;
        }
    }
    Ok(())
}
