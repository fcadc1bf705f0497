//! A normalisation inside the network: a mean and a deviation that lie beside its weights or in a module before it.

use super::Unreadable;
use crate::model::{NamedTensor, Normalisation};

/// What codes call the two: RobustBench `mu` and `sigma`, most others `mean` and `std`, MadryLab's library `new_mean` and `new_std`.
const PAIRS: [(&str, &str); 6] =
    [("mean", "std"), ("mu", "sigma"), ("mu", "std"), ("_mean", "_std"), ("new_mean", "new_std"), ("means", "sds")];

/// As many channels as an image may have to be taken for one that is normalised.
const CHANNELS: usize = 4;

/// Takes the mean and the deviation of each channel out of the tensors, if they are there.
///
/// # Errors
/// [`Unreadable`] if there are several, and they differ: which of them counts, the names do not say.
pub(super) fn take(tensors: &mut Vec<(&str, &NamedTensor)>) -> Result<Option<Normalisation>, Unreadable> {
    let mut found: Vec<(String, Normalisation)> = Vec::new();
    let mut taken: Vec<String> = Vec::new();
    for (name, mean) in tensors.iter() {
        let (module, leaf) = name.rsplit_once('.').map_or(("", *name), |(module, leaf)| (module, leaf));
        for (_, other) in PAIRS.iter().filter(|(mean, _)| *mean == leaf) {
            let other = if module.is_empty() { (*other).to_owned() } else { format!("{module}.{other}") };
            let Some((_, std)) = tensors.iter().find(|(name, _)| *name == other) else { continue };
            let count = mean.values.len();
            // Of a shape such as 3, 3 x 1 x 1 or 1 x 3 x 1 x 1.
            let plain = mean.shape == std.shape && mean.shape.iter().filter(|&&size| size > 1).count() <= 1;
            if plain && (1..=CHANNELS).contains(&count) {
                let (mean, std) = (mean.values.clone(), std.values.clone());
                found.push(((*name).to_owned(), Normalisation::MeanStd { mean, std }));
                taken.extend([(*name).to_owned(), other]);
            }
        }
    }
    if let [(one, first), rest @ ..] = found.as_slice()
        && let Some((other, _)) = rest.iter().find(|(_, other)| other != first)
    {
        return Err(Unreadable {
            found: format!("two normalisations that differ, `{one}` and `{other}`"),
            expected: "one; take the other out of the state dict".to_owned(),
        });
    }
    tensors.retain(|(name, _)| !taken.iter().any(|other| other == name));
    Ok(found.into_iter().next().map(|(_, normalisation)| normalisation))
}
