//! The four stations of a training step: attacked, counted, weighted, learned from. Slow motion stops at each.

use super::{Run, State};

/// A station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Station {
    /// The batch is moved step by step.
    #[default]
    Attack,
    /// The steps before which each sample is classified correctly are counted.
    Kappa,
    /// Weights follow.
    Weight,
    /// The network learns from it.
    Update,
}

impl Station {
    pub(crate) const ALL: [Self; 4] = [Self::Attack, Self::Kappa, Self::Weight, Self::Update];

    /// What it is called, and in signs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Kappa => "kappa κ",
            Self::Weight => "weight ω",
            Self::Update => "update",
        }
    }
}

impl State {
    /// The station that is shown, if a batch is shown on its way.
    pub(crate) fn station(&self) -> Option<Station> {
        self.attack_step.map(|_| self.station)
    }

    /// Moves the next batch by a step of its attack, or on to the next station; at the last it is learned from.
    pub(crate) fn attack_step(&mut self) {
        self.gate.play(false);
        let steps = self.run().settings.steps as usize;
        (self.attack_step, self.station) = match (self.attack_step, self.station) {
            (None, _) => (Some(0), Station::Attack),
            (Some(step), Station::Attack) if step < steps => (Some(step + 1), Station::Attack),
            (_, Station::Attack) => (Some(steps), Station::Kappa),
            (_, Station::Kappa) => (Some(steps), Station::Weight),
            (_, Station::Weight) => {
                self.gate.one_step();
                (Some(0), Station::Update)
            }
            (_, Station::Update) => (Some(0), Station::Attack),
        };
    }
}

impl Run {
    /// Kappa and weight of every sample of the next batch, in its order; the weights have the mean 1, and are none where they do not follow
    /// from kappa.
    pub(crate) fn next_weights(&self) -> Option<Vec<(u32, Option<f32>)>> {
        let batch = self.next_batch.as_ref()?;
        let steps = self.settings.steps;
        let kappa =
            batch.points.iter().map(|points| points.iter().take(steps as usize).filter(|point| point.margin > 0.0).count());
        let kappa: Vec<u32> = kappa.map(|count| count as u32).collect();
        let clock = self.clock();
        let method = self.settings.method.build();
        let of_kappa = self.settings.method.about().axis == gairat::method::Axis::KAPPA;
        let raw = |kappa: u32| if clock.weighs() { method.curve(f64::from(kappa), steps, clock) } else { Some(1.0) };
        let raw: Option<Vec<f64>> = kappa.iter().map(|&kappa| raw(kappa).filter(|_| of_kappa || !clock.weighs())).collect();
        let mean = raw.as_ref().map(|raw| raw.iter().sum::<f64>() / raw.len().max(1) as f64).filter(|mean| mean.is_normal());
        let weight = |place: usize| Some((raw.as_ref()?.get(place)? / mean?) as f32);
        Some(kappa.into_iter().enumerate().map(|(place, kappa)| (kappa, weight(place))).collect())
    }
}
