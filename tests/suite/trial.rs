//! Judging a network in the middle of its run: the verdict is that of an evaluation, and the run is none the wiser.

use std::collections::VecDeque;

use gairat::{
    checkpoint::{RunFolder, read_weights},
    dataset,
    device::Chosen,
    evaluate::{self, Ledger, Norm, Order, Suite, Target, Threat, Unwatched},
    model::Network,
    session::{self, Command, Door, Ending, Event, Judged, Judging, Place, Trial, Weights},
    settings::Settings,
};

use crate::runs::{assert_same_files, files, run, run_in, settings};

/// Asks for trials before some steps, and stops them after so many words, if asked to.
#[derive(Default)]
struct Judge {
    wanted: VecDeque<(usize, Trial)>,
    steps: usize,
    patience: Option<usize>,
    /// Whether a verdict without a curve is enough.
    content: bool,
    told: Vec<Judging>,
    warnings: Vec<String>,
}

impl Door for Judge {
    async fn next(&mut self, place: Place) -> Command {
        if self.wanted.front().is_some_and(|(step, _)| *step == self.steps)
            && let Some((_, trial)) = self.wanted.pop_front()
        {
            return Command::Judge(trial);
        }
        self.steps += 1;
        if place.is_end() { Command::Stop } else { Command::Go }
    }

    fn stopping(&mut self) -> bool {
        false
    }

    fn stays(&self) -> bool {
        true
    }

    fn stops_judging(&mut self) -> bool {
        let found = self.told.iter().any(|told| matches!(told, Judging::Found(_)));
        self.patience.is_some_and(|words| self.told.len() >= words) || (self.content && found)
    }

    fn judging(&mut self, told: Judging) {
        self.told.push(told);
    }

    fn emit(&mut self, event: Event) {
        if let Event::Warning { message } = event {
            self.warnings.push(message);
        }
    }
}

impl Judge {
    fn done(&self) -> Vec<&Judged> {
        let mut done = Vec::new();
        for told in &self.told {
            if let Judging::Done(judged) = told {
                done.push(&**judged);
            }
        }
        done
    }
}

fn trial(attacks: &str, weights: Weights) -> Trial {
    Trial { attacks: attacks.to_owned(), weights, test: true, radii: vec![0.0, 1.0, 2.0], sample: Some(3) }
}

fn short() -> Settings {
    settings(&[("points", "400"), ("test", "200"), ("epochs", "4"), ("burn_in", "2"), ("batch", "100"), ("method", "gairat")])
}

/// Runs `settings` in `folder` behind `door`.
fn judged_run(folder: &std::path::Path, settings: &Settings, door: &mut Judge) -> Ending {
    let plan = settings.checked().unwrap();
    let data = dataset::load(&plan.request).unwrap();
    let folder = RunFolder::open(folder).map_or_else(|_| RunFolder::create(folder, settings).unwrap(), |(folder, _)| folder);
    pollster::block_on(session::run_with(&plan, &data, &Chosen::cpu("tested"), &folder, door)).unwrap()
}

#[test]
fn a_run_that_is_judged_on_its_way_ends_with_the_bytes_of_one_that_is_not() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let wanted =
        [(5, trial("quick", Weights::Now)), (7, trial("natural,pgd:20", Weights::Now)), (16, trial("trust", Weights::Best))];
    let mut door = Judge { wanted: wanted.into(), ..Judge::default() };
    assert!(matches!(judged_run(&folder, &short(), &mut door), Ending::Finished { .. }));
    assert!(door.warnings.is_empty(), "{:?}", door.warnings);
    let done = door.done();
    assert_eq!(done.len(), 3);
    // The first is of the middle of an epoch, and says so.
    let steps = door.steps / 4;
    assert_eq!((done[0].epoch, done[0].step), (5 / steps as u32, 5 % steps));
    assert_eq!(done[2].weights, Weights::Best);
    let plain = run(&short(), &Chosen::cpu("tested"));
    let mut files = files(&folder);
    let kept: Vec<Judged> = serde_json::from_slice(&files.remove("judgements.json").unwrap()).unwrap();
    assert_eq!(kept.iter().collect::<Vec<_>>(), done);
    assert_same_files(&plain, &files, &[]);
    // Who opens the run again is told of them.
    let mut again = Judge::default();
    judged_run(&folder, &short(), &mut again);
    assert_eq!(again.told, [Judging::Kept(kept)]);
}

