//! TensorBoard's event files, with numbers and histograms of every epoch. `tensorboard --logdir runs` shows them while a run trains.
//!
//! A file is a chain of records (TFRecord: length, masked CRC-32C of the length, bytes, masked CRC-32C of the bytes), each an `Event` of
//! TensorFlow's `event.proto` and `summary.proto`. The crates that write them (`tensorboard-rs`, `tfrecord`) have had no release for years
//! and bring a protocol-buffer compiler or a runtime for six fields. No clock is written, as nowhere in a run's folder: equal runs leave equal
//! files. TensorBoard's wall time is the epoch.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use crate::{checkpoint::CheckpointError, files, metrics::EpochMetrics, train::SampleRecord};

/// The file's name; TensorBoard wants `tfevents` in it, and a second that it began at.
const FILE: &str = "events.out.tfevents.0.gairat";
/// Bins of a histogram of weights.
const BINS: usize = 30;

/// An event file that grows by an epoch at a time.
#[derive(Debug)]
pub(crate) struct EventFile {
    path: PathBuf,
    /// The file, at its end, and the last epoch in it; none before the first.
    open: Option<(File, u32)>,
}

impl EventFile {
    /// The event file in `folder`; nothing is made or read yet.
    pub(crate) fn within(folder: &Path) -> Self {
        Self { path: folder.join("tensorboard").join(FILE), open: None }
    }

    /// Adds what is known of an epoch. Later epochs that are there already, of a run that went back, are cut off.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub(crate) fn add(&mut self, metrics: &EpochMetrics, samples: &[SampleRecord]) -> Result<(), CheckpointError> {
        self.write(metrics, samples).map_err(|error| {
            self.open = None;
            CheckpointError::io(&self.path, &error)
        })
    }

    fn write(&mut self, metrics: &EpochMetrics, samples: &[SampleRecord]) -> io::Result<()> {
        let epoch = metrics.epoch;
        let mut file = match self.open.take() {
            Some((file, last)) if last < epoch => file,
            _ => self.cut(epoch)?,
        };
        let mut summary = Vec::new();
        for (tag, value) in scalars(metrics) {
            let mut of = Vec::new();
            text(&mut of, 1, &tag);
            fixed32(&mut of, 2, value as f32);
            bytes(&mut summary, 1, &of);
        }
        for (tag, histogram) in histograms(samples) {
            let mut of = Vec::new();
            text(&mut of, 1, tag);
            bytes(&mut of, 5, &histogram);
            bytes(&mut summary, 1, &of);
        }
        let mut event = Vec::new();
        fixed64(&mut event, 1, f64::from(epoch));
        whole(&mut event, 2, u64::from(epoch));
        bytes(&mut event, 5, &summary);
        file.write_all(&record(&event))?;
        file.flush()?;
        self.open = Some((file, epoch));
        Ok(())
    }

    /// The file with what is there of epochs before `epoch`, and the version at its beginning.
    fn cut(&self, epoch: u32) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            files::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path)?;
        let mut there = Vec::new();
        file.read_to_end(&mut there)?;
        let mut end = 0;
        for (event, after) in events(&there) {
            if step(event) >= u64::from(epoch) {
                break;
            }
            end = after;
        }
        file.set_len(end as u64)?;
        file.seek(SeekFrom::Start(end as u64))?;
        if end == 0 {
            let mut event = Vec::new();
            fixed64(&mut event, 1, 0.0);
            text(&mut event, 3, "brain.Event:2");
            file.write_all(&record(&event))?;
        }
        Ok(file)
    }
}

