//! Weights: other people's in, ours out.

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

/// Weights in the names that they have here.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The tensors; a normalisation inside the network is `normalise.mean` and `normalise.std`.
    pub tensors: Parameters,
    /// The networks that they may be of: one, two where names and shapes do not tell them apart, or none that is known.
    pub networks: Vec<ModelSpec>,
    /// The shape of the samples that they were made for, where the file says it.
    pub shape: Option<SampleShape>,
    /// How they were read.
    pub reading: Reading,
}

impl Weights {
    /// The network to build for samples of `shape` where `asked` was asked for: where that is [`ModelSpec::Auto`], the one that the weights
    /// are of.
    ///
    /// # Errors
    /// [`LoadError::Ambiguous`] where names and shapes are those of several networks and none was asked for.
    pub fn network(&self, asked: &ModelSpec, shape: SampleShape) -> Result<ModelSpec, LoadError> {
        match (asked, self.networks.as_slice()) {
            (ModelSpec::Auto, [only]) => Ok(only.clone()),
            (ModelSpec::Auto, [_, _, ..]) => Err(LoadError::Ambiguous { networks: self.networks.clone() }),
            _ => Ok(asked.resolve(shape)),
        }
    }

    /// The shape of the samples that the network takes, as the file says or, where it does not, the usual one of `asked` or of the network
    /// that the weights are of: square images as large as its linear layers fit, 32 x 32 where any size fits, rows for perceptrons.
    pub fn sample_shape(&self, asked: &ModelSpec) -> Option<SampleShape> {
        let network = if *asked == ModelSpec::Auto { self.networks.first()? } else { asked };
        self.shape.or_else(|| network.usual_shape(&self.tensors))
    }

    /// The network of `model` with these weights, for samples of `shape`, on the CPU and frozen.
    ///
    /// # Errors
    /// [`LoadError`] when the weights are of another network or do not take such samples.
    pub fn build(&self, model: &ModelSpec, shape: SampleShape, normalisation: &Normalisation) -> Result<Network, LoadError> {
        Network::with_weights(model, shape, &self.tensors, normalisation, &Device::flex())
    }

    /// The normalisation of the network where `asked` was asked for: the one inside it, if there is one.
    ///
    /// # Errors
    /// [`LoadError::Normalisation`] where the two differ.
    pub fn normalisation(&self, asked: &Normalisation) -> Result<Normalisation, LoadError> {
        Normalisation::inside(&self.tensors, asked)
    }
}

/// How weights were read, as a sentence on one line.
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
/// [`CheckpointError`] with the path; an older file is left as it was.
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

/// Reads weights that this program, `torch.save` or `safetensors` wrote, in whatever names the codes of the field use. Nothing of a file is
/// run.
///
/// # Errors
/// [`CheckpointError`] names the file, what was found and what was expected.
pub fn open_weights(path: &Path) -> Result<Weights, CheckpointError> {
    let bytes = files::read(path).map_err(|error| CheckpointError::io(path, &error))?;
    weights_in(path, &bytes)
}

/// The same for bytes that are at hand; `path` is what the file is called.
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
