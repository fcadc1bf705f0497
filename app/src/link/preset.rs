//! Situations by name, for links and lessons.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
    train::LearningRateSchedule,
};

/// Settings that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    /// Classes that come close, so that there is something to break.
    Close,
    /// Slow enough that low values of λ do not collapse it, whatever the seed.
    Lambda,
    /// Plain adversarial training and weights from kappa from one beginning, where attacks disagree about which is more robust.
    Compare,
    /// Three classes that overlap: some samples lie among those of another class and cannot be fitted.
    Overlap,
    /// Two classes that come close, trained along the natural and the adversarial gradient together.
    Conflict,
}

impl Preset {
    pub(crate) const ALL: [Self; 5] = [Self::Close, Self::Lambda, Self::Compare, Self::Overlap, Self::Conflict];

    /// Its name in links.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Lambda => "lambda",
            Self::Compare => "compare",
            Self::Overlap => "overlap",
            Self::Conflict => "conflict",
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
                epochs: 400,
                lr: 0.01,
                lr_schedule: LearningRateSchedule::Cosine,
                ..moons
            }
            .with("method", "gairat")
            .with("lambda", "0"),
            Self::Compare => Settings::recipe(Source::Toy(Toy::ThreeBlobs)).with("method", "gairat"),
            Self::Overlap => Settings {
                points: 700,
                noise: 0.45,
                epsilon: 0.05,
                step_size: 0.01,
                burn_in: 6,
                epochs: 400,
                lr: 0.05,
                lr_schedule: LearningRateSchedule::Cosine,
                ..Settings::recipe(Source::Toy(Toy::Blobs))
            }
            .with("method", "gairat"),
            Self::Conflict => Settings {
                points: 700,
                noise: 0.15,
                epsilon: 0.08,
                step_size: 0.016,
                epochs: 400,
                lr: 0.05,
                lr_schedule: LearningRateSchedule::Cosine,
                ..moons
            }
            .with("method", "ca-at"),
        }
    }
}
