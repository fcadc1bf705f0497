//! `gairat convert` and `gairat export`: weights of anybody's as safetensors in our names, and networks as ONNX.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgGroup, ArgMatches, Command, value_parser};
use gairat::{
    checkpoint::{ONNX_OPSET, RunFolder, Weights, open_weights, write_onnx, write_weights},
    dataset::SampleShape,
    model::{Classifier as _, ModelSpec, Network, Normalisation},
};

use super::{examples::examples, json_arg, must_be_new_as};
use crate::failure::Failure;

fn file(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help).help_heading("Files")
}

/// What says which network it is, where the file does not.
fn network_args() -> [Arg; 3] {
    let arg = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading("Network")
    };
    [
        arg("model", "MODEL", "The network that the weights are of [default: the one that their names are of]")
            .value_parser(value_parser!(ModelSpec)),
        arg(
            "shape",
            "SHAPE",
            "The shape of a sample, such as 3x32x32 or 2 [default: what the weights were made for, or the usual one]",
        )
        .value_parser(value_parser!(SampleShape)),
        arg("normalise", "MEAN/STD", "The normalisation before the network, where the weights have none inside")
            .value_parser(value_parser!(Normalisation))
            .allow_hyphen_values(true),
    ]
}

pub(super) fn convert_definition() -> Command {
    let place = |name: &'static str, help: &'static str| {
        Arg::new(name).value_name(name.to_uppercase()).required(true).value_parser(value_parser!(PathBuf)).help(help)
    };
    Command::new("convert")
        .about("Write weights of any kind and code as safetensors in the names used here")
        .after_help(examples(&[("A checkpoint of PyTorch", "convert checkpoint.pth weights.safetensors")]))
        .arg(place("in", "Weights as PyTorch (.pth, .pt) or safetensors writes them"))
        .arg(place("out", "The safetensors file to write; it must not exist yet"))
        .args(network_args())
        .arg(json_arg())
}

pub(super) fn export_definition() -> Command {
    Command::new("export")
        .about("Write a network for other programs: ONNX or safetensors")
        .after_help(examples(&[
            ("The best weights of a run, for ONNX Runtime", "export --run runs/NAME --onnx network.onnx"),
            (
                "The last weights, for PyTorch",
                "export --run runs/NAME --weights runs/NAME/last.safetensors --safetensors last.safetensors",
            ),
        ]))
        .arg(file("run", "DIR", "A run's folder: its network with its best weights"))
        .arg(file(
            "weights",
            "FILE",
            "Weights as PyTorch (.pth, .pt) or safetensors writes them; beside --run in place of its best weights",
        ))
        .arg(file("onnx", "FILE", "The ONNX file to write (opset 13): `samples` (pixels in [0, 1], any number) to `logits`"))
        .arg(file("safetensors", "FILE", "The safetensors file to write, in PyTorch's names and layouts"))
        .group(ArgGroup::new("from").args(["run", "weights"]).multiple(true).required(true))
        .group(ArgGroup::new("to").args(["onnx", "safetensors"]).multiple(true).required(true))
        .args(network_args())
        .arg(json_arg())
}

/// A network that weights fit.
struct Fitted {
    weights: Weights,
    model: ModelSpec,
    shape: SampleShape,
    network: Network,
}

impl Fitted {
    /// Reads the weights in `file` into the network that they are of: also the proof that they are whole.
    fn read(file: &Path, matches: &ArgMatches, run: Option<(ModelSpec, Normalisation)>) -> Result<Self, Failure> {
        let weights = open_weights(file)?;
        super::tell_reading(&weights);
        let (model, normalisation) = run.unwrap_or_default();
        let model = matches.get_one::<ModelSpec>("model").cloned().unwrap_or(model);
        let normalisation = matches.get_one::<Normalisation>("normalise").cloned().unwrap_or(normalisation);
        let shape =
            matches.get_one::<SampleShape>("shape").copied().or_else(|| weights.sample_shape(&model)).ok_or_else(|| {
                Failure::Request(format!(
                    "{}: what samples its network takes is not known; give --shape, such as 3x32x32, and --model",
                    file.display()
                ))
            })?;
        let model = weights.network(&model, shape)?;
        let network = weights.build(&model, shape, &normalisation)?;
        Ok(Self { weights, model, shape, network })
    }

    /// Writes them in our names.
    fn write(&self, from: &Path, out: &Path) -> Result<(), Failure> {
        let about = serde_json::json!({
            "model": self.model.to_string(), "shape": self.shape.to_string(), "classes": self.classes(),
            "from": from.file_name().map(|name| name.to_string_lossy().into_owned()),
        });
        Ok(write_weights(out, &self.weights.tensors, &about.to_string())?)
    }

    fn classes(&self) -> usize {
        self.network.program().map_or(0, |program| program.layers.classes())
    }
}

pub(super) fn convert(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned().unwrap_or_default();
    let (from, out) = (path("in"), path("out"));
    must_be_new_as("OUT", &out)?;
    let fitted = Fitted::read(&from, matches, None)?;
    fitted.write(&from, &out)?;
    tell(matches, &fitted, &[("safetensors", &out)]);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn export(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let path = |name: &str| matches.get_one::<PathBuf>(name);
    let (onnx, safetensors) = (path("onnx"), path("safetensors"));
    for (flag, out) in [("--onnx", onnx), ("--safetensors", safetensors)] {
        if let Some(out) = out {
            must_be_new_as(flag, out)?;
        }
    }
    let (from, run) = match path("run") {
        Some(dir) => {
            let (folder, settings) = RunFolder::open(dir)?;
            let file = path("weights").cloned().unwrap_or_else(|| folder.file("best.safetensors"));
            (file, Some((settings.model, settings.normalise)))
        }
        None => (path("weights").cloned().unwrap_or_default(), None),
    };
    let fitted = Fitted::read(&from, matches, run)?;
    let mut written: Vec<(&str, &Path)> = Vec::new();
    if let Some(out) = safetensors {
        fitted.write(&from, out)?;
        written.push(("safetensors", out));
    }
    if let Some(out) = onnx {
        let program = fitted.network.program().ok_or_else(|| Failure::Work("the network is no list of layers".to_owned()))?;
        let parameters: Vec<f32> = program.parameters().into_data().iter::<f32>().collect();
        write_onnx(out, &program.layers, &parameters, fitted.shape)?;
        written.push(("onnx", out));
    }
    tell(matches, &fitted, &written);
    Ok(ExitCode::SUCCESS)
}

fn tell(matches: &ArgMatches, fitted: &Fitted, written: &[(&str, &Path)]) {
    let Fitted { model, shape, .. } = fitted;
    let classes = fitted.classes();
    for (kind, out) in written {
        if matches.get_flag("json") {
            let line = serde_json::json!({ "event": "written", "kind": kind, "file": out, "model": model.to_string(),
                "shape": shape.to_string(), "classes": classes });
            crate::terminal::say!("{line}");
        } else {
            let kind = if *kind == "onnx" { format!("ONNX (opset {ONNX_OPSET})") } else { (*kind).to_owned() };
            crate::terminal::say!("{model} for {shape} and {classes} classes written to {} as {kind}", out.display());
        }
    }
}
