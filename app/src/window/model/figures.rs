//! The runs of the window as what figures for a paper are drawn of.

use gairat::{
    dataset::Dataset,
    model::Network,
    region_map::{Grid, Quantity, map_of},
    session::Region,
};

use super::{Phase, Run};
use crate::figure::{Measured, Radii, Scene, Shown, Subject, name_apart};

/// Cells of regions along a side, where those that are seen are of another part of the plane or stay on the GPU.
const CELLS: usize = 120;

/// All runs; of images the samples of these rows, as far as they were attacked.
pub(crate) fn subjects(runs: &[Run], visible: &[u32]) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = runs.iter().map(|run| subject(run, visible)).collect();
    if subjects.len() > 1 {
        name_apart(&mut subjects);
    }
    subjects
}

fn subject(run: &Run, visible: &[u32]) -> Subject {
    let judged = run.judgements.last().filter(|(_, verdict)| !verdict.curve.is_empty());
    let radii = judged.map(|(judged, verdict)| Radii {
        by: format!("{}, epoch {}", judged.attacks, judged.epoch),
        norm: "L∞".to_owned(),
        points: verdict.curve.clone(),
    });
    Subject {
        label: run.settings.method.title(),
        settings: run.settings.clone(),
        epochs: run.metrics.clone(),
        summary: if let Phase::Finished(summary) = &run.phase { Some(summary.clone()) } else { None },
        samples: measured(run),
        radii: radii.into_iter().collect(),
        scene: run.dataset.as_deref().map(|dataset| scene(run, dataset, visible)),
    }
}

/// What was last seen of the training samples.
fn measured(run: &Run) -> Measured {
    let mut measured = Measured::default();
    for (place, seen) in run.samples.iter().enumerate() {
        let Some(seen) = seen else { continue };
        let of = &seen.record.measured;
        measured.row.push(seen.record.row);
        measured.kappa.push(f64::from(of.kappa));
        measured.weight.push(f64::from(seen.record.omega));
        measured.margin_start.push(f64::from(of.margin_start));
        measured.margin_adversarial.push(f64::from(of.margin_adversarial));
        measured.depends_on.push(run.on_axis(place).map_or(f64::NAN, f64::from));
    }
    measured
}

fn scene(run: &Run, dataset: &Dataset, visible: &[u32]) -> Scene {
    let plane = dataset.shape.len() == 2;
    let numbers = dataset.shape.len();
    let natural = |place: usize| dataset.train.pixels[place * numbers..(place + 1) * numbers].to_vec();
    let about = |place: usize| {
        let seen = run.samples.get(place).and_then(Option::as_ref);
        Shown {
            row: dataset.train.rows[place],
            label: dataset.train.labels[place],
            natural: natural(place),
            broken: seen.is_some_and(|seen| seen.record.measured.broken),
            kappa: seen.map(|seen| seen.record.measured.kappa),
            weight: seen.map_or(1.0, |seen| run.relative(seen.record.omega)),
            ..Shown::default()
        }
    };
    let samples = if plane {
        let moved = |place: usize| Some(run.samples.get(place)?.as_ref()?.adversarial?.to_vec());
        (0..dataset.train.len()).filter_map(|place| Some(Shown { adversarial: moved(place)?, ..about(place) })).collect()
    } else {
        let answered = |row: &u32| {
            let (place, looked) = run.place_of(*row).zip(run.looked.get(row))?;
            Some(Shown {
                adversarial: looked.adversarial.clone(),
                broken: looked.adversarial_class != dataset.train.labels[place],
                before: Some((looked.natural_class, looked.confidences[0])),
                after: Some((looked.adversarial_class, looked.confidences[1])),
                ..about(place)
            })
        };
        visible.iter().filter_map(answered).collect()
    };
    let shape = if plane { (1, 1, 2) } else { dataset.shape.picture() };
    let regions = if plane { regions(run, dataset) } else { None };
    Scene { classes: dataset.classes, shape, regions: regions.unwrap_or_default(), samples }
}

/// The regions that are seen, where they are those of the whole square; else those of the last state that was kept.
fn regions(run: &Run, dataset: &Dataset) -> Option<(usize, usize, Vec<f32>)> {
    if let Some((Region::OnHost(grid, map), _)) = &run.region
        && *grid == Grid::unit(grid.columns, grid.rows)
        && map.chunks_exact(2).all(|cell| (0.0..=1.0).contains(&cell[1]))
    {
        return Some((grid.columns, grid.rows, map.clone()));
    }
    let state = run.history.last()?;
    let device = gairat::device::Chosen::cpu("a figure is small").device;
    let settings = &run.settings;
    let model = settings.model.resolve(dataset.shape);
    let network = Network::with_weights(&model, dataset.shape, &state.weights, &settings.normalise, &device).ok()?;
    let map = map_of(&network, Grid::unit(CELLS, CELLS), Quantity::Probability, &device)?;
    Some((CELLS, CELLS, map.into_data().try_to_vec().ok()?))
}
