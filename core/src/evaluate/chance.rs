//! Recognises networks that have learned nothing, whose accuracies are meaningless.

use super::{Target, share};
use crate::{
    batch::Batch,
    device::{self, DeviceError},
    snapshot::best_class,
};

/// The share of one answer that counts as nearly all.
const NEARLY_ALL: f64 = 0.98;

/// A sentence about a network that is no better on natural samples of `classes` classes than a constant answer, or that gives nearly one
/// answer to samples of several labels. `None` for a network that has learned something.
///
/// # Errors
/// [`DeviceError::Lost`] when the device no longer answers.
pub async fn at_chance(target: Target<'_>, classes: usize) -> Result<Option<String>, DeviceError> {
    let Target { network, samples, shape, batch, device, .. } = target;
    let mut answers = Vec::with_capacity(samples.len());
    let indices: Vec<usize> = (0..samples.len()).collect();
    for indices in indices.chunks(batch.max(1)) {
        let samples = samples.select(indices, shape.len());
        let batch = Batch::new(samples.pixels, &samples.labels, None, device);
        let logits = network.logits(batch.natural);
        let width = logits.dims()[1];
        answers.extend(device::read(logits).await?.chunks_exact(width).map(|logits| best_class(logits) as u32));
    }
    Ok(judge(&samples.labels, &answers, classes))
}

/// The sentence for these answers to samples of these labels.
fn judge(labels: &[u32], answers: &[u32], classes: usize) -> Option<String> {
    if labels.is_empty() {
        return None;
    }
    let count = |of: &[u32]| {
        let mut counts = vec![0_usize; classes.max(1)];
        of.iter().for_each(|&class| counts[(class as usize).min(classes.max(1) - 1)] += 1);
        // The first of equals.
        let most = (0..counts.len()).max_by_key(|&class| (counts[class], std::cmp::Reverse(class))).unwrap_or_default();
        (most, share(counts[most], of.len()))
    };
    let ((largest, of_largest), (answer, given)) = (count(labels), count(answers));
    if of_largest == 1.0 {
        return Some(format!(
            "all samples have the label {largest}: whoever answers that is right, and these accuracies say nothing; evaluate on several classes"
        ));
    }
    let natural = share(labels.iter().zip(answers).filter(|(label, answer)| label == answer).count(), labels.len());
    // Where one class is nearly all there is, a network that has learned answers it nearly always too.
    let one_answer = given >= NEARLY_ALL && given > of_largest + 0.5 * (1.0 - of_largest);
    if natural > of_largest && !one_answer {
        return None;
    }
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    Some(format!(
        "the network is at chance level: {} of the natural samples are correct, and answering class {largest}, the largest, for all would give {}; \
         it answers class {answer} for {} of them. These accuracies say nothing about robustness; try more epochs, a lower learning rate, \
         a smaller epsilon or another initialisation",
        percent(natural),
        percent(of_largest),
        percent(given)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_for_everything_is_chance_and_its_share_is_told() {
        let labels: Vec<u32> = (0..1000).map(|i| if i % 10 == 0 { 1 } else { i % 3 }).collect();
        let mut answers = vec![1; 1000];
        answers[0] = 2;
        let said = judge(&labels, &answers, 3).unwrap();
        assert!(said.contains("class 1 for 99.9 %"), "{said}");
    }

    #[test]
    fn no_better_than_the_largest_class_is_chance_and_better_is_not() {
        let labels: Vec<u32> = (0..100).map(|i| u32::from(i < 60)).collect();
        let right = |count: usize| -> Vec<u32> {
            labels.iter().enumerate().map(|(i, &label)| if i % 50 < count / 2 { label } else { 1 - label }).collect()
        };
        assert!(judge(&labels, &right(60), 2).unwrap().contains("60.0 %"));
        assert!(judge(&labels, &right(62), 2).is_none());
    }

    #[test]
    fn a_network_that_knows_its_rare_class_is_not_at_chance_and_one_class_alone_says_nothing() {
        let mut labels = vec![0; 990];
        labels.extend([1; 10]);
        assert!(judge(&labels, &labels, 2).is_none());
        assert!(judge(&labels, &[0; 1000], 2).is_some());
        assert!(judge(&[3; 20], &[3; 20], 5).unwrap().contains("all samples have the label 3"));
        assert!(judge(&[], &[], 2).is_none());
    }
}