/// The numbers of an epoch by TensorBoard's names: what stands before the slash is a panel.
fn scalars(metrics: &EpochMetrics) -> Vec<(String, f64)> {
    let known = [
        ("train/loss", Some(metrics.loss)),
        ("train/robust", Some(metrics.train_robust)),
        ("train/mean_kappa", Some(metrics.mean_kappa)),
        ("train/effective", metrics.effective),
        ("train/lr", Some(metrics.lr)),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let more = metrics.more.iter().filter_map(|(name, value)| {
        let tag = match name.split_once("validation_") {
            Some((prefix, attack)) => format!("{prefix}validation/{attack}"),
            None => format!("method/{name}"),
        };
        Some((tag, (*value)?))
    });
    known.chain(more).collect()
}

/// How kappa and weights are spread, as `HistogramProto`.
fn histograms(samples: &[SampleRecord]) -> Vec<(&'static str, Vec<u8>)> {
    let kappa: Vec<f64> = samples.iter().map(|sample| f64::from(sample.measured.kappa)).collect();
    let omega: Vec<f64> = samples.iter().map(|sample| f64::from(sample.omega)).filter(|omega| omega.is_finite()).collect();
    let most = kappa.iter().copied().fold(0.0, f64::max);
    let between = (0..=most as usize).map(|kappa| kappa as f64 + 0.5).collect();
    let (low, high) = range(&omega);
    let steps =
        (1..=BINS).map(|place| if place == BINS { high } else { low + (high - low) * place as f64 / BINS as f64 }).collect();
    [("kappa", kappa, between), ("omega", omega, steps)]
        .into_iter()
        .filter(|(_, values, _): &(_, Vec<f64>, Vec<f64>)| !values.is_empty())
        .map(|(tag, values, limits)| (tag, histogram(&values, &limits)))
        .collect()
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)))
}

/// `HistogramProto` of values, counted up to each of the limits, of which the last is no less than the greatest value.
fn histogram(values: &[f64], limits: &[f64]) -> Vec<u8> {
    let mut counts = vec![0.0; limits.len()];
    for value in values {
        let place = limits.partition_point(|limit| limit < value).min(limits.len() - 1);
        counts[place] += 1.0;
    }
    let (low, high) = range(values);
    let mut of = Vec::new();
    fixed64(&mut of, 1, low);
    fixed64(&mut of, 2, high);
    fixed64(&mut of, 3, values.len() as f64);
    fixed64(&mut of, 4, values.iter().sum());
    fixed64(&mut of, 5, values.iter().map(|value| value * value).sum());
    let packed = |numbers: &[f64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    bytes(&mut of, 6, &packed(limits));
    bytes(&mut of, 7, &packed(&counts));
    of
}

// The wire format of protocol buffers: a key of field number and kind, then the value.

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn whole(out: &mut Vec<u8>, field: u64, number: u64) {
    varint(out, field << 3);
    varint(out, number);
}

fn fixed64(out: &mut Vec<u8>, field: u64, number: f64) {
    varint(out, field << 3 | 1);
    out.extend(number.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn text(out: &mut Vec<u8>, field: u64, value: &str) {
    bytes(out, field, value.as_bytes());
}

fn fixed32(out: &mut Vec<u8>, field: u64, number: f32) {
    varint(out, field << 3 | 5);
    out.extend(number.to_le_bytes());
}

/// The step of an event that this file wrote: time (nine bytes), then the step, or something else where it is 0.
fn step(event: &[u8]) -> u64 {
    let Some((0x10, rest)) = event.get(9..).and_then(|rest| rest.split_first()).map(|(key, rest)| (*key, rest)) else { return 0 };
    let mut step = 0;
    for (place, byte) in rest.iter().take(10).enumerate() {
        step |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            break;
        }
    }
    step
}

fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), event, &masked(event).to_le_bytes()].concat()
}

/// The events of a file and where each ends, up to the first that is torn.
fn events(file: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let number = |from: usize| Some(u32::from_le_bytes(file.get(from..from + 4)?.try_into().ok()?));
        let length = file.get(at..at + 8)?;
        let sound = number(at + 8)? == masked(length);
        let count = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let from = at + 12;
        let event = file.get(from..from.checked_add(count)?)?;
        if !sound || number(from + count)? != masked(event) {
            return None;
        }
        at = from + count + 4;
        Some((event, at))
    })
}

