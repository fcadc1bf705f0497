//! A ledger of verdicts. With it an evaluation resumes after a kill, and grows without repeating work.
//!
//! A ledger belongs to one network, one threat and one device ([`Identity`]). Each batch that an attack finishes becomes one file, written
//! atomically, with the attack's name and a row per sample.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{evaluation::Found, subjects::fnv};
use crate::{
    checkpoint::{CheckpointError, write_whole},
    dataset::{SampleShape, Samples},
    files,
    model::Parameters,
};

/// The version of the attacks. A change that makes an attack find other images increments it and invalidates older verdicts.
pub const ATTACKS: u32 = 3;
/// The file with a ledger's identity.
const ABOUT: &str = "about.json";
/// The one key of a file's metadata (one, so that equal files are equal byte for byte).
const METADATA_KEY: &str = "attack";

/// The identity of a ledger. Two evaluations share verdicts only if all fields are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// A fingerprint of the weights: see [`fingerprint`].
    pub weights: String,
    /// The network, in the syntax of `--model`.
    pub model: String,
    /// Its normalisation of pixels.
    pub normalise: String,
    /// The norm of the ball.
    pub norm: String,
    /// Its radius.
    pub epsilon: String,
    /// The seed of the attacks' random numbers.
    pub seed: u64,
    /// The path of the attacks: `auto`, `fused` or `composed`.
    pub path: String,
    /// The device, because devices round differently.
    pub device: String,
    /// The version of the program and of its attacks ([`ATTACKS`]).
    pub version: String,
}

impl Identity {
    /// The first difference between two identities: its name, and both values.
    fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let fields = |of: &Self| serde_json::to_value(of).ok().and_then(|value| value.as_object().cloned()).unwrap_or_default();
        let (mine, theirs) = (fields(self), fields(other));
        mine.iter().find_map(|(name, value)| {
            let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let other = theirs.get(name).map(text).unwrap_or_default();
            (text(value) != other).then(|| (name.clone(), text(value), other))
        })
    }
}

/// A fingerprint of weights, 16 hexadecimal digits; it depends on every name, shape and bit.
pub fn fingerprint(parameters: &Parameters) -> String {
    let bytes = parameters.iter().flat_map(|(name, tensor)| {
        let shape = tensor.shape.iter().flat_map(|&size| (size as u64).to_le_bytes());
        name.bytes().chain(shape).chain(tensor.values.iter().flat_map(|value| value.to_le_bytes()))
    });
    format!("{:016x}", fnv(bytes))
}

/// Verdicts by attack, threat and sample.
#[derive(Debug, Default)]
pub struct Ledger {
    folder: Option<PathBuf>,
    /// By attack and threat, then by row: the sample's fingerprint and what was found.
    found: HashMap<String, BTreeMap<u32, (u64, Found)>>,
    /// The number of the next file.
    next: usize,
}

