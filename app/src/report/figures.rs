//! A run's folder as what figures are drawn of, and figures as files.

use std::path::Path;

use gairat::{
    checkpoint::{RunFolder, read_weights},
    dataset,
    evaluate::{CurvePoint, Norm},
    files,
    metrics::EpochMetrics,
    model::Network,
    region_map::{Grid, Quantity, map_of},
    session::{Looked, judgements},
};

use super::raster;
use crate::{
    driver,
    failure::Failure,
    figure::{FIGURES, Figure, Kind, Measured, Radii, Scene, Shown, Subject},
};

/// Cells of the regions along a side.
const CELLS: usize = 240;
/// Images whose rows are not said.
const IMAGES: usize = 12;

/// What a run's files say, without the network.
///
/// # Errors
/// A folder without a run, or with files that cannot be read.
pub(crate) fn subject(path: &Path) -> Result<Subject, Failure> {
    let (folder, settings) = RunFolder::open(path)?;
    let epochs = files::read_text(&folder.file("metrics.jsonl")).unwrap_or_default();
    Ok(Subject {
        label: settings.method.title(),
        epochs: epochs.lines().map_while(|line| serde_json::from_str::<EpochMetrics>(line).ok()).collect(),
        summary: folder.summary()?,
        samples: Measured::read(&files::read_text(&folder.file("samples.csv")).unwrap_or_default()),
        radii: radii(&folder),
        settings,
        scene: None,
    })
}

