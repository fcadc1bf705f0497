//! A run that nobody computes: its data are real, what was measured of them is made up.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Instant};

use gairat::{
    attack::{Measured, Point},
    dataset,
    method::{Axis, AxisRange, Clock, Method},
    metrics::EpochMetrics,
    region_map::Grid,
    session::{Event, Margins, Place, Region, Seen, Traced, View},
    settings::{MethodChoice, Settings},
    train::SampleRecord,
};

use crate::{
    live::{Message, Ready},
    window::model::{Run, State},
};

/// The row of a sample that is broken at its fourth step.
pub(super) const BROKEN: u32 = 11;

pub(super) fn settings() -> Settings {
    Settings { points: 120, burn_in: 2, epochs: 10, device: "cpu".to_owned(), ..Settings::default() }
}

/// What is measured of the sample of `row`: kappa goes through all its values.
pub(super) fn measured(row: u32) -> Measured {
    let kappa = if row == BROKEN { 4 } else { row % 11 };
    Measured {
        kappa,
        first_hit: kappa,
        margin_start: kappa as f32 * 0.5 - 1.0,
        margin_adversarial: kappa as f32 * 0.5 - 3.0,
        loss: 0.75,
        broken: kappa < 7,
    }
}

fn omega(row: u32) -> f32 {
    0.25 + (10 - measured(row).kappa) as f32 * 0.2
}

/// What an epoch measures besides, under `method`.
fn more(epoch: u32, method: &dyn Method) -> BTreeMap<String, Option<f64>> {
    let validation =
        [("validation_natural", 0.96), ("validation_pgd20", 0.875)].map(|(name, share)| (name.to_owned(), Some(share)));
    let scheduled = method.scheduled(Clock { epoch, epochs: 10, burn_in: 2 });
    let scheduled = scheduled.into_iter().map(|(name, value)| (name.to_owned(), Some(value).filter(|value| value.is_finite())));
    let measured = method.about().measure.map(|measure| (measure.name.to_owned(), Some(1.0 - 0.25 * f64::from(epoch))));
    validation.into_iter().chain(scheduled).chain(measured).collect()
}

/// Lets `run` hear all that a run tells in its first epochs.
pub(super) fn tell(run: &mut Run) {
    let plan = run.settings.checked().unwrap();
    let data = Arc::new(dataset::load(&plan.request).unwrap());
    let run_method = &*plan.method;
    let metrics = |epoch: u32| EpochMetrics {
        epoch,
        lr: 0.1,
        loss: 0.6 / f64::from(epoch),
        train_robust: 0.5 + 0.1 * f64::from(epoch),
        mean_kappa: 4.0 + f64::from(epoch),
        effective: run_method.about().omega_is_share.then_some(0.5),
        more: more(epoch, run_method),
    };
    run.hear(Message::Ready(Ready {
        dataset: Arc::clone(&data),
        device: "CPU".to_owned(),
        software: false,
        shared: false,
        why: "canned".to_owned(),
        folder: PathBuf::from("/nowhere/run"),
        metrics: Vec::new(),
    }));
    run.hear(Message::Event(Event::Started {
        model: "mlp:64,64".to_owned(),
        parameters: 4482,
        device: "CPU".to_owned(),
        api: "flex".to_owned(),
        path: "fused".to_owned(),
        train: data.train.len(),
        validation: 12,
        test: 24,
        epochs: 10,
        steps: 1,
        resumed_epoch: 0,
    }));
    for epoch in 1..=3 {
        run.hear(Message::Event(Event::Epoch(metrics(epoch))));
    }
    run.hear(Message::Event(Event::Best { epoch: 3, robust: 0.875 }));
    // What is in the first view of a run was measured before.
    run.see(view(&data, &run.settings.clone()), Instant::now());
}

/// A number for a sample on the axis of a method, and for some none.
fn on_axis(axis: Axis, row: u32) -> f32 {
    let part = (row % 12) as f32 / 11.0;
    match axis.range {
        AxisRange::Steps => measured(row).kappa as f32,
        AxisRange::Between(low, high) => low as f32 + part * (high - low) as f32,
        AxisRange::FromZero => 3.0 * part,
        AxisRange::Open => 6.0 * part - 3.0,
    }
}

/// What is seen of it after three epochs of ten.
pub(super) fn view(data: &dataset::Dataset, settings: &Settings) -> View {
    let axis = settings.method.about().axis;
    let seen = |place: usize| {
        let row = data.train.rows[place];
        let at = &data.train.pixels[2 * place..2 * place + 2];
        Seen {
            record: SampleRecord {
                row,
                measured: measured(row),
                omega: omega(row),
                axis: Some(on_axis(axis, row)),
                objective: None,
                extra: 0.0,
            },
            adversarial: Some([at[0] + 0.03, at[1] - 0.02]),
        }
    };
    let grid = Grid::unit(16, 16);
    let map = (0..grid.cells()).flat_map(|cell| {
        let [x, y] = grid.middle(cell);
        [f32::from(u8::from(x + 0.3 * y > 0.6)), 0.5 + 0.5 * (x + 0.3 * y - 0.6).abs()]
    });
    View {
        place: Place { epoch: 3, step: 0, steps: 1, epochs: 10 },
        weighs: true,
        seen: (0..data.train.len()).map(seen).collect(),
        region: Some(Region::OnHost(grid, map.collect())),
        traced: None,
        looked: Vec::new(),
        next_batch: None,
        effective: settings.method.about().omega_is_share.then_some(0.5),
        took: std::time::Duration::ZERO,
        margins: Some(Margins { natural: (0..96).map(|sample| sample as f32 / 24.0 - 0.5).collect() }),
    }
}

/// The attack on the sample of `row`: it breaks at step 4 of 10.
pub(super) fn traced(row: u32) -> Traced {
    let points = (0..=10).map(|t| Point {
        margin: 1.8 - 0.5 * t as f32,
        loss: 0.1 + 0.2 * t as f32,
        position: vec![0.5 + 0.004 * t as f32, 0.5],
    });
    let answer = |t: usize| if t < 4 { vec![0.8 - 0.05 * t as f32, 0.2 + 0.05 * t as f32] } else { vec![0.3, 0.7] };
    Traced {
        row,
        label: 0,
        natural: vec![0.5, 0.5],
        points: points.collect(),
        probabilities: std::iter::once(vec![0.9, 0.1]).chain((0..=10).map(answer)).collect(),
        margin: 2.2,
        kappa: 4,
        first_hit: 4,
        broken: true,
    }
}

/// A window with such a run, paused.
pub(super) fn state() -> State {
    with(settings(), None)
}

/// A window with a run of these settings, and with a twin.
pub(super) fn with(settings: Settings, twin: Option<MethodChoice>) -> State {
    let mut state = State::new(settings, None, None, twin);
    state.gate.play(false);
    state.runs.iter_mut().for_each(tell);
    state
}
