//! The report of an evaluation.

use serde::Serialize;

/// One attack's result on a set of samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The attack's name on the command line.
    pub attack: String,
    /// Its name for people.
    pub label: String,
    /// The share of samples that are correct before and after it, from 0 to 1; for a stage on survivors, after all stages up to it.
    pub accuracy: f64,
    /// Whether it ran only on samples that no earlier stage broke.
    pub on_survivors: bool,
    /// How many samples it attacked.
    pub tried: usize,
    /// How many samples it broke.
    pub broke: usize,
    /// How many of its images left ball or box; these do not count.
    pub outside: usize,
    /// Whether each sample is correct, as [`Self::accuracy`] counts.
    #[serde(skip)]
    pub correct: Vec<bool>,
}

/// The results of several attacks on the same samples.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Report {
    /// How many samples.
    pub samples: usize,
    /// The scores, in the order of the attacks.
    pub scores: Vec<Score>,
}

impl Report {
    /// The accuracy after `attack` (its name on the command line), if it ran.
    pub fn accuracy(&self, attack: &str) -> Option<f64> {
        self.scores.iter().find(|score| score.attack == attack).map(|score| score.accuracy)
    }

    /// The share of samples that stay correct under every attack, and the first attack with the lowest accuracy of its own. `None` if only
    /// `natural` ran.
    pub fn robust(&self) -> Option<(f64, &str)> {
        let attacks = || self.scores.iter().filter(|score| score.attack != "natural");
        let strongest = attacks().min_by(|a, b| a.accuracy.total_cmp(&b.accuracy))?;
        Some((share(self.robust_samples(), self.samples), &strongest.label))
    }

    /// How many samples stay correct under every attack.
    pub fn robust_samples(&self) -> usize {
        (0..self.samples).filter(|&sample| self.scores.iter().all(|score| score.correct[sample])).count()
    }
}

/// `part / whole`; 0 if `whole` is 0.
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The 95 % confidence interval of a share, if `part` of `whole` random samples have the property (Wilson's score interval).
pub fn interval(part: usize, whole: usize) -> (f64, f64) {
    if whole == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (whole as f64, 1.959_963_984_540_054_f64);
    let p = part as f64 / n;
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    // Rounding leaves a little where the ends are 0 and 1.
    let low = if part == 0 { 0.0 } else { ((middle - half) / scale).max(0.0) };
    let high = if part == whole { 1.0 } else { ((middle + half) / scale).min(1.0) };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Wilson (1927), as in Brown, Cai and DasGupta (2001): 0 of 10, and 45 of 100.
        let (low, high) = interval(0, 10);
        assert!(low == 0.0 && (high - 0.277_533).abs() < 1e-5, "{high}");
        let (low, high) = interval(45, 100);
        assert!((low - 0.356_146).abs() < 1e-4 && (high - 0.547_574).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn the_worst_case_is_taken_sample_by_sample() {
        let score = |attack: &str, correct: [bool; 4]| Score {
            attack: attack.to_owned(),
            label: attack.to_uppercase(),
            accuracy: share(correct.iter().filter(|correct| **correct).count(), 4),
            on_survivors: false,
            tried: 4,
            broke: 0,
            outside: 0,
            correct: correct.to_vec(),
        };
        let mut report = Report { samples: 4, scores: vec![score("natural", [true, true, true, false])] };
        assert!(report.robust().is_none());
        report.scores.extend([score("pgd:20", [true, true, false, false]), score("cw:20", [false, true, true, false])]);
        assert_eq!(report.robust(), Some((0.25, "PGD:20")));
    }
}
