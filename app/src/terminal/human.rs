//! A run for people: a progress bar, a line per epoch, and at the end a table and pictures in characters.

use std::{
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant},
};

use gairat::{
    dataset::Dataset,
    device::Chosen,
    metrics::{EpochMetrics, Summary},
    session::Event,
    settings::Settings,
    snapshot::Snapshot,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Voice, accuracy_line, plot};

/// How often a line tells progress where there is no bar.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Speaks to a person; plainly, when standard output is no terminal.
pub(crate) struct Human {
    bar: ProgressBar,
    plain: bool,
    steps: u64,
    heading: bool,
    told: Instant,
}

impl Human {
    pub(crate) fn new() -> Self {
        // Nothing to draw before the run has begun.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let plain = !std::io::stdout().is_terminal();
        Self { bar, plain, steps: 0, heading: false, told: Instant::now() }
    }

    /// A line above the bar.
    fn line(&self, text: &str) {
        // `suspend` takes the bar off the screen while something else is printed.
        self.bar.suspend(|| anstream::println!("{text}"));
    }

    fn epoch(&mut self, epoch: &EpochMetrics) {
        if !self.heading {
            self.heading = true;
            self.line("epoch     loss  train robust  mean kappa  effective  validation natural   PGD-20");
        }
        let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.2} %", 100.0 * share));
        self.line(&format!(
            "{:>5} {:>8.4}  {:>12}  {:>10.2}  {:>9}  {:>18}  {:>7}{}",
            epoch.epoch,
            epoch.loss,
            percent(Some(epoch.train_robust)),
            epoch.mean_kappa,
            percent(Some(epoch.effective)),
            percent(epoch.validation("natural")),
            percent(epoch.validation("pgd:20")),
            self.extras(epoch),
        ));
    }
}

impl Human {
    /// What the method schedules and measures, behind the columns that every run has.
    fn extras(&self, epoch: &EpochMetrics) -> String {
        let of_method = |name: &str| !name.contains("validation_");
        let value = |name: &String| Some((name.clone(), epoch.get(name)?));
        let words: Vec<String> = (epoch.more.keys().filter(|name| of_method(name)).filter_map(value))
            .map(|(name, value)| format!("  {} {value:.2}", name.replace('_', " ")))
            .collect();
        words.concat()
    }
}

impl Voice for Human {
    fn begin(&mut self, settings: &Settings, chosen: &Chosen, folder: &Path) {
        self.line(&format!("run folder {}", folder.display()));
        self.line(&format!("device     {} ({}; {})", chosen.name, chosen.api, chosen.why));
        let about = settings.method.about();
        let parameters: Vec<String> = about
            .parameters
            .iter()
            .filter_map(|parameter| Some(format!("{} {}", parameter.label, settings.get(parameter.name)?)))
            .collect();
        let parameters = if parameters.is_empty() { String::new() } else { format!(" ({})", parameters.join(", ")) };
        self.line(&format!("method     {}{parameters}", about.title));
        self.line(&format!("           {}", about.summary));
        if about.burns_in && settings.burn_in > 0 {
            self.line(&format!("           weights set in with epoch {}", settings.burn_in.saturating_add(1)));
        }
        self.line(&format!(
            "attack     PGD, K = {} steps of {:.5} in a ball of {:.5} ({:.1}/255)",
            settings.steps,
            settings.step_size,
            settings.epsilon,
            255.0 * settings.epsilon
        ));
    }