/// The reports of `gairat eval` that lie in the run's folder, by the name of their own.
pub(crate) fn evaluations(folder: &RunFolder) -> Vec<(String, serde_json::Value)> {
    let mut found: Vec<(String, serde_json::Value)> = files::list(folder.path())
        .unwrap_or_default()
        .iter()
        .filter_map(|path| {
            let text = files::read_text(&path.join("evaluation.json")).ok()?;
            Some((path.file_name()?.to_string_lossy().into_owned(), serde_json::from_str(&text).ok()?))
        })
        .collect();
    // The order of a folder's files is anybody's.
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Curves over the radius: those of `gairat eval`, and the last of the window.
fn radii(folder: &RunFolder) -> Vec<Radii> {
    let mut found: Vec<Radii> = evaluations(folder)
        .into_iter()
        .filter_map(|(name, report)| {
            let points: Vec<CurvePoint> = serde_json::from_value(report["curve"].clone()).ok()?;
            let norm = report["norm"].as_str().map_or_else(|| "L∞".to_owned(), |norm| norm_label(norm).to_owned());
            Some(Radii { by: name, norm, points })
        })
        .filter(|radii| !radii.points.is_empty())
        .collect();
    let judged = judgements(folder).unwrap_or_default().into_iter().rev();
    let last = judged
        .filter_map(|judged| Some((judged.attacks, judged.epoch, judged.verdict?.curve)))
        .find(|(.., curve)| !curve.is_empty());
    found.extend(last.map(|(attacks, epoch, points)| Radii {
        by: format!("{attacks}, epoch {epoch}"),
        norm: "L∞".to_owned(),
        points,
    }));
    found
}

fn norm_label(norm: &str) -> &str {
    norm.parse::<Norm>().map_or(norm, |norm| norm.label())
}

/// Has the network of a run answer: the best weights, or the last where there are no best. `rows` are those of the images; without any, the
/// heaviest samples.
///
/// # Errors
/// Data or weights that cannot be read, or do not fit each other.
pub(crate) fn look(path: &Path, subject: &mut Subject, rows: &[u32]) -> Result<(), Failure> {
    let (folder, settings) = RunFolder::open(path)?;
    let plan = settings.checked()?;
    let dataset = dataset::load(&plan.request)?;
    let weights =
        ["best.safetensors", "last.safetensors"].map(|name| folder.file(name)).into_iter().find(|file| files::is_file(file));
    let Some(weights) = weights else { return Ok(()) };
    let parameters = read_weights(&weights)?;
    let model = settings.model.resolve(dataset.shape);
    let device = gairat::device::Chosen::cpu("figures need no GPU").device;
    let plane = dataset.shape.len() == 2;
    let epoch = subject.summary.as_ref().map_or(subject.epochs.len() as u32, |summary| summary.epoch).max(1);
    let rows: Vec<u32> = match (plane, rows) {
        (true, _) => dataset.train.rows.clone(),
        (false, []) => heaviest(&subject.samples, &dataset.train.rows),
        (false, rows) => {
            if let Some(row) = rows.iter().find(|row| dataset.train.rows.binary_search(row).is_err()) {
                return Err(Failure::Request(format!("--rows {row}: it is not in the training part of {}", settings.data)));
            }
            rows.to_vec()
        }
    };
    let threads = driver::threads_for(settings.threads, &model, 0);
    let (looked, map) = driver::on_pool(threads, || -> Result<_, Failure> {
        let network = Network::with_weights(&model, dataset.shape, &parameters, &settings.normalise, &device)?;
        let mut looked = Vec::new();
        for rows in rows.chunks(settings.batch.max(1)) {
            looked.extend(pollster::block_on(Looked::at(&network, &dataset, (&plan, epoch), rows, &device))?);
        }
        let map = plane.then(|| map_of(&network, Grid::unit(CELLS, CELLS), Quantity::Probability, &device)).flatten();
        let map = map.map(|map| pollster::block_on(gairat::device::read(map))).transpose()?;
        Ok((looked, map.unwrap_or_default()))
    })??;
    let mean = subject.samples.weight.iter().sum::<f64>() / subject.samples.weight.len().max(1) as f64;
    let mean = if mean.is_finite() && mean > 0.0 { mean } else { 1.0 };
    let numbers = dataset.shape.len();
    let shown = looked.into_iter().filter_map(|looked| {
        let place = dataset.train.rows.binary_search(&looked.row).ok()?;
        let measured = subject.samples.row.binary_search(&looked.row).ok();
        Some(Shown {
            row: looked.row,
            label: dataset.train.labels[place],
            natural: dataset.train.pixels[place * numbers..(place + 1) * numbers].to_vec(),
            adversarial: looked.adversarial,
            broken: looked.adversarial_class != dataset.train.labels[place],
            before: Some((looked.natural_class, looked.confidences[0])),
            after: Some((looked.adversarial_class, looked.confidences[1])),
            kappa: measured.map(|place| subject.samples.kappa[place] as u32),
            weight: measured.map_or(1.0, |place| (subject.samples.weight[place] / mean) as f32),
        })
    });
    let samples = shown.collect();
    let shape = if plane { (1, 1, 2) } else { dataset.shape.picture() };
    let regions = if map.is_empty() { (0, 0, map) } else { (CELLS, CELLS, map) };
    subject.scene = Some(Scene { classes: dataset.classes, shape, regions, samples });
    Ok(())
}

/// The rows of the samples that weigh most, the heaviest first; the first ones where all weigh the same.
fn heaviest(samples: &Measured, all: &[u32]) -> Vec<u32> {
    let mut places: Vec<usize> =
        (0..samples.weight.len()).filter(|place| all.binary_search(&samples.row[*place]).is_ok()).collect();
    places.sort_by(|a, b| samples.weight[*b].total_cmp(&samples.weight[*a]));
    let rows: Vec<u32> = places.into_iter().take(IMAGES).map(|place| samples.row[place]).collect();
    if rows.is_empty() { all.iter().copied().take(IMAGES).collect() } else { rows }
}

/// The sort of figure that has this name.
pub(crate) fn named(name: &str) -> Option<&'static Kind> {
    FIGURES.into_iter().find(|kind| kind.name == name)
}

/// All files of a figure: name and bytes.
///
/// # Errors
/// What is wrong with the drawing.
pub(crate) fn files_of(figure: &Figure) -> Result<Vec<(String, Vec<u8>)>, String> {
    let png = raster::png(&figure.drawing)?;
    Ok(figure.texts().into_iter().chain([(format!("{}.png", figure.name), png)]).collect())
}

/// Writes the files of figures into `folder`, which is made where it is not there; gives what was written.
///
/// # Errors
/// A drawing that cannot be made, or a file that cannot be written.
pub(crate) fn write(folder: &Path, figures: &[Figure]) -> Result<Vec<std::path::PathBuf>, Failure> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| Failure::Work(format!("{}: {error}", path.display()));
    files::create_dir_all(folder).map_err(|error| {
        Failure::Work(format!("{}: the folder cannot be made ({error}); choose another one", folder.display()))
    })?;
    let mut written = Vec::new();
    for figure in figures {
        for (name, bytes) in files_of(figure).map_err(|error| failed(folder, &error))? {
            let path = folder.join(name);
            files::write(&path, &bytes).map_err(|error| failed(&path, &error))?;
            written.push(path);
        }
    }
    Ok(written)
}
