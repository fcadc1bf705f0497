//! Weights on a network that rests: what samples would weigh under other settings, while nothing is learned.

use gairat::{method::Clock, weight::effective_share};

use super::Run;

impl Run {
    /// The moment that it is at.
    pub(crate) fn clock(&self) -> Clock {
        let burn_in = if self.settings.method.about().burns_in { self.settings.burn_in } else { 0 };
        Clock { epoch: (self.place.epoch + 1).min(self.settings.epochs), epochs: self.settings.epochs, burn_in }
    }

    /// Gives the samples the weights that the settings would give them as they were last measured. Nothing happens in burn-in, and where the
    /// weights of the method are not shared out, or do not follow from what was measured.
    pub(crate) fn reweigh(&mut self) {
        let clock = self.clock();
        if !clock.weighs() || !self.settings.method.about().omega_is_share {
            return;
        }
        let method = self.settings.method.build();
        let steps = self.settings.steps;
        let raw = |place| method.curve(f64::from(self.on_axis(place)?), steps, clock);
        let raw: Vec<Option<f64>> = (0..self.samples.len()).map(raw).collect();
        let known: Vec<f64> = raw.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        if !mean.is_normal() {
            return;
        }
        for (sample, raw) in self.samples.iter_mut().zip(raw) {
            if let (Some(seen), Some(raw)) = (sample.as_mut(), raw) {
                seen.record.omega = (raw / mean) as f32;
            }
        }
        let omega: Vec<f32> = self.all_seen().map(|seen| seen.record.omega).collect();
        self.effective = Some(effective_share(&omega));
        self.is_reweighed = true;
        self.count();
    }
}
