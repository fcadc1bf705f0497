//! Situations by name, for links and lessons.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
    train::LearningRateSchedule,
    weight::Method,
};

/// Settings that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    /// Classes that come close, so that there is something to break.
    Close,
    /// Slow enough that low values of λ do not collapse it, whatever the seed.
    Lambda,
    /// Plain adversarial training and GAIRAT from one beginning.
    Compare,
}

impl Preset {
    pub(crate) const ALL: [Self; 3] = [Self::Close, Self::Lambda, Self::Compare];

    /// Its name in links.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Lambda => "lambda",
            Self::Compare => "compare",
        }
    }

    /// Its settings.
    pub(crate) fn settings(self) -> Settings {
        let moons = Settings::recipe(Source::Toy(Toy::Moons));
        match self {
            Self::Close => Settings { epsilon: 0.08, step_size: 0.016, noise: 0.15, ..moons },
            Self::Lambda => Settings {
                epsilon: 0.05,
                step_size: 0.01,
                noise: 0.12,
                burn_in: 8,
                lambda: 0.0,
                method: Method::Gairat,
                epochs: 400,
                lr: 0.01,
                lr_schedule: LearningRateSchedule::Cosine,
                ..moons
            },
            Self::Compare => Settings { method: Method::Gairat, burn_in: 20, epochs: 60, ..moons },
        }
    }
}
