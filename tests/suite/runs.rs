//! Runs from settings to files, for the other claims.

use std::{collections::BTreeMap, fs, path::Path};

use gairat::{
    checkpoint::RunFolder,
    dataset,
    device::Chosen,
    session::{self, Command, Door, Ending, Event, Place, SessionError},
    settings::Settings,
};

/// Settings from pairs of names and values, over the recipe of their `data`.
pub(crate) fn settings(pairs: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::default();
    for (name, value) in pairs {
        settings.set(name, value).unwrap();
        if *name == "data" {
            settings = Settings::recipe(settings.data);
        }
    }
    settings
}

/// Runs `settings` in `folder` (made if it is not there), stopping after `steps` steps if asked.
pub(crate) fn run_in(
    folder: &Path,
    settings: &Settings,
    chosen: &Chosen,
    steps: Option<usize>,
) -> (Result<Ending, SessionError>, Vec<Event>) {
    let plan = settings.checked().unwrap();
    let data = dataset::load(&plan.request).unwrap();
    let folder = match RunFolder::open(folder) {
        Ok((folder, _)) => folder,
        Err(_) => RunFolder::create(folder, settings).unwrap(),
    };
    let mut door = Counting { left: steps, events: Vec::new() };
    let ending = pollster::block_on(session::run_with(&plan, &data, chosen, &folder, &mut door));
    (ending, door.events)
}

/// Stops a run after so many steps.
struct Counting {
    left: Option<usize>,
    events: Vec<Event>,
}

impl Door for Counting {
    async fn next(&mut self, _place: Place) -> Command {
        match &mut self.left {
            Some(0) => Command::Stop,
            Some(left) => {
                *left -= 1;
                Command::Go
            }
            None => Command::Go,
        }
    }

    fn stopping(&mut self) -> bool {
        false
    }

    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// Runs `settings` to their end in a folder of its own and gives all files back.
pub(crate) fn run(settings: &Settings, chosen: &Chosen) -> BTreeMap<String, Vec<u8>> {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let (ending, _) = run_in(&folder, settings, chosen, None);
    assert!(matches!(ending.unwrap(), Ending::Finished { .. }));
    files(&folder)
}

/// The files of a run folder, and of the folders in it, by name.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inside, bytes)| (format!("{name}/{inside}"), bytes)));
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

/// Fails with the names of the files that differ.
pub(crate) fn assert_same_files(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>, except: &[&str]) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(a), names(b));
    let differing: Vec<&String> = a.keys().filter(|name| !except.contains(&name.as_str()) && a[*name] != b[*name]).collect();
    assert!(differing.is_empty(), "{differing:?} differ");
}

/// The real digits, enlarged to 28 x 28, as a pair of IDX files; returns the value of `--data`.
pub(crate) fn enlarged_digits(folder: &Path, count: usize) -> String {
    let plan = settings(&[("data", "digits"), ("validation", "0")]).checked().unwrap();
    let digits = dataset::load(&plan.request).unwrap().all();
    let mut images = [0_u32, count as u32, 28, 28].map(u32::to_be_bytes).concat();
    images[..4].copy_from_slice(&[0, 0, 8, 3]);
    let mut labels = [vec![0, 0, 8, 1], (count as u32).to_be_bytes().to_vec()].concat();
    for sample in 0..count {
        for pixel in 0..28 * 28 {
            // Every pixel of 8 x 8 becomes 3 x 3, with a frame of 2.
            let (row, column) = (pixel / 28 - 2, pixel % 28 - 2);
            let inside = (0..24).contains(&row) && (0..24).contains(&column);
            let value = if inside { digits.pixels[sample * 64 + (row / 3 * 8 + column / 3) as usize] } else { 0.0 };
            images.push((255.0 * value).round() as u8);
        }
        labels.push(digits.labels[sample] as u8);
    }
    let (image_file, label_file) = (folder.join("images"), folder.join("labels"));
    fs::write(&image_file, images).unwrap();
    fs::write(&label_file, labels).unwrap();
    format!("idx:{},{}", image_file.display(), label_file.display())
}

#[test]
fn a_run_leaves_the_files_that_its_folder_promises() {
    let settings = settings(&[
        ("data", "moons"),
        ("points", "200"),
        ("test", "50"),
        ("epochs", "3"),
        ("burn_in", "1"),
        ("batch", "9"),
        ("epsilon", "0.02"),
    ]);
    let files = run(&settings, &Chosen::cpu("tested"));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "best.safetensors",
            "last.safetensors",
            "metrics.csv",
            "metrics.jsonl",
            "resume.safetensors",
            "samples.csv",
            "settings.json",
            "summary.json",
            "tensorboard/events.out.tfevents.0.gairat"
        ]
    );
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert_eq!(text("metrics.csv").lines().count(), 4);
    assert_eq!(text("metrics.jsonl").lines().count(), 3);
    let samples = text("samples.csv");
    let weights: Vec<f64> = samples.lines().skip(1).map(|line| line.split(',').nth(4).unwrap().parse().unwrap()).collect();
    assert_eq!(weights.len(), 180, "train without the validation part");
    // 20 steps of 9 samples: the mean weight of each is 1.
    assert!((weights.iter().sum::<f64>() / 180.0 - 1.0).abs() < 1e-4);
    assert!(samples.lines().skip(1).all(|line| line.ends_with(",3")), "every sample was seen in the last epoch");
    assert!(weights.iter().any(|&w| w > 1.5), "weights set in after burn-in");
}

#[test]
fn an_existing_folder_is_never_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine.txt"), "precious").unwrap();
    let error = RunFolder::create(&folder, &Settings::default()).unwrap_err();
    assert!(error.to_string().contains("exists already"), "{error}");
    assert_eq!(files(&folder).len(), 1);
}
