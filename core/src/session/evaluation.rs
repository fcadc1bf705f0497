//! Evaluations of a run: on the validation part to choose an epoch, and finally on the test part.

use std::collections::BTreeMap;

use super::{Door, Ending, Event, Session, SessionError};
use crate::{
    dataset::Samples,
    evaluate::{self, Evaluation, Halt, Norm, Report, Suite, Target, Threat},
    metrics::{Beside, Summary, score_name},
    model::{Network, named_tensors, with_tensors},
    snapshot::{Regions, Snapshot},
    train::SampleRecord,
};

/// Cells of the decision regions in a snapshot.
const REGION_CELLS: (usize, usize) = (64, 64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Choosing an epoch.
    Validation,
    /// The report.
    Test,
    /// The report on other weights.
    Beside(Beside),
}

impl Session<'_> {
    /// `network` on `samples`, to be evaluated.
    pub(super) fn target<'a>(&'a self, network: &'a Network, samples: &'a Samples) -> Target<'a> {
        let settings = &self.trainer.plan.settings;
        let threat =
            Threat { norm: Norm::LInf, epsilon: self.trainer.plan.attack.epsilon, seed: settings.seed, path: settings.path };
        Target { network, samples, shape: self.dataset.shape, threat, batch: settings.batch, device: &self.trainer.device }
    }

    /// Runs the suite of `part` on `samples`; `None` if it was stopped.
    pub(super) async fn evaluate(
        &self,
        network: &Network,
        samples: &Samples,
        part: Part,
        door: &mut impl Door,
    ) -> Result<Option<Report>, SessionError> {
        let target = self.target(network, samples);
        let mut evaluation = Evaluation::new(target);
        let suite = match part {
            Part::Validation => Suite::FAST,
            Part::Test | Part::Beside(_) => Suite::QUICK,
        };
        for stage in suite.stages(self.dataset.classes, target.threat.norm).0 {
            match part {
                Part::Validation => {}
                Part::Test => door.emit(Event::Evaluating { attack: stage.adversary.label() }),
                Part::Beside(beside) => {
                    door.emit(Event::Evaluating { attack: format!("{}, {}", stage.adversary.label(), beside.label()) });
                }
            }
            match evaluation.run(&stage, &mut || door.stopping()).await {
                Ok(_) => {}
                Err(Halt::Stopped) => return Ok(None),
                Err(Halt::Device(error)) => return Err(error.into()),
                Err(Halt::Ledger(error)) => return Err(error.into()),
            }
        }
        Ok(Some(evaluation.into_report()))
    }

    /// The final evaluation, of the best weights on the test part.
    pub(super) async fn conclude(&mut self, samples: Vec<SampleRecord>, door: &mut impl Door) -> Result<Ending, SessionError> {
        if self.progress.best_epoch == 0 {
            // Stopped before its first evaluation, and then not given more epochs: what there is is the best.
            self.progress.best_epoch = self.progress.epoch;
            let last = named_tensors(self.trainer.network()).await?;
            self.folder.write_weights("best.safetensors", &last, &self.about(self.progress.epoch))?;
        }
        let best = crate::checkpoint::read_weights(&self.folder.file("best.safetensors"))?;
        let network = with_tensors(self.trainer.frozen(), &best)?;
        let report = self.evaluate(&network, &self.dataset.test, Part::Test, door).await?;
        let Some(report) = report else { return Ok(Ending::Stopped { epoch: self.progress.epoch, step: 0 }) };
        let regions = Regions::of(&network, self.dataset.shape, REGION_CELLS, &self.trainer.device).await?;
        let epochs = self.trainer.plan.settings.epochs;
        let natural = report.scores.iter().find(|score| score.attack == "natural");
        let test_correct = natural.map(|score| score.correct.clone()).unwrap_or_default();
        let snapshot = Snapshot { epoch: epochs, samples, regions, test_correct };
        let mut scores: BTreeMap<String, f64> =
            report.scores.iter().map(|score| (score_name(&score.attack), score.accuracy)).collect();
        let mut beside_at_chance = [None, None];
        for (beside, at_chance) in Beside::ALL.into_iter().zip(&mut beside_at_chance) {
            let other = match beside {
                Beside::Last => (self.progress.best_epoch != self.progress.epoch).then(|| self.trainer.frozen()),
                Beside::Average => self.trainer.averaged(),
            };
            let Some(other) = other else { continue };
            let report = self.evaluate(&other, &self.dataset.test, Part::Beside(beside), door).await?;
            let Some(report) = report else { return Ok(Ending::Stopped { epoch: self.progress.epoch, step: 0 }) };
            let name = |attack: &str| format!("{}{attack}", beside.prefix());
            scores.extend(report.scores.iter().map(|score| (name(&score_name(&score.attack)), score.accuracy)));
            scores.extend(report.robust().map(|(robust, _)| (name("robust"), robust)));
            *at_chance = evaluate::at_chance(self.target(&other, &self.dataset.test), self.dataset.classes).await?;
        }
        let [last_at_chance, average_at_chance] = beside_at_chance;
        let whole = self.target(&network, &self.dataset.test);
        let at_chance = evaluate::at_chance(whole, self.dataset.classes).await?;
        let (robust, strongest) = report.robust().unwrap_or_default();
        let summary = Summary {
            robust,
            strongest: strongest.to_owned(),
            samples: report.samples,
            epoch: self.progress.best_epoch,
            epochs,
            kappa: snapshot.kappa_histogram(self.trainer.plan.attack.steps),
            at_chance,
            last_at_chance,
            average_at_chance,
            scores,
        };
        self.folder.finish(&summary)?;
        door.emit(Event::Summary(summary.clone()));
        Ok(Ending::Finished { summary, snapshot })
    }
}