#[test]
fn a_trial_says_what_an_evaluation_says() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut door = Judge { wanted: [(16, trial("trust", Weights::Now))].into(), ..Judge::default() };
    let settings = short();
    judged_run(&folder, &settings, &mut door);
    let judged = door.done()[0];
    let verdict = judged.verdict.as_ref().unwrap();
    assert_eq!((judged.epoch, judged.step), (4, 0));
    let plan = settings.checked().unwrap();
    let data = dataset::load(&plan.request).unwrap();
    let chosen = Chosen::cpu("tested");
    let weights = read_weights(&folder.join("last.safetensors")).unwrap();
    let model = settings.model.resolve(data.shape);
    let network = Network::with_weights(&model, data.shape, &weights, &settings.normalise, &chosen.device).unwrap();
    let threat = Threat { norm: Norm::LInf, epsilon: plan.attack.epsilon, seed: settings.seed, path: settings.path };
    let target = Target { network: &network, samples: &data.test, shape: data.shape, threat, batch: 100, device: &chosen.device };
    let order = Order::suite(Suite::TRUST, data.classes, Norm::LInf, vec![0.0, threat.epsilon, 2.0 * threat.epsilon]);
    let ledger = &mut Ledger::in_memory();
    let found = pollster::block_on(evaluate::judge(target, data.classes, &order, ledger, &mut Unwatched)).unwrap();
    assert_eq!(verdict.robust, found.report.robust().unwrap().0);
    assert_eq!(
        verdict.bars.iter().map(|bar| bar.accuracy).collect::<Vec<_>>(),
        found.report.scores.iter().map(|score| score.accuracy).collect::<Vec<_>>()
    );
    assert_eq!(verdict.curve, found.curve);
    assert_eq!(verdict.flags, found.flags);
    // At the run's own radius the curve is the headline.
    assert_eq!(verdict.curve[1].robust, verdict.robust);
    // Each attack was tried on the sample, or it was wrong before.
    let sample = judged.sample.as_ref().unwrap();
    assert!(sample.row == 3 && (!sample.natural || sample.fates.len() + 1 == verdict.bars.len()), "{sample:?}");
}

#[test]
fn a_trial_that_is_stopped_or_cannot_be_held_leaves_the_run_going() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut door = Judge { wanted: [(3, trial("autoattack", Weights::Now))].into(), patience: Some(2), ..Judge::default() };
    assert!(matches!(judged_run(&folder, &short(), &mut door), Ending::Finished { .. }));
    assert_eq!(door.told.last(), Some(&Judging::Stopped));
    assert!(door.done().is_empty() && !folder.join("judgements.json").exists());
    // A verdict that was there before the stop counts, without its curve.
    let root = tempfile::tempdir().unwrap();
    let mut door = Judge { wanted: [(3, trial("trust", Weights::Now))].into(), content: true, ..Judge::default() };
    judged_run(&root.path().join("run"), &short(), &mut door);
    let verdict = door.done()[0].verdict.clone().unwrap();
    assert!(verdict.curve.is_empty() && verdict.bars.len() == 9, "{verdict:?}");
    for (attacks, weights, said) in [
        ("trusted", Weights::Now, "`trusted` is no suite"),
        ("natural,apgd-t", Weights::Now, "needs 4 classes"),
        ("quick", Weights::Best, "no best epoch yet"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let mut door = Judge { wanted: [(0, trial(attacks, weights))].into(), ..Judge::default() };
        assert!(matches!(judged_run(&root.path().join("run"), &short(), &mut door), Ending::Finished { .. }));
        assert!(door.warnings.iter().any(|warning| warning.contains(said)), "{:?}", door.warnings);
        assert_eq!(door.told, [Judging::Stopped]);
    }
}

/// The story that the program is for, on the built-in data that tell it: GAIRAT looks more robust under PGD and is less robust.
#[test]
fn the_suite_turns_over_what_pgd_says_of_gairat_on_three_blobs_for_every_seed() {
    for seed in ["0", "1", "2", "3", "4"] {
        let judged = ["at", "gairat"].map(|method| {
            let root = tempfile::tempdir().unwrap();
            let settings = settings(&[("data", "three-blobs"), ("method", method), ("seed", seed)]);
            let (ending, _) = run_in(&root.path().join("run"), &settings, &Chosen::cpu("tested"), None);
            assert!(matches!(ending.unwrap(), Ending::Finished { .. }));
            let mut door = Judge { wanted: [(0, trial("trust", Weights::Now))].into(), ..Judge::default() };
            judged_run(&root.path().join("run"), &settings, &mut door);
            let verdict = door.done()[0].verdict.clone().unwrap();
            (verdict.bars.iter().find(|bar| bar.attack == "PGD-20").unwrap().accuracy, verdict.robust)
        });
        let [(pgd_at, robust_at), (pgd_gairat, robust_gairat)] = judged;
        assert!(pgd_gairat > pgd_at, "seed {seed}: PGD-20 {pgd_at} (AT) {pgd_gairat} (GAIRAT)");
        assert!(robust_gairat < robust_at, "seed {seed}: worst case {robust_at} (AT) {robust_gairat} (GAIRAT)");
    }
}
