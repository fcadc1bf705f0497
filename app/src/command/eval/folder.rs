//! The folder of an evaluation: what it has come to, and the ledger from which it goes on.

use std::path::{Path, PathBuf};

use gairat::{
    dataset::{self, SampleShape, Samples},
    evaluate::{Identity, Judgement, Ledger, Norm},
    files,
    settings::Settings,
};

use super::super::must_be_new;
use crate::{
    failure::Failure,
    figure::{Radii, Subject},
    report::figures,
    svg::Ink,
};

/// The file that an evaluation at work holds.
const LOCK: &str = "eval.lock";

/// A folder that no other evaluation writes to meanwhile.
pub(super) struct Folder {
    path: PathBuf,
    _lock: files::Lock,
}

impl Folder {
    /// Makes the folder, or opens the one of an evaluation of the same network under the same threat.
    ///
    /// # Errors
    /// A folder of something else, of another evaluation, or of one that is at work; nothing is changed then.
    pub(super) fn open(path: &Path, identity: &Identity) -> Result<(Self, Ledger), Failure> {
        let of_ledger = path.join("ledger");
        // What a kill before the first verdict leaves is an evaluation as well.
        let empty = || files::list(path).is_ok_and(|there| there.iter().all(|file| file.ends_with(LOCK)));
        if !(files::is_dir(&of_ledger) || files::is_dir(path) && empty()) {
            must_be_new(path)?;
        }
        files::create_dir_all(path).map_err(|error| failed(path, &error))?;
        let lock = files::lock(&path.join(LOCK)).map_err(|error| failed(path, &error))?;
        let Some(lock) = lock else {
            return Err(Failure::Request(format!("--out {}: another evaluation is at work in this folder", path.display())));
        };
        let ledger = Ledger::open(&of_ledger, identity)?;
        Ok((Self { path: path.to_owned(), _lock: lock }, ledger))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what an evaluation has come to, each file whole or not at all, and `evaluation.json` when all others are there.
    pub(super) fn write(
        &self,
        done: &Judgement,
        (shape, samples): (SampleShape, &Samples),
        (norm, settings): (Norm, &Settings),
        line: &serde_json::Value,
    ) -> Result<(), Failure> {
        let put = |name: &str, bytes: &[u8]| {
            files::write(&self.path.join(name), bytes).map_err(|error| failed(&self.path.join(name), &error))
        };
        let mut table = "row,label,natural,robust,broken_by,distance,margin\n".to_owned();
        let mut adversarial = Samples { pixels: Vec::new(), ..samples.clone() };
        for (known, natural) in done.samples.iter().zip(samples.pixels.chunks_exact(shape.len())) {
            let broken_by = known.broken_by.as_deref().unwrap_or_default();
            let distance = known.distance.map(|distance| distance.to_string()).unwrap_or_default();
            let robust = known.natural && known.broken_by.is_none();
            table +=
                &format!("{},{},{},{robust},{broken_by},{distance},{}\n", known.row, known.label, known.natural, known.margin);
            // Of a sample that nothing broke, the ledger keeps no image: an evaluation that went on would write another file.
            let image = known.image.as_ref().filter(|_| known.broken_by.is_some());
            adversarial.pixels.extend_from_slice(image.map_or(natural, |image| &image.pixels));
        }
        put("samples.csv", table.as_bytes())?;
        dataset::write_samples(&self.path.join("adversarial.npz"), shape, &adversarial)?;
        let verdicts: Vec<(String, Vec<bool>)> = done
            .report
            .scores
            .iter()
            .map(|score| (format!("correct_{}", score.attack.replace(':', "-")), score.correct.clone()))
            .collect();
        dataset::write_verdicts(&self.path.join("samples.npz"), shape, samples, &verdicts)?;
        if done.curve.is_empty() {
            // One of an evaluation before would be taken for this one's; the ledger still has its numbers.
            for name in ["curve.csv", "curve.svg"] {
                let file = self.path.join(name);
                if files::is_file(&file) {
                    files::remove(&file).map_err(|error| failed(&file, &error))?;
                }
            }
        } else {
            let mut table = "epsilon,robust,low,high\n".to_owned();
            for point in &done.curve {
                table += &format!("{},{},{},{}\n", point.epsilon, point.robust, point.interval.0, point.interval.1);
            }
            put("curve.csv", table.as_bytes())?;
            let by = format!("{} samples", samples.len());
            let radii = vec![Radii { by, norm: norm.label().to_owned(), points: done.curve.clone() }];
            let subject = Subject { settings: settings.clone(), radii, ..Subject::default() };
            if let Some(figure) = figures::named("epsilon-curve").and_then(|kind| kind.draw(&[subject], Ink::Paper)) {
                put("curve.svg", figure.drawing.svg().as_bytes())?;
            }
        }
        let mut text = serde_json::to_string_pretty(line).unwrap_or_default();
        text.push('\n');
        put("evaluation.json", text.as_bytes())
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Request(format!("{}: {error}", path.display()))
}
