//! Views of a run in progress: host values, made on request.

use burn::tensor::{Device, Tensor, TensorData, activation::softmax, s};

use web_time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Door, Place, Session, SessionError};
use crate::{
    attack::{Adversarial, Point, read_measured},
    batch::{Batch, StartKey, attack_batch},
    dataset::{Dataset, SampleShape},
    device::{self, DeviceError},
    model::Classifier,
    random::Purpose,
    region_map::{Grid, OnDevice, Quantity, map_of},
    settings::Checked,
    snapshot::best_class,
    train::{EpochLog, SampleRecord, Trainer},
    weight::effective_share,
};

/// The most samples whose natural margins are measured.
const MARGINS_OF: usize = 1000;
/// The most multiplications for natural margins in every view; a larger network is measured only after each epoch.
const CHEAP: usize = 1 << 26;

/// The request of a view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// For 2-D data, the cells of the region map, and its quantity.
    pub map: Option<(Grid, Quantity)>,
    /// Whether the map may stay on the GPU, for a window that draws from there.
    pub map_on_device: bool,
    /// The row of a training sample whose attack to trace.
    pub selected: Option<u32>,
    /// Rows of training samples to attack with the current network.
    pub shown: Vec<u32>,
    /// Whether to trace the attack on the next batch.
    pub next_batch: bool,
}

/// A view of a run at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct View {
    /// The position in the run.
    pub place: Place,
    /// Whether the current epoch weighs samples: burn-in, if any, is over.
    pub weighs: bool,
    /// Training samples of the steps since the last view.
    pub seen: Vec<Seen>,
    /// The regions.
    pub region: Option<Region>,
    /// The attack on the selected sample.
    pub traced: Option<Traced>,
    /// The requested samples under attack.
    pub looked: Vec<Looked>,
    /// The next batch.
    pub next_batch: Option<NextBatch>,
    /// Margins of natural training samples, if measured.
    pub margins: Option<Margins>,
    /// The effective share of samples in the last step; `None` before the first step of an epoch.
    pub effective: Option<f64>,
    /// The time that this view took from training.
    pub took: Duration,
}

impl View {
    /// Merges this view with a later one.
    #[must_use]
    pub fn followed_by(mut self, later: Self) -> Self {
        self.seen.extend(later.seen);
        Self {
            seen: self.seen,
            region: later.region.or(self.region),
            traced: later.traced.or(self.traced),
            looked: if later.looked.is_empty() { self.looked } else { later.looked },
            next_batch: later.next_batch.or(self.next_batch),
            margins: later.margins.or(self.margins),
            effective: later.effective.or(self.effective),
            ..later
        }
    }
}

/// The measurements of a training sample in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The record, with its weight.
    pub record: SampleRecord,
    /// For 2-D data, x^(K).
    pub adversarial: Option<[f32; 2]>,
}

/// The decision regions of the plane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Region {
    /// Class and quantity of every cell, row by row from the top.
    OnHost(Grid, Vec<f32>),
    /// The same, in a buffer on the GPU.
    #[serde(skip)]
    OnDevice(Grid, Box<OnDevice>),
}

/// The traced attack on one sample, against the current network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traced {
    /// Its row in the source.
    pub row: u32,
    /// Its label.
    pub label: u32,
    /// x, augmented as in a step of this epoch: D numbers.
    pub natural: Vec<f32>,
    /// x⁰ … x^(K).
    pub points: Vec<Point>,
    /// Class probabilities at x, and then at x⁰ … x^(K).
    pub probabilities: Vec<Vec<f32>>,
    /// z_y − max other at x, in logits.
    pub margin: f32,
    /// Correct predictions over x⁰ … x^(K−1).
    pub kappa: u32,
    /// Least t < K with x^t misclassified, else K.
    pub first_hit: u32,
    /// Whether x^(K) is misclassified.
    pub broken: bool,
}

impl Traced {
    /// The most likely class at x.
    pub fn natural_class(&self) -> usize {
        self.probabilities.first().map_or(0, |probabilities| best_class(probabilities))
    }

    /// p_y − max other at x, from −1 to 1; 0 without probabilities.
    pub fn probability_margin(&self) -> f32 {
        let Some(probabilities) = self.probabilities.first() else { return 0.0 };
        let label = self.label as usize;
        let others = probabilities.iter().enumerate().filter(|(class, _)| *class != label);
        let greatest = others.map(|(_, probability)| *probability).fold(0.0_f32, f32::max);
        probabilities.get(label).map_or(0.0, |own| own - greatest)
    }

    /// The most likely class at x^t.
    pub fn class_at(&self, t: usize) -> usize {
        self.probabilities.get(t + 1).map_or(0, |probabilities| best_class(probabilities))
    }
}

