//! A run for people: a progress bar, a line per epoch, and at the end a table and pictures in characters.

use std::{
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant},
};

use gairat::{
    dataset::Dataset,
    device::Chosen,
    method::MeasureKind,
    metrics::{Beside, EpochMetrics, Summary, score_label},
    session::Event,
    settings::{Kind, Settings},
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
    settings: Settings,
    steps: u64,
    heading: bool,
    told: Instant,
}

impl Human {
    pub(crate) fn new() -> Self {
        // Nothing to draw before the run has begun.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let plain = !std::io::stdout().is_terminal();
        Self { bar, plain, settings: Settings::default(), steps: 0, heading: false, told: Instant::now() }
    }

    /// A line above the bar.
    fn line(&self, text: &str) {
        // `suspend` takes the bar off the screen while something else is printed.
        self.bar.suspend(|| crate::terminal::say!("{text}"));
    }

    fn epoch(&mut self, epoch: &EpochMetrics) {
        let [heading, line] = epoch_lines(&self.settings, epoch);
        if !self.heading {
            self.heading = true;
            self.line(&heading);
        }
        self.line(&line);
    }
}

/// An epoch as a line of a table, and the line of headings above it: the columns that every run has, and what the method schedules and
/// measures.
fn epoch_lines(settings: &Settings, epoch: &EpochMetrics) -> [String; 2] {
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.2} %", 100.0 * share));
    let mut heading = "epoch     loss  train robust  mean kappa  effective  validation natural   PGD-20".to_owned();
    let mut line = format!(
        "{:>5} {:>8.4}  {:>12}  {:>10.2}  {:>9}  {:>18}  {:>7}",
        epoch.epoch,
        epoch.loss,
        percent(Some(epoch.train_robust)),
        epoch.mean_kappa,
        percent(epoch.effective),
        percent(epoch.validation("natural")),
        percent(epoch.validation("pgd:20")),
    );
    for name in epoch.more.keys().filter(|name| !name.contains("validation_")) {
        let words = name.replace('_', " ");
        let value = epoch.get(name).map_or("-".to_owned(), |value| in_words(settings, name, value));
        // No narrower than a share.
        let width = words.len().max(8);
        heading += &format!("  {words:>width$}");
        line += &format!("  {value:>width$}");
    }
    [heading, line]
}

/// What a method schedules or measures under `name`, as that sort of number is written.
fn in_words(settings: &Settings, name: &str, value: f64) -> String {
    let measure = settings.method.about().measure.filter(|measure| measure.name == name);
    match (measure.map(|measure| measure.kind), settings.field(name).map(|field| field.kind)) {
        (Some(MeasureKind::Share), _) => format!("{:.2} %", 100.0 * value),
        (Some(MeasureKind::Cosine), _) => format!("{value:.3}"),
        (None, Some(Kind::Whole { .. })) => format!("{value:.0}"),
        (None, _) => format!("{value:.2}"),
    }
}

