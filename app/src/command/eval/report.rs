//! What an evaluation has come to, for people and for programs.

use gairat::{
    evaluate::{Judgement, interval},
    metrics::{PLUS, score_name},
};
use serde_json::{Value, json};

use crate::terminal;

/// One object: `about`, and every result. It holds no time, so that equal evaluations leave equal files.
pub(in crate::command) fn line(mut about: Value, done: &Judgement) -> Value {
    let report = &done.report;
    if let Some(map) = about.as_object_mut() {
        // By name as well, as a run's summary has them.
        map.extend(report.scores.iter().map(|score| (score_name(&score.attack), score.accuracy.into())));
        map.insert("scores".to_owned(), json!(report.scores));
        if let Some((robust, strongest)) = report.robust() {
            let (low, high) = interval(report.robust_samples(), report.samples);
            map.insert("robust".to_owned(), robust.into());
            map.insert("interval".to_owned(), json!([low, high]));
            map.insert("strongest".to_owned(), strongest.into());
        }
        if !done.curve.is_empty() {
            map.insert("curve".to_owned(), json!(done.curve));
        }
        map.insert("flags".to_owned(), json!(done.flags));
        if let Some(sentence) = &done.at_chance {
            map.insert("at_chance".to_owned(), sentence.clone().into());
        }
    }
    about
}

/// Adds how long each attack took, and all of them.
pub(in crate::command) fn add_seconds(line: &mut Value, seconds: &[f64]) {
    let scores = line.get_mut("scores").and_then(Value::as_array_mut).into_iter().flatten();
    for (score, seconds) in scores.zip(seconds) {
        score["seconds"] = (*seconds).into();
    }
    line["seconds"] = seconds.iter().sum::<f64>().into();
}

/// The last lines: the number, and what to think of it.
pub(in crate::command) fn print(done: &Judgement) {
    let report = &done.report;
    if let Some((robust, strongest)) = report.robust() {
        let (low, high) = interval(report.robust_samples(), report.samples);
        crate::terminal::say!(
            "{}  correct under every attack ({} of {}; 95 % interval {:.1} to {:.1} %); the lowest was {strongest}",
            terminal::accuracy_line("robust        ", robust),
            report.robust_samples(),
            report.samples,
            100.0 * low,
            100.0 * high
        );
    }
    if report.scores.iter().any(|score| score.on_survivors) {
        crate::terminal::say!("  {PLUS}");
    }
    for flag in &done.flags {
        crate::terminal::say!("flag {}: {}", flag.name, flag.message);
    }
    if let Some(sentence) = &done.at_chance {
        crate::terminal::say!("warning: {sentence}");
    }
}