/// One sample and its adversarial example, against the current network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// Its row in the source.
    pub row: u32,
    /// x^(K): D numbers.
    pub adversarial: Vec<f32>,
    /// The class that the network gives to x.
    pub natural_class: u32,
    /// The class that the network gives to x^(K).
    pub adversarial_class: u32,
    /// The probabilities of these two classes.
    pub confidences: [f32; 2],
}

impl Looked {
    /// Attacks the training samples of these rows with the frozen `network`, as training does in `epoch`. Skips rows outside the training part.
    /// Does not augment, because a picture that moves from view to view cannot be compared.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] if the device no longer answers.
    pub async fn at(
        network: &impl Classifier,
        dataset: &Dataset,
        (plan, epoch): (&Checked, u32),
        rows: &[u32],
        device: &Device,
    ) -> Result<Vec<Self>, DeviceError> {
        let train = &dataset.train;
        let places: Vec<usize> = rows.iter().filter_map(|row| train.rows.binary_search(row).ok()).collect();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = dataset.shape.len();
        let key = StartKey { seed: plan.settings.seed, purpose: Purpose::Start, epoch: u64::from(epoch) };
        let attack = plan.attack_in(epoch);
        let batch = attack_batch(train.select(&places, numbers), dataset.shape, attack.start(), key, device);
        let images = attack.run(network, &batch).images;
        let natural = device::read(softmax(network.logits(batch.natural.clone()), 1)).await?;
        let adversarial = device::read(softmax(network.logits(images.clone()), 1)).await?;
        let images = device::read(images).await?;
        let answers = natural.chunks_exact(dataset.classes).zip(adversarial.chunks_exact(dataset.classes));
        let looked = places.iter().zip(images.chunks_exact(numbers)).zip(answers).map(|((&sample, image), (before, after))| {
            let (natural, adversarial) = (best_class(before), best_class(after));
            Self {
                row: train.rows[sample],
                adversarial: image.to_vec(),
                natural_class: natural as u32,
                adversarial_class: adversarial as u32,
                confidences: [before[natural], after[adversarial]],
            }
        });
        Ok(looked.collect())
    }
}

/// The attack on the batch of the next step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextBatch {
    /// The rows of its samples.
    pub rows: Vec<u32>,
    /// For every sample x⁰ … x^(K).
    pub points: Vec<Vec<Point>>,
}

/// Margins of natural training samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// z_y − max other, in logits.
    pub natural: Vec<f32>,
}

/// The material of the next view.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Samples trained since the last view.
    seen: Vec<Seen>,
    /// How many samples of the log are in `seen` or were in an earlier view.
    taken: usize,
    /// x^(K) of the steps since the last reading, for 2-D data.
    images: Vec<Tensor<2>>,
    /// Whether natural margins are due.
    margins_due: bool,
}

impl Watch {
    /// Takes over the samples of a resumed run, for which x^(K) is unknown.
    pub(super) fn put(&mut self, unfinished: &[SampleRecord], finished: &[SampleRecord]) {
        let seen = |record: &SampleRecord| Seen { record: *record, adversarial: None };
        self.seen.extend(finished.iter().chain(unfinished).map(seen));
        self.taken = unfinished.len();
        self.margins_due = true;
    }

    /// Keeps x^(K) of a step.
    pub(super) fn keep(&mut self, images: Tensor<2>, shape: SampleShape) {
        if shape.len() == 2 {
            self.images.push(images);
        }
    }

    /// Takes the new samples of `log`, which must be fetched.
    pub(super) async fn see(&mut self, log: &EpochLog) -> Result<(), DeviceError> {
        let samples = log.samples();
        let new = samples.get(self.taken..).unwrap_or_default();
        self.taken = samples.len();
        let positions = match self.images.len() {
            0 => Vec::new(),
            _ => device::read(Tensor::cat(std::mem::take(&mut self.images), 0)).await?,
        };
        let mut positions = positions.chunks_exact(2);
        self.seen.extend(
            new.iter()
                .map(|record| Seen { record: *record, adversarial: positions.next().map(|position| [position[0], position[1]]) }),
        );
        Ok(())
    }

    /// Starts a new epoch, after the log of the last one was taken.
    pub(super) fn next_epoch(&mut self) {
        self.taken = 0;
        self.margins_due = true;
    }
}