    fn say(&mut self, event: &Event) {
        match event {
            Event::Started { model, parameters, path, train, validation, test, epochs, steps, resumed_epoch, .. } => {
                self.line(&format!("network    {model}, {parameters} parameters"));
                self.line(&format!("attack     {path}"));
                self.line(&format!("samples    {train} train, {validation} validation, {test} test"));
                if *resumed_epoch > 0 {
                    self.line(&format!("goes on after epoch {resumed_epoch}"));
                }
                self.steps = *steps as u64;
                let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} steps, {per_sec}, {eta} left {msg}");
                self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                self.bar.set_length(u64::from(*epochs) * self.steps);
                self.bar.set_position(u64::from(*resumed_epoch) * self.steps);
                self.bar.reset_eta();
                if !self.plain {
                    self.bar.set_draw_target(ProgressDrawTarget::stdout());
                }
                self.bar.enable_steady_tick(Duration::from_millis(250));
            }
            Event::Compiling => self.bar.set_message("· compiling kernels"),
            Event::Progress { epoch, step, steps, loss } => {
                if self.plain && self.told.elapsed() >= PLAIN_EVERY {
                    self.told = Instant::now();
                    self.line(&format!("epoch {epoch}: step {step} of {steps}, loss {loss:.4}"));
                }
                self.bar.set_position(u64::from(epoch.saturating_sub(1)) * self.steps + *step as u64);
                self.bar.set_message(format!("· epoch {epoch}, loss {loss:.3}"));
            }
            Event::Epoch(metrics) => {
                self.bar.set_position(u64::from(metrics.epoch) * self.steps);
                self.epoch(metrics);
            }
            Event::Evaluating { attack } => {
                if self.plain {
                    self.line(&format!("evaluating on the test part: {attack}"));
                }
                self.bar.set_message(format!("· evaluating: {attack}"));
            }
            Event::Warning { message } => self.line(&format!("warning: {message}")),
            Event::Summary(summary) => {
                self.bar.finish_and_clear();
                table(summary);
            }
            _ => {}
        }
    }

    fn quiet(&mut self) {
        self.bar.finish_and_clear();
    }

    fn conclude(&mut self, _settings: &Settings, summary: &Summary, snapshot: &Snapshot, dataset: &Dataset) {
        anstream::println!("\nkappa of the training samples in the last epoch, and the mean weight ω of these");
        anstream::print!("{}", plot::kappa_histogram(summary, snapshot));
        if let Some(regions) = &snapshot.regions {
            anstream::println!("\ndecision regions and test samples: {}", plot::legend(dataset.classes));
            anstream::print!("{}", plot::regions(regions, &dataset.test, &snapshot.test_correct));
        }
    }

    fn stopped(&mut self, epoch: u32, step: usize, folder: &Path) {
        let within = if step > 0 { format!(" and {step} steps") } else { String::new() };
        anstream::println!(
            "stopped and saved after {epoch} epochs{within}; `gairat train --resume {}` goes on",
            folder.display()
        );
    }
}

/// What a run came to.
fn table(summary: &Summary) {
    let weights = if summary.epoch == summary.epochs { "last".to_owned() } else { format!("best, of epoch {},", summary.epoch) };
    anstream::println!("\naccuracy of the {weights} weights on {} test samples", summary.samples);
    let (averaged, plain): (Vec<_>, Vec<_>) = summary.scores.iter().partition(|(name, _)| name.starts_with("average_"));
    let natural_first = |scores: &[(&String, &f64)]| {
        for (name, accuracy) in scores.iter().filter(|(name, _)| name.ends_with("natural")) {
            anstream::println!("{}", accuracy_line(&score_label(name), **accuracy));
        }
        for (name, accuracy) in scores.iter().rev().filter(|(name, _)| !name.ends_with("natural")) {
            anstream::println!("{}", accuracy_line(&score_label(name), **accuracy));
        }
    };
    natural_first(&plain);
    anstream::println!(
        "{}  correct under every attack; the lowest was {}",
        accuracy_line("robust", summary.robust),
        summary.strongest
    );
    if let Some(sentence) = &summary.at_chance {
        anstream::println!("warning: {sentence}");
    }
    if !averaged.is_empty() {
        anstream::println!("accuracy of the averaged weights");
        natural_first(&averaged);
        if let Some(sentence) = &summary.average_at_chance {
            anstream::println!("warning: of the averaged weights: {sentence}");
        }
    }
}

/// The name of a score for people: `pgd20` is PGD-20.
fn score_label(name: &str) -> String {
    let name = name.trim_start_matches("average_");
    if name == "natural" || name == "robust" {
        return name.to_owned();
    }
    let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = &name[letters.len()..];
    let dash = if digits.is_empty() { "" } else { "-" };
    format!("{}{dash}{digits}", letters.to_uppercase())
}
