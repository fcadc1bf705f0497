//! Advice about valid settings that have no effect or look like mistakes.

use super::Settings;
use crate::dataset::Source;

impl Settings {
    /// A sentence on why `name` has no effect beside the other settings; `None` if it has one.
    pub fn without_effect(&self, name: &str) -> Option<String> {
        let about = self.method.about();
        match name {
            // Points are generated for the figures alone.
            "points" | "noise" if !matches!(self.data, Source::Toy(_)) => {
                Some(format!("{name} has no effect: no points are generated for {}", self.data))
            }
            "data_range" if self.data.is_inside() => {
                Some(format!("data-range has no effect: {} is inside the program", self.data))
            }
            "burn_in" if !about.weighs() => Some(format!("burn-in has no effect: {} weighs no samples", about.name)),
            "burn_in" if !about.burns_in => {
                Some(format!("burn-in has no effect: what {} weighs by is part of its loss from the first epoch on", about.name))
            }
            _ => self.method.parameters().without_effect(name),
        }
    }

    /// Warnings about valid but suspicious settings; a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.method.about().burns_in && self.burn_in >= self.epochs {
            warnings.push(format!(
                "burn-in of {} epochs leaves no epoch of {} with weights: no sample is weighted",
                self.burn_in, self.epochs
            ));
        }
        warnings.extend(self.method.parameters().warnings());
        warnings.extend(self.method.build().warnings());
        if f64::from(self.steps) * self.step_size < self.epsilon {
            warnings.push(format!(
                "{} steps of {} do not reach across the ball of radius {}",
                self.steps, self.step_size, self.epsilon
            ));
        }
        if self.average == 0.0 && self.average_from > 1 {
            warnings.push(format!("weights are averaged from epoch {} on only with an average above 0", self.average_from));
        }
        if self.awp == 0.0 && self.awp_warmup > 0 {
            warnings.push(format!("a warm-up of {} epochs has no effect without awp above 0", self.awp_warmup));
        }
        if self.awp > 0.0 && self.awp_warmup >= self.epochs {
            warnings
                .push(format!("a warm-up of {} epochs leaves none of {} with perturbed weights", self.awp_warmup, self.epochs));
        }
        if self.average > 0.0 && self.average_from > self.epochs {
            warnings.push(format!("weights are averaged from epoch {} on, and there are {}", self.average_from, self.epochs));
        }
        warnings
    }
}
