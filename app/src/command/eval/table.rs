//! The table that grows while an evaluation runs: a line for each attack, and one that is written over while it is at work.

use std::{future::Future, io::IsTerminal as _, pin::Pin, time::Instant};

use gairat::{
    evaluate::{Onlooker, Told},
    metrics::stage_label,
};

use crate::terminal;

/// Where the table is, and how long its lines took.
pub(in crate::command) struct Table {
    shown: bool,
    on_terminal: bool,
    attack: String,
    begun: Instant,
    seconds: Vec<f64>,
}

impl Table {
    /// A table that is `shown`, or that measures time alone.
    pub(in crate::command) fn new(shown: bool) -> Self {
        Self {
            shown,
            on_terminal: shown && std::io::stderr().is_terminal(),
            attack: String::new(),
            begun: Instant::now(),
            seconds: Vec::new(),
        }
    }

    /// How long each attack took.
    pub(in crate::command) fn seconds(&self) -> &[f64] {
        &self.seconds
    }

    /// Wipes the line that is written over.
    fn clear(&self) {
        if self.on_terminal {
            crate::terminal::tell_part!("\r\x1b[K");
        }
    }
}

impl Onlooker for Table {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(std::future::ready(false))
    }

    fn told(&mut self, told: &Told<'_>) {
        let seconds = self.begun.elapsed().as_secs_f64();
        match told {
            Told::Begun(attack) => {
                (self.attack, self.begun) = ((*attack).to_owned(), Instant::now());
                if self.on_terminal {
                    crate::terminal::tell_part!("\r{attack}: begun\x1b[K");
                }
            }
            Told::Progress { done, all } if self.on_terminal => {
                let left = seconds * (all - done) as f64 / (*done).max(1) as f64;
                crate::terminal::tell_part!("\r{}: {done} of {all} samples, {seconds:.0} s, {left:.0} s left\x1b[K", self.attack);
            }
            Told::Progress { .. } => {}
            Told::Score(score) => {
                self.seconds.push(seconds);
                self.clear();
                if self.shown {
                    let label = stage_label(&score.label, score.on_survivors);
                    let line = terminal::accuracy_line(&format!("{label:<14}"), score.accuracy);
                    crate::terminal::say!("{line}  broke {:>5} of {:>5} tried {seconds:>8.1} s", score.broke, score.tried);
                    if score.outside > 0 {
                        let (label, outside) = (&score.label, score.outside);
                        crate::terminal::say!("warning: {label} left ball or box with {outside} images, which do not count");
                    }
                }
            }
            Told::Point(point) => {
                if self.shown {
                    let line = terminal::accuracy_line("curve         ", point.robust);
                    crate::terminal::say!("{line}  at epsilon {:.4}", point.epsilon);
                }
            }
        }
    }
}
