//! `gairat record`: the run that the page shows while it loads, the one that it then begins with, at a few of its epochs; small enough to be
//! part of the page.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, Command as Definition, value_parser};

use gairat::{
    checkpoint::RunFolder,
    dataset,
    device::Chosen,
    region_map::{Grid, Quantity},
    session::{self, Command, Door, Event, Look, Place, Region, View},
};
use serde_json::{Value, json};

use crate::{failure::Failure, first};

/// Cells of a map along a side.
const CELLS: usize = 40;
/// Points that are shown.
const POINTS: usize = 220;
/// Epochs that are shown.
const EPOCHS: [u32; 9] = [1, 3, 6, 10, 12, 16, 22, 35, 60];
/// What a cell or a point is written with: 92 signs that need no escaping in JSON.
/// Classes that a map may have, and steps of sureness that a sign of it tells.
const CLASSES: usize = 3;
const SURE: usize = 30;
const SIGNS: &[u8] = b"!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// The arguments. Only the build of the page uses this command, so it is hidden.
pub(super) fn definition() -> Definition {
    Definition::new("record")
        .about("Train the run that the page shows while it loads, and write it to FILE")
        .hide(true)
        .arg(Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf)))
}

/// Trains, and writes what the page shows.
pub(super) fn run(file: &Path) -> Result<ExitCode, Failure> {
    let settings = first::settings();
    let plan = settings.checked()?;
    let dataset = dataset::load(&plan.request)?;
    let runs = std::env::temp_dir().join(format!("gairat-record-{}", std::process::id()));
    let folder = RunFolder::create(&runs, &settings)?;
    let mut camera = Camera {
        frames: Vec::new(),
        kappa: vec![0; dataset.train.len()],
        omega: vec![1.0; dataset.train.len()],
        looked: 0,
        rows: dataset.train.rows.clone(),
    };
    let chosen = Chosen::cpu("recorded");
    let outcome = pollster::block_on(session::run_with(&plan, &dataset, &chosen, &folder, &mut camera));
    // The folder is of no use once its run is told.
    let _ = std::fs::remove_dir_all(&runs);
    outcome?;
    let shown = POINTS.min(dataset.train.len());
    let points: String = dataset.train.pixels[..2 * shown].iter().flat_map(|&x| fine(x)).collect();
    let classes: String = dataset.train.labels[..shown].iter().map(ToString::to_string).collect();
    let recorded = json!({
        "about": "GAIRAT on three classes that overlap, recorded by `gairat record web/first.json`",
        "cells": CELLS,
        "steps": settings.steps,
        "points": points,
        "classes": classes,
        "frames": camera.frames,
    });
    if dataset.classes > CLASSES {
        return Err(Failure::Work(format!("record: {} classes; a recording has at most {CLASSES}", dataset.classes)));
    }
    let text = format!("{recorded}\n");
    gairat::checkpoint::write_whole(file, text.as_bytes())?;
    crate::terminal::say!("written   {} ({} bytes)", file.display(), text.len());
    Ok(ExitCode::SUCCESS)
}

/// Two signs for a number from 0 to 1: 1 part in 8,463.
fn fine(x: f32) -> [char; 2] {
    let whole = (x.clamp(0.0, 1.0) * (SIGNS.len() * SIGNS.len() - 1) as f32).round() as usize;
    [char::from(SIGNS[whole / SIGNS.len()]), char::from(SIGNS[whole % SIGNS.len()])]
}

/// One sign for a number from 0 to 1.
fn coarse(x: f32) -> char {
    char::from(SIGNS[(x.clamp(0.0, 1.0) * (SIGNS.len() - 1) as f32).round() as usize])
}

/// One sign for the class of a cell and the probability of it.
fn region(cell: &[f32]) -> char {
    let class = (cell[0] as usize).min(CLASSES - 1);
    let sure = (cell[1].clamp(0.0, 1.0) * (SURE - 1) as f32).round() as usize;
    char::from(SIGNS[SURE * class + sure])
}

/// Looks at the run at the ends of some epochs.
struct Camera {
    frames: Vec<Value>,
    kappa: Vec<u32>,
    omega: Vec<f32>,
    rows: Vec<u32>,
    looked: u32,
}

impl Door for Camera {
    async fn next(&mut self, place: Place) -> Command {
        let due = place.step == 0 && EPOCHS.contains(&place.epoch) && self.looked != place.epoch;
        if due {
            self.looked = place.epoch;
            Command::Look
        } else {
            Command::Go
        }
    }

    fn stopping(&mut self) -> bool {
        false
    }

    fn emit(&mut self, _event: Event) {}

    // The last epoch is looked at as well, from its end.
    fn looks(&mut self) -> bool {
        true
    }

    fn look(&mut self) -> Look {
        Look { map: Some((Grid::unit(CELLS, CELLS), Quantity::Probability)), ..Look::default() }
    }

    fn show(&mut self, view: View) {
        for seen in &view.seen {
            if let Ok(place) = self.rows.binary_search(&seen.record.row) {
                self.kappa[place] = seen.record.measured.kappa;
                self.omega[place] = seen.record.omega;
            }
        }
        let epoch = view.place.epoch;
        let known = self.frames.iter().any(|frame| frame["epoch"] == epoch);
        let Some(Region::OnHost(_, map)) = view.region.filter(|_| EPOCHS.contains(&epoch) && !known && view.place.step == 0)
        else {
            return;
        };
        let cells: String = map.chunks_exact(2).map(region).collect();
        let kappa: String =
            self.kappa.iter().take(POINTS).map(|&kappa| char::from(SIGNS[(kappa as usize).min(SIGNS.len() - 1)])).collect();
        let omega: String = self.omega.iter().take(POINTS).map(|&omega| coarse(omega / 4.0)).collect();
        self.frames.push(json!({ "epoch": epoch, "map": cells, "kappa": kappa, "omega": omega }));
    }
}