impl Session<'_> {
    /// Makes the view that the door requests, and passes it on.
    pub(super) async fn show<D: Door>(&mut self, door: &mut D) -> Result<(), SessionError> {
        let begun = Instant::now();
        let look = door.look();
        self.log.fetch().await?;
        self.watch.see(&self.log).await?;
        let place = self.place(self.progress.step);
        let view = View {
            place,
            weighs: self.trainer.plan.clock(place.epoch + 1).weighs(),
            seen: std::mem::take(&mut self.watch.seen),
            region: self.region(&look).await?,
            traced: match look.selected {
                Some(row) => self.traced(row).await?,
                None => None,
            },
            looked: self.looked(&look.shown).await?,
            next_batch: if look.next_batch { self.next_batch().await? } else { None },
            margins: self.margins().await?,
            effective: (self.log.steps() > 0 && self.trainer.plan.method.about().omega_is_share).then(|| {
                let omega: Vec<f32> = self.log.last_step().iter().map(|sample| sample.omega).collect();
                effective_share(&omega)
            }),
            took: Duration::ZERO,
        };
        door.show(View { took: begun.elapsed(), ..view });
        Ok(())
    }

    /// The epoch whose attack starts are shown: the current one, or the last.
    fn shown_epoch(&self) -> u32 {
        (self.progress.epoch + 1).min(self.trainer.plan.settings.epochs)
    }

    async fn region(&self, look: &Look) -> Result<Option<Region>, DeviceError> {
        let Some((grid, quantity)) = look.map.filter(|_| self.dataset.shape.len() == 2) else { return Ok(None) };
        let frozen = self.trainer.frozen();
        let Some(map) = map_of(&frozen, grid, quantity, &self.trainer.device) else { return Ok(None) };
        if look.map_on_device
            && let Some(map) = OnDevice::of(map.clone())
        {
            return Ok(Some(Region::OnDevice(grid, Box::new(map))));
        }
        Ok(Some(Region::OnHost(grid, device::read(map).await?)))
    }

    async fn traced(&self, row: u32) -> Result<Option<Traced>, DeviceError> {
        let train = &self.dataset.train;
        let Ok(place) = train.rows.binary_search(&row) else { return Ok(None) };
        let batch = self.trainer.batch(self.dataset, &[place], self.shown_epoch());
        let frozen = self.trainer.frozen();
        let attack = self.trainer.plan.attack_in(self.shown_epoch());
        let (adversarial, trajectories) = attack.trace(&frozen, &batch);
        let points = trajectories.read().await?.pop().unwrap_or_default();
        let natural = device::read(batch.natural.clone()).await?;
        let numbers: Vec<f32> = natural.iter().copied().chain(points.iter().flat_map(|point| point.position.clone())).collect();
        let positions = Tensor::from_data(TensorData::new(numbers, [points.len() + 1, natural.len()]), &self.trainer.device);
        let logits = frozen.logits(positions);
        let of_natural = logits.clone().slice(s![0..1]);
        let margin = device::read(Adversarial::margins(of_natural, batch.labels.clone())).await?[0];
        let probabilities = device::read(softmax(logits, 1)).await?;
        let end = adversarial.measure_end(frozen.logits(adversarial.images.clone()), batch.labels.clone(), &attack);
        let measured = read_measured(&adversarial, end).await?.first().copied().unwrap_or_default();
        Ok(Some(Traced {
            row,
            label: train.labels[place],
            natural,
            points,
            probabilities: probabilities.chunks_exact(self.dataset.classes).map(<[f32]>::to_vec).collect(),
            margin,
            kappa: measured.kappa,
            first_hit: measured.first_hit,
            broken: measured.broken,
        }))
    }

    async fn looked(&self, rows: &[u32]) -> Result<Vec<Looked>, DeviceError> {
        let Trainer { plan, device, .. } = &self.trainer;
        Looked::at(&self.trainer.frozen(), self.dataset, (plan, self.shown_epoch()), rows, device).await
    }

    async fn next_batch(&self) -> Result<Option<NextBatch>, DeviceError> {
        if self.progress.epoch >= self.trainer.plan.settings.epochs {
            return Ok(None);
        }
        let epoch = self.progress.epoch + 1;
        let steps = self.trainer.steps_of(self.dataset, epoch);
        let Some(places) = steps.get(self.progress.step) else { return Ok(None) };
        let batch = self.trainer.batch(self.dataset, places, epoch);
        let (_, trajectories) = self.trainer.plan.attack_in(epoch).trace(&self.trainer.frozen(), &batch);
        let rows = places.iter().map(|&place| self.dataset.train.rows[place]).collect();
        Ok(Some(NextBatch { rows, points: trajectories.read().await? }))
    }

    async fn margins(&mut self) -> Result<Option<Margins>, DeviceError> {
        let shown = self.dataset.train.len().min(MARGINS_OF);
        let frozen = self.trainer.frozen();
        let cost = || frozen.program().map_or(usize::MAX, |program| program.layers.multiplications().saturating_mul(shown));
        if !std::mem::take(&mut self.watch.margins_due) && cost() > CHEAP {
            return Ok(None);
        }
        let places: Vec<usize> = (0..shown).collect();
        let samples = self.dataset.train.select(&places, self.dataset.shape.len());
        let batch = Batch::new(samples.pixels, &samples.labels, None, &self.trainer.device);
        let margins = Adversarial::margins(frozen.logits(batch.natural), batch.labels);
        Ok(Some(Margins { natural: device::read(margins).await? }))
    }
}
