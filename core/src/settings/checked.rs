//! Checked settings, split into the parts of a run.

use super::{Settings, SettingsError, error::in_range, field::parameter_range};
use crate::{
    attack::{Attack, LossKind},
    batch::Noise,
    dataset::Request,
    method::{Clock, Craft, Method, ParameterValue},
    train::LearningRate,
};

impl Settings {
    /// Checks all settings and splits them into the parts of a run.
    ///
    /// # Errors
    /// The first setting that is out of range or conflicts with another.
    pub fn checked(&self) -> Result<Checked, SettingsError> {
        self.all_in_range()?;
        let conflict = |name, problem: &str| Err(SettingsError::Conflict { name, problem: problem.to_owned() });
        if self.epsilon > 0.0 && self.step_size == 0.0 {
            return conflict("step_size", "0 never leaves the start; expected more than 0 (epsilon / 4 is usual)");
        }
        if self.lr == 0.0 {
            return conflict("lr", "0 learns nothing; expected more than 0");
        }
        for (parameter, value) in self.method.parameters().iter() {
            if let ParameterValue::Number(number) = value {
                in_range(parameter.name, &number, parameter_range(parameter))?;
            }
        }
        self.method.check(self.steps).map_err(|(name, problem)| SettingsError::Conflict { name, problem })?;
        let checked = Checked {
            request: Request {
                source: self.data.clone(),
                range: self.data_range.clone(),
                points: self.points,
                noise: self.noise,
                seed: self.data_seed,
                test: self.test,
                validation: self.validation,
            },
            attack: Attack {
                epsilon: self.epsilon as f32,
                step_size: self.step_size as f32,
                steps: self.steps,
                loss: self.loss.0.unwrap_or_default(),
                start: self.random_start.then_some(Noise::Uniform),
                patience: None,
                path: self.path,
            },
            method: self.method.build(),
            learning_rate: LearningRate { schedule: self.lr_schedule, lr: self.lr, epochs: self.epochs },
            settings: self.clone(),
        };
        if !self.random_start && checked.attacks(1).iter().any(|attack| attack.loss == LossKind::Kl) {
            let by_name = self.loss.0.is_some();
            let (name, problem) = if by_name {
                ("loss", "kl has a zero gradient at the natural image: it needs a random start")
            } else {
                (
                    "random_start",
                    "the method attacks the divergence, whose gradient is zero at the natural image: it needs a random start",
                )
            };
            return conflict(name, problem);
        }
        Ok(checked)
    }
}

/// Checked settings; only [`Settings::checked`] creates them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The data to load.
    pub request: Request,
    /// The training attack without the method's choices: see [`Self::attacks`].
    pub attack: Attack,
    /// The method. A program can replace it by its own.
    pub method: std::sync::Arc<dyn Method>,
    /// The learning rate over the epochs.
    pub learning_rate: LearningRate,
    /// The original settings.
    pub settings: Settings,
}

impl Checked {
    /// The method and its parameter values, as the key of [`Memory`](crate::method::Memory).
    pub fn method_key(&self) -> String {
        let values = self.settings.method.parameters().iter().map(|(parameter, value)| (parameter.name, value.to_string()));
        format!("{} {:?}", self.method.about().name, values.collect::<Vec<_>>())
    }

    /// The clock of `epoch`, counted from 1.
    pub fn clock(&self, epoch: u32) -> Clock {
        Clock {
            epoch,
            epochs: self.settings.epochs,
            burn_in: if self.method.about().burns_in { self.settings.burn_in } else { 0 },
        }
    }

    /// Whether the method is in force in `epoch`: after burn-in, or always if burn-in never ends.
    pub fn in_force(&self, epoch: u32) -> bool {
        let clock = self.clock(epoch);
        clock.weighs() || clock.burn_in >= clock.epochs
    }

    /// The training attacks of `epoch`, one per craft of the method.
    pub fn attacks(&self, epoch: u32) -> Vec<Attack> {
        self.method.crafts(self.clock(epoch)).into_iter().map(|craft| self.attack_of(craft)).collect()
    }

    /// The first training attack of `epoch`.
    pub fn attack_in(&self, epoch: u32) -> Attack {
        self.attacks(epoch).into_iter().next().unwrap_or(self.attack)
    }

    fn attack_of(&self, craft: Craft) -> Attack {
        let loss = self.settings.loss.0.unwrap_or(craft.loss);
        // The divergence has a zero gradient at x, so its attack always starts from Gaussian noise.
        let noise = if loss == LossKind::Kl { Noise::Gaussian } else { craft.noise };
        Attack { loss, start: self.attack.start.map(|_| noise), patience: craft.patience, ..self.attack }
    }
}
