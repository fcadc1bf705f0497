//! Robust accuracy over the radius of the ball.

use serde::{Deserialize, Serialize};

use super::{Evaluation, Halt, Ledger, Onlooker, Suite, Target, Threat, Told, interval, onlooker::Untold, share};

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The radius.
    pub epsilon: f32,
    /// The share of samples that stay correct in every ball up to this radius.
    pub robust: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
}

/// `count` radii from `low` to `high`, from text such as `0:0.3:16`.
///
/// # Errors
/// A sentence that names the text and what was expected.
pub fn radii(text: &str) -> Result<Vec<f32>, String> {
    let expected = || {
        format!("`{text}` are no radii: expected LOW:HIGH:COUNT, such as 0:0.3:16, with 0 ≤ LOW < HIGH and COUNT from 2 to 1000")
    };
    let parts: Vec<&str> = text.split(':').collect();
    let [low, high, count] = parts.as_slice() else { return Err(expected()) };
    let (low, high) = (low.parse::<f32>().map_err(|_| expected())?, high.parse::<f32>().map_err(|_| expected())?);
    let count = count.parse::<usize>().map_err(|_| expected())?;
    let fits = low >= 0.0 && low < high && high.is_finite() && (2..=1000).contains(&count);
    if !fits {
        return Err(expected());
    }
    Ok((0..count).map(|index| low + (high - low) * index as f32 / (count - 1) as f32).collect())
}

/// The curve of a suite over `radii`, in ascending order. A sample broken in a smaller ball counts as broken in all larger ones and is not
/// attacked again, so the curve never rises. Reuses the verdicts in `ledger`.
///
/// # Errors
/// [`Halt`].
pub async fn curve(
    target: Target<'_>,
    suite: Suite,
    classes: usize,
    radii: &[f32],
    ledger: &mut Ledger,
    onlooker: &mut dyn Onlooker,
) -> Result<Vec<CurvePoint>, Halt> {
    let whole = target.samples.len();
    let mut left = target.samples.clone();
    let mut points = Vec::with_capacity(radii.len());
    for &epsilon in radii {
        let threat = Threat { epsilon, ..target.threat };
        let mut evaluation = Evaluation::with_ledger(Target { samples: &left, threat, ..target }, ledger);
        // In a ball of radius 0 there is nothing to attack.
        let (stages, _) = suite.stages(classes, threat.norm);
        for mut stage in stages.into_iter().take(if epsilon > 0.0 { usize::MAX } else { 1 }) {
            stage.on_survivors = stage.adversary.passes(classes) > 0;
            evaluation.run(&stage, &mut Untold(onlooker)).await?;
        }
        let robust: Vec<usize> = (0..left.len())
            .filter(|&index| evaluation.samples()[index].natural && evaluation.samples()[index].broken_by.is_none())
            .collect();
        left = left.select(&robust, target.shape.len());
        let point = CurvePoint { epsilon, robust: share(left.len(), whole), interval: interval(left.len(), whole) };
        onlooker.told(&Told::Point(&point));
        points.push(point);
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::radii;

    #[test]
    fn radii_are_read_or_refused_with_what_was_expected() {
        assert_eq!(radii("0:0.3:4").unwrap().len(), 4);
        assert!((radii("0:0.3:4").unwrap()[1] - 0.1).abs() < 1e-6);
        for text in ["", "0.3", "0.3:0:4", "0:0.3:1", "0:0.3:x", "-1:1:3", "0:inf:3", "0:1:2:3"] {
            assert!(radii(text).unwrap_err().contains("LOW:HIGH:COUNT"), "{text}");
        }
    }
}
