//! Every lesson is played to its end, with five seeds, and what it says is held against the numbers on the screen at that moment.
//!
//! A claim is a piece of the words of a step and what must be true when they are read. Every paragraph that speaks of the screen has one.

use egui_kittest::{Harness, kittest::Queryable as _};
use gairat::{
    session::{Region, Traced},
    settings::Settings,
    weight::effective_share,
};

use super::numbers::{open, until};
use crate::{
    lesson::{LESSONS, Step},
    window::{
        actions::lessons,
        model::{Run, SPEEDS, State, headline::Worst, lesson::Lesson},
        panels::weight_numbers::short,
    },
};

const SEEDS: std::ops::Range<u64> = 0..5;

/// The probability margin of a point that lies deep among another class, at most.
const DEEP: f32 = -0.6;

/// Words, and whether they are true.
type Claim = (&'static str, bool);

/// What was on the screen before.
#[derive(Default)]
struct Before {
    share: f64,
    heavy: usize,
    greatest: f32,
    steps_done: usize,
    cosine: f64,
}

/// Paragraphs that speak of methods and of other measurements, not of the screen.
const GENERAL: [&str; 3] = ["Images tell the same", "A twin (W) puts", "Be careful with what was published"];

fn traced(state: &State) -> &Traced {
    state.run().traced.as_ref().expect("the selected sample was attacked")
}

/// The samples that were seen: kappa, ω beside the mean, and their places.
fn samples(run: &Run) -> Vec<(u32, f32, usize)> {
    let seen = run.samples.iter().enumerate().filter_map(|(place, seen)| Some((place, seen.as_ref()?)));
    seen.map(|(place, seen)| (seen.record.measured.kappa, run.relative(seen.record.omega), place)).collect()
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let numbers: Vec<f64> = numbers.collect();
    assert!(!numbers.is_empty(), "there are such samples");
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// How far a point is from where the network gives another answer than its label, as drawn.
fn to_the_boundary(run: &Run, place: usize) -> f64 {
    let train = &run.dataset.as_ref().unwrap().train;
    let [x, y] = [train.pixels[2 * place], train.pixels[2 * place + 1]];
    let Some((Region::OnHost(grid, map), _)) = &run.region else { panic!("the regions are on the host") };
    let others = (0..grid.cells()).filter(|&cell| map[2 * cell] as u32 != train.labels[place]);
    let far = others.map(|cell| {
        let [a, b] = grid.middle(cell);
        f64::from((a - x).hypot(b - y))
    });
    far.fold(f64::INFINITY, f64::min)
}

/// How far it is from the nearest point of another class.
fn to_another_class(run: &Run, place: usize) -> f64 {
    let train = &run.dataset.as_ref().unwrap().train;
    let at = |place: usize| [train.pixels[2 * place], train.pixels[2 * place + 1]];
    let [x, y] = at(place);
    let others = (0..train.labels.len()).filter(|&other| train.labels[other] != train.labels[place]);
    let far = others.map(|other| f64::from((at(other)[0] - x).hypot(at(other)[1] - y)));
    far.fold(f64::INFINITY, f64::min)
}

/// The method's curve over its axis, as it is drawn.
fn curve(run: &Run) -> Vec<f64> {
    let method = run.settings.method.build();
    let line = run.tally().spread.scaled(|at| method.curve(at, run.settings.steps, run.clock()));
    line.expect("there is a curve").0.into_iter().map(|[_, weight]| weight).collect()
}

fn falls(curve: &[f64]) -> bool {
    curve.windows(2).all(|pair| pair[1] <= pair[0]) && curve[curve.len() - 1] < curve[0]
}

/// The mean of what the method measures, over the last so many epochs.
fn cosine(run: &Run, epochs: usize) -> f64 {
    let measure = run.settings.method.about().measure.unwrap();
    mean(run.metrics.iter().rev().take(epochs).map(|metrics| metrics.get(measure.name).unwrap()))
}

fn selected(state: &State) -> usize {
    state.run().place_of(state.selected.unwrap()).unwrap()
}

/// ω of the selected sample beside the mean of all.
fn relative(state: &State) -> f32 {
    let run = state.run();
    run.relative(run.samples[selected(state)].unwrap_seen().record.omega)
}

trait Unwrap {
    fn unwrap_seen(&self) -> &gairat::session::Seen;
}

impl Unwrap for Option<gairat::session::Seen> {
    fn unwrap_seen(&self) -> &gairat::session::Seen {
        self.as_ref().expect("it was seen")
    }
}

/// What is to be seen beside the words, in panels that a lesson shows: figures that a sentence or a worksheet asks for.
fn on_the_screen((lesson, step): (usize, usize), window: &Harness<'_, State>) {
    let (state, run) = (window.state(), window.state().run());
    let there = |text: &str| window.query_all_by_label_contains(text).count() > 0;
    let is_open = state.lesson.as_ref().is_some_and(|lesson| lesson.answer.is_none());
    match (lesson, step, is_open) {
        // The question is not answered before it was asked.
        (0, 1, true) => assert!(!there("breaks at step") && !there("in training")),
        (0, 1, false) => assert!(there("breaks at step") && there("in training")),
        (1, 2, _) => {
            let (first, last) = (run.metrics.first().unwrap().mean_kappa, run.metrics.last().unwrap().mean_kappa);
            assert!(there(&format!("mean κ {last:.2}, first epoch {first:.2}")));
        }
        (2, ..) => assert!(there(&format!("{:.0} % of all count", 100.0 * run.effective.unwrap()))),
        (3, 0, _) => assert!(there("epoch 40 of 41")),
        (4, 0..=2, _) => {
            // The weight of the point stands beside its mark, and its mark on the curve.
            let mine = selected(state);
            let (at, omega) = (run.on_axis(mine).unwrap(), run.samples[mine].unwrap_seen().record.omega);
            assert!(there(&format!("selected: ω {}", short(f64::from(omega)))));
            let method = run.settings.method.build();
            let (_, scale) = run.tally().spread.scaled(|at| method.curve(at, run.settings.steps, run.clock())).unwrap();
            let drawn = scale * method.curve(f64::from(at), run.settings.steps, run.clock()).unwrap();
            assert!((drawn / f64::from(omega) - 1.0).abs() < 0.05, "the curve stands at {drawn} and the point at {omega}");
        }
        _ => {}
    }
    // What lesson 4 finds out is not said before.
    assert!(lesson >= 3 || !there("AutoAttack"));
}

/// What is claimed once the words of a step are all there.
fn said((lesson, step): (usize, usize), state: &State, before: &mut Before) -> Vec<Claim> {
    let run = state.run();
    let classes = run.dataset.as_ref().unwrap().classes;
    match (lesson, step) {
        (0, 0) => {
            let broken = run.all_seen().filter(|seen| seen.record.measured.broken).count();
            vec![
                ("two classes", classes == 2),
                (
                    "Beside many points, those drawn in full, there is a mark",
                    run.all_seen().all(|seen| seen.adversarial.is_some()),
                ),
                ("A [cross] says that the network then got it wrong", broken > 0 && broken < run.samples.len()),
            ]
        }
        (0, 1) => {
            let traced = traced(state);
            vec![
                ("classifies it correctly where it is", traced.natural_class() == traced.label as usize),
                ("stay covered until you have answered", state.lesson.as_ref().is_some_and(Lesson::hides_attack)),
            ]
        }
        (0, 2) => vec![("Slow motion is on", state.slow_motion.is_some() && !state.gate.playing())],
        (1, 0) => {
            let counts = &run.tally().spread.counts;
            vec![
                ("The attack takes 10 steps", run.settings.steps == 10 && counts.len() == 11),
                ("some points have 0, others 10", counts[0] > 0 && counts[10] > 0),
            ]
        }
        (1, 1) => {
            let traced = traced(state);
            let correct = traced.natural_class() == traced.label as usize;
            vec![("of this first point is 5 at most", correct && traced.broken && (1..=5).contains(&traced.kappa))]
        }
        (1, 2) => {
            let (first, last) = (run.metrics.first().unwrap(), run.metrics.last().unwrap());
            vec![
                ("The run goes on for some epochs", run.place.epoch == 20),
                ("is now above that of the first epoch", last.mean_kappa > first.mean_kappa),
                ("Nobody has weighted anything yet", !run.weighs && run.all_seen().all(|seen| seen.record.omega == 1.0)),
            ]
        }
        (2, 0) => {
            let samples = samples(run);
            let of = |range: std::ops::RangeInclusive<u32>| {
                mean(samples.iter().filter(|sample| range.contains(&sample.0)).map(|sample| f64::from(sample.1)))
            };
            vec![
                ("here they are over soon", run.weighs && run.place.epoch == 12),
                ("it falls from left to right", falls(&curve(run))),
                ("On average a point weighs 1", (run.tally().mean_omega - 1.0).abs() < 0.01),
                ("the points that count more are larger", of(0..=3) > 1.0 && of(0..=3) > of(7..=10)),
            ]
        }
        (2, 1) => {
            before.share = run.effective.unwrap();
            let omega: Vec<f32> = run.all_seen().map(|seen| seen.record.omega).collect();
            assert!((before.share - effective_share(&omega)).abs() < 1e-9, "the share is that of all samples");
            before.heavy = run.all_seen().filter(|seen| seen.record.omega >= 1.0).count();
            before.greatest = run.all_seen().map(|seen| seen.record.omega).fold(0.0, f32::max);
            before.steps_done = run.place.steps_done();
            vec![("it stands at 0", run.settings.get("lambda").as_deref() == Some("0"))]
        }
        (2, 2) => {
            let flat = run.all_seen().all(|seen| (seen.record.omega - 1.0).abs() < 1e-5);
            vec![
                ("because the network rests", run.place.steps_done() == before.steps_done && !state.gate.playing()),
                ("is flat and all points count", flat && (run.effective.unwrap() - 1.0).abs() < 1e-6),
            ]
        }
        (3, 0) => {
            let twin = &state.runs[1];
            let names = [run.settings.method.name(), twin.settings.method.name()];
            vec![
                ("Three classes overlap", classes == 3),
                ("from the same first weights", run.settings.seed == twin.settings.seed),
                ("from epoch 14", names == ["gairat", "at"] && run.settings.burn_in == 13),
                ("Both have had 40 epochs", state.runs.iter().all(|run| run.place.epoch == 40 && run.place.step == 0)),
            ]
        }
        (3, 1) => {
            let [gairat, at] = [0, 1].map(|place| state.runs[place].headline().pgd.unwrap().value);
            vec![("GAIRAT keeps more points than AT", gairat > at)]
        }
        (4, 0) => {
            let measured = run.samples[selected(state)].unwrap_seen().record.measured;
            let curve = curve(run);
            let just_across = run.all_seen().filter(|seen| {
                let other = seen.record.measured;
                other.kappa == 0 && other.margin_start > 0.5 * measured.margin_start
            });
            vec![
                ("lie deep among another class", traced(state).probability_margin() <= DEEP),
                ("wrong before the attack begins", measured.margin_start < 0.0 && measured.kappa == 0),
                ("where the [curve|weight] is highest", curve.iter().all(|weight| *weight <= curve[0])),
                ("has kappa 0 as well", just_across.count() >= 3),
            ]
        }
        (4, 1) => {
            let at = |place: usize| run.on_axis(place).map(f64::from);
            let omega = |place: usize| f64::from(run.samples[place].unwrap_seen().record.omega);
            let mine = selected(state);
            let lowest = at(mine).expect("its margin is known");
            let across = 0.5 * lowest..0.0;
            let just_across = (0..run.samples.len()).filter(|&place| at(place).is_some_and(|at| across.contains(&at)));
            vec![
                (
                    "Now the points stand over the [margin|axis]",
                    run.tally().spread.samples() == run.samples.len() && lowest < 0.0,
                ),
                ("The lower it is, the more a point counts", falls(&curve(run))),
                ("several times as much as the mean", relative(state) >= 3.0 && traced(state).probability_margin() <= DEEP),
                ("more than those just across the boundary", omega(mine) > mean(just_across.map(omega))),
            ]
        }
        (4, 2) => {
            let curve = curve(run);
            let slopes: Vec<f64> = curve.windows(2).map(|pair| pair[1] - pair[0]).collect();
            vec![
                ("never levels off", slopes.iter().all(|slope| *slope > 0.0) && slopes.windows(2).all(|pair| pair[1] >= pair[0])),
                ("more than five times the mean", relative(state) > 5.0 && traced(state).probability_margin() <= DEEP),
            ]
        }
        (5, 0) => {
            let names = state.runs.iter().map(|run| run.settings.method.name());
            before.cosine = cosine(run, 2);
            vec![
                ("CA-AT, on the left", names.eq(["ca-at", "average"])),
                ("After two epochs the two nearly agree", run.place.epoch == 2 && before.cosine > 0.75),
            ]
        }
        (5, 1) => vec![("Both runs rest", !state.gate.playing())],
        _ => Vec::new(),
    }
}

/// What is claimed once the question was answered.
fn revealed((lesson, step): (usize, usize), state: &State, before: &Before) -> Vec<Claim> {
    let run = state.run();
    match (lesson, step) {
        (0, 1) => {
            let traced = traced(state);
            let (first, label) = (traced.first_hit as usize, traced.label as usize);
            let inside = traced.points.iter().all(|point| {
                let beside = point.position.iter().zip(&traced.natural);
                beside.fold(0.0_f32, |far, (a, b)| far.max((a - b).abs())) <= run.settings.epsilon as f32 + 1e-5
            });
            let changes = first >= 1 && traced.class_at(first) != label && (0..first).all(|step| traced.class_at(step) == label);
            let (begin, end) = (&traced.points[0], &traced.points[traced.points.len() - 1]);
            vec![
                ("climbs the loss, one step at a time", end.loss > begin.loss && inside),
                ("At the first [cross] the answer has changed", changes),
                (
                    "falls below 0",
                    traced.points[first].margin < 0.0 && traced.points[..first].iter().all(|point| point.margin > 0.0),
                ),
            ]
        }
        (1, 1) => {
            let samples = samples(run);
            let far = |low: bool, way: &dyn Fn(&Run, usize) -> f64| {
                let of = samples.iter().filter(|sample| if low { sample.0 <= 5 } else { sample.0 == 10 });
                mean(of.map(|sample| way(run, sample.2)))
            };
            let traced = traced(state);
            let own = to_the_boundary(run, selected(state));
            vec![
                ("nearer to the other class", far(true, &to_another_class) < far(false, &to_another_class)),
                ("and to the [boundary]", far(true, &to_the_boundary) < far(false, &to_the_boundary)),
                ("its kappa is 10", traced.kappa == 10 && !traced.broken),
                ("deep in its own colour", own > run.settings.epsilon),
            ]
        }
        (2, 1) => {
            let heavy = run.all_seen().filter(|seen| seen.record.omega >= 1.0).count();
            let greatest = run.all_seen().map(|seen| seen.record.omega).fold(0.0, f32::max);
            let early = run.all_seen().filter(|seen| seen.record.measured.kappa == 0);
            vec![
                ("Fewer.", heavy < before.heavy),
                ("only points that break early keep their [weight]", mean(early.map(|seen| f64::from(seen.record.omega))) > 1.0),
                ("those that count have grown", greatest > before.greatest),
                ("it is smaller than before", run.effective.unwrap() < before.share),
            ]
        }
        (3, 1) => {
            let worst = |run: &Run| match run.headline().worst {
                Worst::Judged { figure, since: None, .. } => figure.value,
                other => panic!("{other:?}"),
            };
            let not_pgd = |run: &Run| {
                let (_, verdict) = run.judgements.last().unwrap();
                let least = verdict.bars.iter().min_by(|a, b| a.accuracy.total_cmp(&b.accuracy)).unwrap();
                least.attack != "PGD-20"
            };
            vec![
                ("AT now keeps more than GAIRAT", worst(&state.runs[1]) > worst(&state.runs[0])),
                ("it is not PGD", state.runs.iter().all(not_pgd)),
            ]
        }
        (4, 2) => vec![("next to nothing", relative(state) < 0.2 && traced(state).probability_margin() <= DEEP)],
        (5, 1) => vec![("in the last ten epochs its mean is far below", cosine(run, 10) < before.cosine - 0.2)],
        _ => Vec::new(),
    }
}

fn hold(place: (usize, usize), seed: u64, words: &[&str], claims: &[Claim]) {
    for (says, holds) in claims {
        assert!(words.iter().any(|text| text.contains(says)), "lesson {} does not say `{says}`", place.0 + 1);
        assert!(holds, "seed {seed}, lesson {}, step {}: `{says}` does not hold", place.0 + 1, place.1 + 1);
    }
}

fn shown(window: &mut Harness<'_, State>, what: &str) {
    until(window, what, |state| state.lesson.as_ref().is_some_and(Lesson::is_shown));
    // What was set in the last frame is seen in the next ones.
    window.run_steps(2);
}

/// Plays a lesson to its end, and holds all that it says against what is shown.
fn play(number: usize) {
    for seed in SEEDS {
        let root = tempfile::tempdir().unwrap();
        let settings = Settings { seed, device: "cpu".to_owned(), ..Settings::default() };
        let mut window = open(root.path(), settings, None);
        lessons::begin(window.state_mut(), number);
        // What a run comes to does not depend on its pace.
        window.state_mut().set_speed(SPEEDS.len() - 1);
        let mut before = Before::default();
        let steps: &[Step] = LESSONS[number].steps;
        for (step, words) in steps.iter().enumerate() {
            let place = (number, step);
            shown(&mut window, "the step is shown");
            assert_eq!(window.state().lesson.as_ref().map(|lesson| (lesson.number, lesson.step)), Some(place));
            let claims = said(place, window.state(), &mut before);
            hold(place, seed, &[words.text, words.then], &claims);
            on_the_screen(place, &window);
            // What is read at once speaks of what is to come; what is read then, of what is on the screen.
            let general = words.then.is_empty() || GENERAL.iter().any(|general| words.then.contains(general));
            assert!(general || !claims.is_empty(), "nothing is held against `{}`", words.then);
            if let Some(question) = &words.question {
                lessons::answer(window.state_mut(), question.right);
                shown(&mut window, "the answer is shown");
                let claims = revealed(place, window.state(), &before);
                assert!(!claims.is_empty(), "nothing is held against `{}`", question.reveal);
                hold(place, seed, &[question.reveal], &claims);
                on_the_screen(place, &window);
            }
            assert_eq!(window.state().lesson.as_ref().map(Lesson::may_go_on), Some(true));
            if step + 1 < steps.len() {
                lessons::forward(window.state_mut());
            }
        }
        if number == 3 {
            // The figures of the claim are those that stand in the headline.
            for run in &window.state().runs {
                let figure = run.headline().pgd.unwrap();
                let label = format!("{}: PGD-20 {:.1} %", run.title(), 100.0 * figure.value);
                assert!(window.query_all_by_label(&label).count() > 0, "{label}");
            }
        }
        window.state_mut().finish();
    }
}

#[test]
fn lesson_1_says_what_an_attack_does() {
    play(0);
}

#[test]
fn lesson_2_says_what_kappa_tells() {
    play(1);
}

#[test]
fn lesson_3_says_what_lambda_does_to_a_network_that_rests() {
    play(2);
}

#[test]
fn lesson_4_says_how_the_order_turns_over() {
    play(3);
}

#[test]
fn lesson_5_says_who_counts_under_four_methods() {
    play(4);
}

#[test]
fn lesson_6_says_when_gradients_disagree() {
    play(5);
}