impl Voice for Human {
    fn begin(&mut self, settings: &Settings, chosen: &Chosen, folder: &Path) {
        self.settings = settings.clone();
        self.line(&format!("run folder {}", folder.display()));
        self.line(&format!("device     {} ({}; {})", chosen.name, chosen.api, chosen.why));
        let about = settings.method.about();
        let parameters: Vec<String> = about
            .parameters
            .iter()
            .filter(|parameter| settings.method.parameters().counts(parameter))
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

    fn data(&mut self, about: &str) {
        self.line(&format!("data       {about}"));
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
        let weighed = plot::is_weighed(snapshot);
        let weights = if weighed { ", and the mean weight ω of these" } else { "; each counts 1" };
        crate::terminal::say!("\nkappa of the training samples in the last epoch{weights}");
        crate::terminal::say_part!("{}", plot::kappa_histogram(summary, snapshot));
        if let Some(regions) = &snapshot.regions {
            crate::terminal::say!("\ndecision regions and test samples: {}", plot::legend(dataset.classes));
            crate::terminal::say_part!("{}", plot::regions(regions, &dataset.test, &snapshot.test_correct));
        }
    }

    fn stopped(&mut self, epoch: u32, step: usize, folder: &Path) {
        let within = if step > 0 { format!(" and {step} steps") } else { String::new() };
        crate::terminal::say!(
            "stopped and saved after {epoch} epochs{within}; `gairat train --resume {}` goes on",
            folder.display()
        );
    }
}

/// What a run came to.
fn table(summary: &Summary) {
    let weights = if summary.epoch == summary.epochs { "last".to_owned() } else { format!("best, of epoch {},", summary.epoch) };
    crate::terminal::say!("\naccuracy of the {weights} weights on {} test samples", summary.samples);
    scores(&summary.reported().collect::<Vec<_>>());
    let robust = |accuracy: f64, strongest: &str| {
        crate::terminal::say!("{}  correct under every attack; the lowest was {strongest}", accuracy_line("robust", accuracy));
    };
    robust(summary.robust, &summary.strongest);
    if let Some(sentence) = &summary.at_chance {
        crate::terminal::say!("warning: {sentence}");
    }
    for beside in Beside::ALL {
        let (worst, attacks): (Vec<_>, Vec<_>) = summary.beside(beside).partition(|(name, _)| *name == "robust");
        let Some((_, accuracy)) = worst.first() else { continue };
        crate::terminal::say!("accuracy of the {} ({})", beside.label(), summary.epochs);
        scores(&attacks);
        let lowest = attacks.iter().rev().filter(|(name, _)| *name != "natural").min_by(|a, b| a.1.total_cmp(&b.1));
        robust(*accuracy, &lowest.map(|(name, _)| score_label(name)).unwrap_or_default());
        if let Some(sentence) = summary.beside_at_chance(beside) {
            crate::terminal::say!("warning: of the {}: {sentence}", beside.label());
        }
    }
}

/// Natural data first, then the attacks.
fn scores(scores: &[(&str, f64)]) {
    let (natural, attacks): (Vec<_>, Vec<_>) = scores.iter().copied().partition(|(name, _)| *name == "natural");
    for (name, accuracy) in natural.into_iter().chain(attacks.into_iter().rev()) {
        crate::terminal::say!("{}", accuracy_line(&score_label(name), accuracy));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns behind those of every run, as they are read in a table: heading and value end at the same place.
    fn columns(method: &str, more: &[(&str, Option<f64>)]) -> [String; 2] {
        let settings = Settings::default().with("method", method);
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let [heading, line] = epoch_lines(&settings, &EpochMetrics { epoch: 1, more, ..EpochMetrics::default() });
        assert_eq!(heading.len(), line.len());
        [heading, line]
            .map(|text| text.split_whitespace().skip(if text.contains("loss") { 10 } else { 0 }).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_a_method_schedules_and_measures_has_a_heading_and_is_written_as_what_it_is() {
        let [heading, line] = columns("gair-fat", &[("lambda", None), ("stopped_early", Some(0.125)), ("tau", Some(10.0))]);
        assert_eq!(heading, "lambda stopped early tau");
        assert!(line.ends_with(" - - - 12.50 % 10"), "{line}");
        let [heading, line] = columns("ca-at", &[("gradient_cosine", Some(-0.25)), ("validation_natural", Some(0.5))]);
        assert_eq!(heading, "gradient cosine");
        assert!(line.ends_with(" -0.250"), "{line}");
    }

    #[test]
    fn there_is_no_effective_share_where_weights_are_factors() {
        let of = |effective| epoch_lines(&Settings::default(), &EpochMetrics { effective, ..EpochMetrics::default() })[1].clone();
        assert!(of(Some(0.5)).contains("50.00 %") && !of(None).contains("100.00 %"));
        assert_eq!(of(None).split_whitespace().nth(5), Some("-"), "{}", of(None));
    }
}