impl Ledger {
    /// A ledger in memory.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Opens the ledger in `folder`, and creates the folder if needed.
    ///
    /// # Errors
    /// [`CheckpointError`]; a ledger with another identity is left unchanged.
    pub fn open(folder: &Path, identity: &Identity) -> Result<Self, CheckpointError> {
        let about = folder.join(ABOUT);
        if files::is_file(&about) {
            let bytes = files::read(&about).map_err(|error| CheckpointError::io(&about, &error))?;
            let found: Identity = serde_json::from_slice(&bytes).map_err(|error| CheckpointError::Malformed {
                path: about.clone(),
                found: format!("is damaged ({error}), so whose verdicts these are is not known"),
                expected: "what an evaluation writes; remove the whole folder, and everything is computed again".to_owned(),
            })?;
            if let Some((what, asked, found)) = identity.difference(&found) {
                return Err(CheckpointError::Malformed {
                    path: folder.to_owned(),
                    found: format!("an evaluation with the {what} {found}"),
                    expected: format!("the {what} {asked}; choose another folder"),
                });
            }
        } else {
            files::create_dir_all(folder).map_err(|error| CheckpointError::io(folder, &error))?;
            let there = files::list(folder).map_err(|error| CheckpointError::io(folder, &error))?;
            if there.iter().any(|path| path.extension().is_some_and(|ending| ending == "safetensors")) {
                return Err(CheckpointError::Malformed {
                    path: folder.to_owned(),
                    found: format!("has verdicts and no {ABOUT} that says whose they are"),
                    expected: "the ledger of one evaluation; choose another folder, or remove this one".to_owned(),
                });
            }
            let mut text = serde_json::to_string_pretty(identity).unwrap_or_default();
            text.push('\n');
            write_whole(&about, text.as_bytes())?;
        }
        let mut ledger = Self { folder: Some(folder.to_owned()), ..Self::default() };
        let mut paths = files::list(folder).map_err(|error| CheckpointError::io(folder, &error))?;
        paths.sort();
        for path in paths {
            // Temporary files of a write that was cut off have another ending.
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<usize>().ok());
            let (Some(number), true) = (number, path.extension().is_some_and(|ending| ending == "safetensors")) else { continue };
            let bytes = files::read(&path).map_err(|error| CheckpointError::io(&path, &error))?;
            ledger.take_in(&bytes).map_err(|found| malformed(&path, found))?;
            ledger.next = ledger.next.max(number + 1);
        }
        Ok(ledger)
    }

    /// How many verdicts it holds.
    pub fn len(&self) -> usize {
        self.found.values().map(BTreeMap::len).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The finding of `attack` about the sample at `index`, if it attacked this very sample.
    pub(super) fn get(&self, attack: &str, samples: &Samples, index: usize, shape: SampleShape) -> Option<&Found> {
        let (of, found) = self.found.get(attack)?.get(&samples.rows[index])?;
        (*of == sample(samples, index, shape)).then_some(found)
    }

    /// Stores the findings of `attack` about the samples at `indices`, with the misclassified images only.
    pub(super) fn put(
        &mut self,
        attack: &str,
        (samples, shape): (&Samples, SampleShape),
        indices: &[usize],
        found: &[Found],
    ) -> Result<(), CheckpointError> {
        let kept = |found: &Found| {
            let mut kept = found.clone();
            kept.image = kept.image.filter(|_| found.wrong);
            kept
        };
        let found: Vec<Found> = found.iter().map(kept).collect();
        let rows: Vec<u32> = indices.iter().map(|&index| samples.rows[index]).collect();
        let fingerprints: Vec<u64> = indices.iter().map(|&index| sample(samples, index, shape)).collect();
        if let Some(folder) = &self.folder {
            let path = folder.join(format!("{:06}.safetensors", self.next));
            let bytes = to_bytes(attack, &rows, &fingerprints, &found).map_err(|error| malformed(&path, error.to_string()))?;
            write_whole(&path, &bytes)?;
            self.next += 1;
        }
        let kept = self.found.entry(attack.to_owned()).or_default();
        for ((row, fingerprint), found) in rows.into_iter().zip(fingerprints).zip(found) {
            kept.insert(row, (fingerprint, found));
        }
        Ok(())
    }

    /// Takes in a file.
    fn take_in(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let attack = metadata.metadata().as_ref().and_then(|map| map.get(METADATA_KEY).cloned());
        let attack = attack.ok_or_else(|| "it names no attack".to_owned())?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let column = |name: &str, dtype: Dtype| -> Result<Vec<u8>, String> {
            let view = file.tensor(name).map_err(|error| error.to_string())?;
            if view.dtype() == dtype { Ok(view.data().to_vec()) } else { Err(format!("`{name}` holds {:?}", view.dtype())) }
        };
        let rows: Vec<u32> = numbers(&column("row", Dtype::U32)?, u32::from_le_bytes);
        let fingerprints: Vec<u64> = numbers(&column("sample", Dtype::U64)?, u64::from_le_bytes);
        let verdicts: Vec<u8> = column("verdict", Dtype::U8)?;
        let margins: Vec<f32> = numbers(&column("margin", Dtype::F32)?, f32::from_le_bytes);
        let distances: Vec<f32> = numbers(&column("distance", Dtype::F32)?, f32::from_le_bytes);
        let pixels: Vec<f32> = numbers(&column("images", Dtype::F32)?, f32::from_le_bytes);
        let count = rows.len();
        if [fingerprints.len(), verdicts.len(), margins.len(), distances.len()].iter().any(|&length| length != count) {
            return Err("its columns have different lengths".to_owned());
        }
        let with_image = verdicts.iter().filter(|&&verdict| verdict & IMAGE != 0).count();
        if with_image > 0 && !pixels.len().is_multiple_of(with_image) {
            return Err("its images are not whole".to_owned());
        }
        let mut images = pixels.chunks_exact((pixels.len() / with_image.max(1)).max(1));
        let kept = self.found.entry(attack).or_default();
        for index in 0..count {
            let is = |bit: u8| verdicts[index] & bit != 0;
            let image = if is(IMAGE) { images.next().map(<[f32]>::to_vec) } else { None };
            let (margin, distance) = (margins[index], distances[index]);
            let found = Found { wrong: is(WRONG), off_box: is(OFF_BOX), outside: is(OUTSIDE), margin, distance, image };
            kept.insert(rows[index], (fingerprints[index], found));
        }
        Ok(())
    }
}