/// The sum of a record: CRC-32C, turned and moved so that sums of sums do not agree by chance (TensorFlow, `crc32c.h`).
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli's polynomial, reflected): RFC 3720, appendix B.4.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut place = 0;
        while place < 256 {
            let (mut sum, mut bit) = (place as u32, 0);
            while bit < 8 {
                sum = if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
                bit += 1;
            }
            table[place] = sum;
            place += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |sum: u32, byte| sum >> 8 ^ TABLE[(sum as u8 ^ byte) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Measured;

    /// The examples of RFC 3720, appendix B.4, and the check value of the polynomial.
    #[test]
    fn sums_are_those_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    fn epoch(epoch: u32) -> (EpochMetrics, Vec<SampleRecord>) {
        let metrics = EpochMetrics {
            epoch,
            loss: 1.0 / f64::from(epoch),
            effective: (epoch > 1).then_some(0.5),
            more: [("validation_pgd20".to_owned(), Some(0.75)), ("tau".to_owned(), None)].into(),
            ..EpochMetrics::default()
        };
        let sample = |kappa: u32| SampleRecord {
            row: 0,
            measured: Measured { kappa, ..Measured::default() },
            omega: kappa as f32 / 2.0,
            axis: None,
            objective: None,
            extra: 0.0,
        };
        (metrics, [0, 1, 1, 3].map(sample).to_vec())
    }

    /// What is in a file, decoded by another hand than that which wrote it: (step, tags with the first of their numbers).
    fn read(path: &Path) -> Vec<(u64, Vec<(String, f64)>)> {
        fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
            fn varint(message: &mut &[u8]) -> u64 {
                let end = message.iter().position(|byte| byte & 0x80 == 0).unwrap();
                let number = message[..=end].iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f));
                *message = &message[end + 1..];
                number
            }
            let mut found = Vec::new();
            while !message.is_empty() {
                let key = varint(&mut message);
                let count = match key & 7 {
                    0 => {
                        found.push((key >> 3, varint(&mut message).to_le_bytes().to_vec()));
                        continue;
                    }
                    1 => 8,
                    2 => varint(&mut message) as usize,
                    _ => 4,
                };
                found.push((key >> 3, message[..count].to_vec()));
                message = &message[count..];
            }
            found
        }
        let bytes = std::fs::read(path).unwrap();
        let told = events(&bytes).map(|(event, _)| {
            let of = |number: u64| fields(event).into_iter().find(|field| field.0 == number).map(|field| field.1);
            let values = of(5).map(|summary| fields(&summary)).unwrap_or_default();
            let values = values.iter().map(|(_, value)| {
                let parts = fields(value);
                let number = match parts[1].0 {
                    2 => f64::from(f32::from_le_bytes(parts[1].1.clone().try_into().unwrap())),
                    // The count of a histogram.
                    _ => f64::from_le_bytes(fields(&parts[1].1)[2].1.clone().try_into().unwrap()),
                };
                (String::from_utf8(parts[0].1.clone()).unwrap(), number)
            });
            (of(2).map_or(0, |step| u64::from_le_bytes(step.try_into().unwrap())), values.collect())
        });
        told.collect()
    }

    #[test]
    fn an_epoch_is_an_event_with_its_numbers_and_histograms() {
        let root = tempfile::tempdir().unwrap();
        let mut file = EventFile::within(root.path());
        for number in [1, 200] {
            let (metrics, samples) = epoch(number);
            file.add(&metrics, &samples).unwrap();
        }
        let found = read(&file.path);
        assert_eq!(found.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0, 1, 200]);
        let tags: Vec<&str> = found[1].1.iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!(tags, ["train/loss", "train/robust", "train/mean_kappa", "train/lr", "validation/pgd20", "kappa", "omega"]);
        assert_eq!(found[1].1[0].1, 1.0);
        assert_eq!(found[2].1.iter().find(|(tag, _)| tag == "train/effective").unwrap().1, 0.5);
        assert_eq!(found[2].1.last().unwrap().1, 4.0, "four samples are counted");
    }

    #[test]
    fn a_run_that_goes_back_or_was_torn_leaves_the_file_of_one_that_did_not() {
        let root = tempfile::tempdir().unwrap();
        let (straight, back) = (root.path().join("straight"), root.path().join("back"));
        let write = |folder: &Path, epochs: &[u32]| {
            let mut file = EventFile::within(folder);
            for number in epochs {
                let (metrics, samples) = epoch(*number);
                file.add(&metrics, &samples).unwrap();
            }
            std::fs::read(&file.path).unwrap()
        };
        let whole = write(&straight, &[1, 2, 3, 4]);
        write(&back, &[1, 2, 3, 2]);
        assert_eq!(write(&back, &[3, 4]), whole);
        // The last record is cut anywhere: a kill in the middle of a write.
        let path = EventFile::within(&back).path;
        for missing in 1..40 {
            std::fs::write(&path, &whole[..whole.len() - missing]).unwrap();
            assert_eq!(write(&back, &[4]), whole);
        }
    }
}
