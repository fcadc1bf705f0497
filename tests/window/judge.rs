//! The judge: what it says while it works, of one run and of two, and of the selected sample.

use egui_kittest::{Harness, kittest::Queryable as _};
use gairat::{
    evaluate::{CurvePoint, Flag},
    session::{Bar, Fate, Judged, Judging, SampleTrial, Verdict, Weights},
};

use super::{canned, wide};
use crate::{
    live::Message,
    window::model::{State, views::Side},
};

fn bar(attack: &str, accuracy: f64, broke: usize) -> Bar {
    Bar { attack: attack.to_owned(), accuracy, tried: 190, broke, on_survivors: attack == "MIFPE" }
}

/// What a suite says of a network that only PGD finds robust.
fn judged(robust: f64) -> Judged {
    let point = |epsilon: f32, robust: f64| CurvePoint { epsilon, robust, interval: (robust - 0.05, robust + 0.05) };
    let verdict = Verdict {
        samples: 200,
        bars: vec![bar("natural", 0.95, 0), bar("PGD-20", 0.805, 29), bar("MIFPE", robust, 20), bar("PMA", robust, 0)],
        robust,
        interval: (robust - 0.04, robust + 0.04),
        strongest: "MIFPE".to_owned(),
        curve: vec![point(0.0, 0.95), point(0.04, robust), point(0.08, 0.3)],
        flags: vec![Flag {
            name: "pgd-far-above-cw".into(),
            message: "PGD leaves many more than an attack on the margin".to_owned(),
        }],
        at_chance: None,
    };
    let fate = |attack: &str, broken: bool| Fate {
        attack: attack.to_owned(),
        broken,
        margin: if broken { -0.25 } else { 0.5 },
        distance: broken.then_some(0.03),
    };
    let fates = vec![fate("PGD-20", false), fate("MIFPE", true)];
    Judged {
        attacks: "trust".to_owned(),
        weights: Weights::Now,
        epoch: 2,
        step: 3,
        epsilon: 0.04,
        verdict: Some(verdict),
        sample: Some(SampleTrial { row: canned::BROKEN, natural: true, fates }),
    }
}

fn hear(window: &mut Harness<'static, State>, run: usize, told: Judging) {
    assert_eq!(window.state_mut().runs[run].hear(Message::Judging(told)), None);
}

fn says(window: &Harness<'static, State>, text: &str) -> bool {
    window.query_all_by_label_contains(text).count() > 0
}

#[test]
fn it_says_how_far_it_is_and_what_it_has_found() {
    let mut window = wide();
    window.state_mut().side = Side::Judge;
    window.state_mut().select(Some(canned::BROKEN));
    window.run_steps(2);
    assert!(says(&window, "One attack proves little"));
    let attacks = ["natural", "PGD-20", "MIFPE", "PMA"].map(str::to_owned).to_vec();
    hear(&mut window, 0, Judging::Begun(attacks));
    hear(&mut window, 0, Judging::Bar(bar("natural", 0.95, 0)));
    hear(&mut window, 0, Judging::Progress { attack: 1, done: 50, all: 190 });
    window.run_steps(2);
    assert!(says(&window, "PGD-20: 50 of 190") && says(&window, "Stop judging"));
    assert!(says(&window, "95.0 % correct after natural"));
    let mut found = judged(0.665);
    found.verdict.as_mut().unwrap().curve.clear();
    hear(&mut window, 0, Judging::Found(Box::new(found)));
    window.run_steps(2);
    assert!(says(&window, "at other radii") && says(&window, "66.5 % correct after MIFPE") && !says(&window, "at ε 0.080"));
    hear(&mut window, 0, Judging::Done(Box::new(judged(0.665))));
    assert_eq!(window.state().run().judgements.done.len(), 1);
    window.run_steps(2);
    for said in [
        "66.5 %",
        "robust under all 3 attacks of trust",
        "95 %: 62.5 to 70.5 %",
        "weights of epoch 2 + 3 batches",
        "80.5 % correct after PGD-20",
        "66.5 % correct after MIFPE",
        "pgd-far-above-cw: PGD leaves many more",
        "30.0 % at ε 0.080",
        "withstood",
        "broken",
        "at distance 0.030",
    ] {
        assert!(says(&window, said), "{said}");
    }
    // Another sample has not been attacked.
    window.state_mut().select(Some(canned::BROKEN + 1));
    window.run_steps(2);
    assert!(!says(&window, "at distance 0.030") && says(&window, "Attack it with the suite"));
    // A trial that is given up leaves the last one.
    hear(&mut window, 0, Judging::Begun(vec!["natural".to_owned()]));
    hear(&mut window, 0, Judging::Stopped);
    window.run_steps(2);
    assert!(says(&window, "robust under all 3 attacks of trust") && !says(&window, "Stop judging"));
}

#[test]
fn one_attack_alone_is_never_called_robust() {
    let mut window = wide();
    window.state_mut().side = Side::Judge;
    let mut alone = judged(0.805);
    alone.verdict.as_mut().unwrap().bars.truncate(2);
    alone.verdict.as_mut().unwrap().strongest = "PGD-20".to_owned();
    hear(&mut window, 0, Judging::Done(Box::new(alone)));
    window.run_steps(2);
    assert!(says(&window, "after PGD-20 alone, which proves little") && !says(&window, "robust under all"));
}

#[test]
fn what_was_judged_before_is_there_when_a_run_is_opened() {
    let mut window = wide();
    window.state_mut().side = Side::Judge;
    hear(&mut window, 0, Judging::Kept(vec![judged(0.5), judged(0.25)]));
    window.run_steps(2);
    assert!(says(&window, "25.0 % correct after MIFPE") && !says(&window, "50.0 % correct after MIFPE"));
}

#[test]
fn a_run_that_has_ended_says_that_it_cannot_be_judged() {
    let mut window = wide();
    let ctx = window.ctx.clone();
    window.state_mut().act(crate::window::actions::Action::Judge, &ctx);
    window.run_steps(2);
    assert!(says(&window, "its network cannot be judged now"));
}