/// The error of a file that no ledger has written.
fn malformed(path: &Path, found: String) -> CheckpointError {
    let expected = "a file of an evaluation's ledger; remove it, and what it held is computed again".to_owned();
    CheckpointError::Malformed { path: path.to_owned(), found, expected }
}

/// The bits of a verdict.
const WRONG: u8 = 1;
const OFF_BOX: u8 = 2;
const OUTSIDE: u8 = 4;
const IMAGE: u8 = 8;

fn sample(samples: &Samples, index: usize, shape: SampleShape) -> u64 {
    let pixels = &samples.pixels[index * shape.len()..(index + 1) * shape.len()];
    fnv(pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).chain(samples.labels[index].to_le_bytes()))
}

/// Numbers of `N` bytes each.
fn numbers<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
}

/// A file of verdicts.
fn to_bytes(attack: &str, rows: &[u32], fingerprints: &[u64], found: &[Found]) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let bit = |is: bool, bit: u8| if is { bit } else { 0 };
    let verdict = |found: &Found| {
        bit(found.wrong, WRONG) | bit(found.off_box, OFF_BOX) | bit(found.outside, OUTSIDE) | bit(found.image.is_some(), IMAGE)
    };
    let verdicts: Vec<u8> = found.iter().map(verdict).collect();
    let margins: Vec<f32> = found.iter().map(|found| found.margin).collect();
    let distances: Vec<f32> = found.iter().map(|found| found.distance).collect();
    let images: Vec<f32> = found.iter().filter_map(|found| found.image.as_ref()).flatten().copied().collect();
    let view = |dtype, length, bytes| TensorView::new(dtype, vec![length], bytes);
    let tensors = [
        ("row", view(Dtype::U32, rows.len(), bytemuck::cast_slice(rows))?),
        ("sample", view(Dtype::U64, rows.len(), bytemuck::cast_slice(fingerprints))?),
        ("verdict", view(Dtype::U8, rows.len(), &verdicts)?),
        ("margin", view(Dtype::F32, rows.len(), bytemuck::cast_slice(&margins))?),
        ("distance", view(Dtype::F32, rows.len(), bytemuck::cast_slice(&distances))?),
        ("images", view(Dtype::F32, images.len(), bytemuck::cast_slice(&images))?),
    ];
    safetensors::serialize(tensors, Some(HashMap::from([(METADATA_KEY.to_owned(), attack.to_owned())])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let text = |text: &str| text.to_owned();
        Identity {
            weights: text("00ff"),
            model: text("mlp:4"),
            normalise: text("none"),
            norm: text("linf"),
            epsilon: text("0.1"),
            seed: 3,
            path: text("auto"),
            device: text("cpu"),
            version: text("0.1.0"),
        }
    }

    fn samples() -> Samples {
        Samples { pixels: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6], labels: vec![0, 1, 0], rows: vec![7, 9, 70_000] }
    }

    fn found(wrong: bool, margin: f32) -> Found {
        let image = wrong.then(|| vec![0.25, margin.abs()]);
        Found { wrong, off_box: false, outside: false, margin, distance: 0.1, image }
    }

    const SHAPE: SampleShape = SampleShape::Flat(2);

    #[test]
    fn what_was_put_in_is_there_again_and_of_the_same_samples_only() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("ledger");
        let mut ledger = Ledger::open(&at, &identity()).unwrap();
        let verdicts = [found(true, -0.5), found(false, 2.0), found(true, -1.5)];
        ledger.put("pgd:20", (&samples(), SHAPE), &[0, 1], &verdicts[..2]).unwrap();
        ledger.put("pgd:20", (&samples(), SHAPE), &[2], &verdicts[2..]).unwrap();
        // What a kill may leave behind.
        std::fs::write(at.join(".000002.safetensors.77.tmp"), b"half").unwrap();
        let again = Ledger::open(&at, &identity()).unwrap();
        assert_eq!((again.len(), again.next), (3, 2));
        for (index, verdict) in verdicts.iter().enumerate() {
            assert_eq!(again.get("pgd:20", &samples(), index, SHAPE), Some(verdict));
        }
        assert_eq!(again.get("cw:20", &samples(), 0, SHAPE), None);
        let mut changed = samples();
        changed.pixels[1] += 0.001;
        assert_eq!(again.get("pgd:20", &changed, 0, SHAPE), None);
        changed.labels[1] = 0;
        assert_eq!(again.get("pgd:20", &changed, 1, SHAPE), None);
        assert!(again.get("pgd:20", &changed, 2, SHAPE).is_some());
    }

    #[test]
    fn a_ledger_of_something_else_and_a_broken_file_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        Ledger::open(folder.path(), &identity()).unwrap();
        let other = Identity { epsilon: "0.2".to_owned(), ..identity() };
        let error = Ledger::open(folder.path(), &other).unwrap_err().to_string();
        assert!(error.contains("with the epsilon 0.1; expected the epsilon 0.2"), "{error}");
        // Without its name a ledger could be anyone's.
        let nameless = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(nameless.path(), &identity()).unwrap();
        ledger.put("pgd:20", (&samples(), SHAPE), &[1], &[found(false, 2.0)]).unwrap();
        std::fs::write(nameless.path().join(ABOUT), b"{}").unwrap();
        let error = Ledger::open(nameless.path(), &identity()).unwrap_err().to_string();
        assert!(error.contains("is damaged") && error.contains("whole folder"), "{error}");
        std::fs::remove_file(nameless.path().join(ABOUT)).unwrap();
        let error = Ledger::open(nameless.path(), &identity()).unwrap_err().to_string();
        assert!(error.contains("whose they are"), "{error}");
        std::fs::write(folder.path().join("000000.safetensors"), b"no tensors").unwrap();
        let error = Ledger::open(folder.path(), &identity()).unwrap_err().to_string();
        assert!(error.contains("000000.safetensors") && error.contains("remove it"), "{error}");
    }

    #[test]
    fn weights_that_differ_in_a_bit_have_another_fingerprint() {
        let tensor = |value: f32| crate::model::NamedTensor { shape: vec![1], values: vec![value] };
        let of = |value: f32| fingerprint(&[("w".to_owned(), tensor(value))].into_iter().collect());
        assert_eq!(of(0.5), of(0.5));
        assert_ne!(of(0.5), of(0.500_000_06));
        assert_ne!(of(0.0), of(-0.0));
    }
}
