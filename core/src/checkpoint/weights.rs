//! Reads weights of any known origin, and writes our own.

use std::{fmt, path::Path};

use burn::tensor::Device;

use super::{
    CheckpointError,
    formats::{self, Unreadable, to_bytes},
    layouts, write_whole,
};
use crate::{
    dataset::SampleShape,
    files,
    model::{LoadError, ModelSpec, Network, Normalisation, Parameters},
};

/// Weights under the names of this library.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The tensors. `normalise.mean` and `normalise.std` hold a normalisation inside the network.
    pub tensors: Parameters,
    /// The networks that fit: one, two if names and shapes do not distinguish them, or none.
    pub networks: Vec<ModelSpec>,
    /// The sample shape that the file states, if any.
    pub shape: Option<SampleShape>,
    /// How the file was interpreted.
    pub reading: Reading,
}

impl Weights {
    /// The network to build for samples of `shape`: `asked`, or the network of the weights if `asked` is [`ModelSpec::Auto`].
    ///
    /// # Errors
    /// [`LoadError::Ambiguous`] if `asked` is [`ModelSpec::Auto`] and several networks fit.
    pub fn network(&self, asked: &ModelSpec, shape: SampleShape) -> Result<ModelSpec, LoadError> {
        match (asked, self.networks.as_slice()) {
            (ModelSpec::Auto, [only]) => Ok(only.clone()),
            (ModelSpec::Auto, [_, _, ..]) => Err(LoadError::Ambiguous { networks: self.networks.clone() }),
            _ => Ok(asked.resolve(shape)),
        }
    }

    /// The sample shape that the file states, else the usual one of `asked` or of the network of the weights: square images whose size fits the
    /// linear layers, 32 x 32 if any size fits, rows for perceptrons.
    pub fn sample_shape(&self, asked: &ModelSpec) -> Option<SampleShape> {
        let network = if *asked == ModelSpec::Auto { self.networks.first()? } else { asked };
        self.shape.or_else(|| network.usual_shape(&self.tensors))
    }

    /// Builds the network of `model` with these weights, for samples of `shape`, on the CPU and frozen.
    ///
    /// # Errors
    /// [`LoadError`] if the weights belong to another network or to samples of another shape.
    pub fn build(&self, model: &ModelSpec, shape: SampleShape, normalisation: &Normalisation) -> Result<Network, LoadError> {
        Network::with_weights(model, shape, &self.tensors, normalisation, &Device::flex())
    }

    /// The normalisation inside the network, if any, else `asked`.
    ///
    /// # Errors
    /// [`LoadError::Normalisation`] if the two differ.
    pub fn normalisation(&self, asked: &Normalisation) -> Result<Normalisation, LoadError> {
        Normalisation::inside(&self.tensors, asked)
    }
}

/// How a file was interpreted, as a one-line sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether this program wrote the file.
    pub ours: bool,
    text: String,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Writes weights; `torch.nn.Module.load_state_dict(safetensors.torch.load_file(path))` reads them.
///
/// # Errors
/// [`CheckpointError`] with the path; an older file stays unchanged.
pub fn write_weights(path: &Path, tensors: &Parameters, about: &str) -> Result<(), CheckpointError> {
    write_whole(path, &to_bytes(path, tensors, about)?)
}

/// The tensors of [`open_weights`] alone.
///
/// # Errors
/// [`CheckpointError`] names the file, what was found and what was expected.
pub fn read_weights(path: &Path) -> Result<Parameters, CheckpointError> {
    Ok(open_weights(path)?.tensors)
}

/// Reads weights that this program, `torch.save` or `safetensors` wrote, under any naming scheme of the field's codes. It never executes code
/// in the file.
///
/// # Errors
/// [`CheckpointError`] names the file, what was found and what was expected.
pub fn open_weights(path: &Path) -> Result<Weights, CheckpointError> {
    let bytes = files::read(path).map_err(|error| CheckpointError::io(path, &error))?;
    weights_in(path, &bytes)
}

/// As [`open_weights`], from bytes; `path` is the file's name for errors.
///
/// # Errors
/// [`CheckpointError`] names the file, what was found and what was expected.
pub fn weights_in(path: &Path, bytes: &[u8]) -> Result<Weights, CheckpointError> {
    let malformed = |Unreadable { found, expected }| CheckpointError::Malformed { path: path.to_owned(), found, expected };
    let (format, container) = formats::read(bytes).map_err(malformed)?;
    let mut found = layouts::named(&container).map_err(malformed)?;
    let ours = container.about.is_some();
    let about: Option<serde_json::Value> = container.about.as_ref().and_then(|about| serde_json::from_str(about).ok());
    // What this program wrote says which network it is.
    let written = about.as_ref().and_then(|about| about.get("model")?.as_str()?.parse::<ModelSpec>().ok());
    if let Some(written) = written {
        found.networks = vec![written];
    }
    let shape = about.as_ref().and_then(|about| about.get("shape")?.as_str()?.parse::<SampleShape>().ok());
    let mut said = vec![format.title.to_owned(), format!("{} tensors", container.tensors.len())];
    if let Some(place) = &container.found_under {
        said.push(format!("weights under `{place}`"));
    }
    if !container.beside.is_empty() {
        said.push(format!("those under {} not read", quoted(&container.beside)));
    }
    if !container.converted.is_empty() {
        said.push(format!("{} as float32", container.converted.join(" and ")));
    }
    said.push(match found.title {
        Some(title) => format!("names of {title}"),
        None => "names of no network that is known here".to_owned(),
    });
    if !found.prefixes.is_empty() {
        let what = if found.prefixes.len() == 1 { "prefix" } else { "prefixes" };
        said.push(format!("{what} {} taken off", quoted(&found.prefixes)));
    }
    if found.copies > 0 {
        said.push(format!("{} copies of them under `attacker` left out", found.copies));
    }
    for (part, count) in &found.unused {
        said.push(format!("{count} tensors of `{part}`, which the network never uses, left out"));
    }
    match &found.normalisation {
        Some(Normalisation::MeanStd { mean, std }) => {
            // A number that every channel shares is said once.
            let shown = Normalisation::MeanStd { mean: shared(mean), std: shared(std) };
            said.push(format!("normalisation {shown} found inside the network"));
        }
        _ if found.prefixes.iter().any(|prefix| prefix == "1.") => said.push(
            "what stands before the network has no numbers in the file: if it normalises, the normalisation is to be given"
                .to_owned(),
        ),
        _ => {}
    }
    let text = format!("read {}: {}", path.display(), said.join(", "));
    Ok(Weights { tensors: found.tensors, networks: found.networks, shape, reading: Reading { ours, text } })
}

fn shared(numbers: &[f32]) -> Vec<f32> {
    match numbers {
        [first, rest @ ..] if rest.iter().all(|number| number == first) => vec![*first],
        _ => numbers.to_vec(),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
