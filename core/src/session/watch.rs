//! What a person may see of a run while it is on its way: host values, made when they are asked for.

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

/// Samples whose natural margins are measured at most.
const MARGINS_OF: usize = 1000;
/// Multiplications that measuring natural margins may cost in every view; above, they are measured after epochs alone.
const CHEAP: usize = 1 << 26;

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// For 2-D data, the cells of the region map, and what it says of them.
    pub map: Option<(Grid, Quantity)>,
    /// Whether the map may stay on a GPU, for a window that draws from there.
    pub map_on_device: bool,
    /// The row of a training sample whose attack is looked into.
    pub selected: Option<u32>,
    /// Rows of training samples that are to be attacked with the network as it is.
    pub shown: Vec<u32>,
    /// Whether the attack on the next batch is to be told step by step.
    pub next_batch: bool,
}

/// What a person may see at one moment of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct View {
    /// Where the run is.
    pub place: Place,
    /// Whether samples are weighted in the epoch that is on its way: burn-in is over, if the method has one.
    pub weighs: bool,
    /// Training samples that were trained on since the last view.
    pub seen: Vec<Seen>,
    /// The regions.
    pub region: Option<Region>,
    /// The attack on the selected sample.
    pub traced: Option<Traced>,
    /// The samples that were to be attacked.
    pub looked: Vec<Looked>,
    /// The batch that comes next.
    pub next_batch: Option<NextBatch>,
    /// Margins of natural training samples, where they were measured.
    pub margins: Option<Margins>,
    /// The effective share of samples in the last step; none before the first of an epoch.
    pub effective: Option<f64>,
    /// How long the run was kept from training to make this view.
    pub took: Duration,
}

impl View {
    /// This view and a later one, seen at once.
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

/// A training sample as a step saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// What was measured, and its weight.
    pub record: SampleRecord,
    /// For 2-D data, x^(K).
    pub adversarial: Option<[f32; 2]>,
}

/// How the plane is divided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Region {
    /// Class and quantity of every cell, row by row from the top.
    OnHost(Grid, Vec<f32>),
    /// The same, in a buffer on the GPU.
    #[serde(skip)]
    OnDevice(Grid, Box<OnDevice>),
}

/// The attack on one sample, step by step, against the network as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traced {
    /// Its row in the source.
    pub row: u32,
    /// Its label.
    pub label: u32,
    /// x as a step of this epoch takes it: D numbers, augmented.
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

    /// p_y − max other at x, from −1 to 1; 0 where there is no answer.
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

/// One sample and its adversarial partner, against the network as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// Its row in the source.
    pub row: u32,
    /// x^(K): D numbers.
    pub adversarial: Vec<f32>,
    /// The class that the network gives to x.
    pub natural_class: u32,
    /// The class that it gives to x^(K).
    pub adversarial_class: u32,
    /// The probabilities that it gives to these two classes.
    pub confidences: [f32; 2],
}

impl Looked {
    /// Attacks training samples of these rows with `network`, frozen, as training does in `epoch`; rows that are not in the training part are
    /// left out. Samples are taken as they are, without augmentation: a picture that moves from view to view cannot be compared.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] when the device no longer answers.
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

/// The attack on the batch that the next step trains on.
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

/// What is gathered for the next view.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Samples that were seen since the last view.
    seen: Vec<Seen>,
    /// Samples of the log that are in `seen` already, or were in a view.
    taken: usize,
    /// x^(K) of the steps since the last reading, for 2-D data.
    images: Vec<Tensor<2>>,
    /// Whether natural margins are due.
    margins_due: bool,
}

impl Watch {
    /// Takes over the samples of a run that goes on; where x^(K) was is not known of them.
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

    /// Takes what is new in `log`, all of which must have been read.
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

    /// An epoch is over; its log was taken.
    pub(super) fn next_epoch(&mut self) {
        self.taken = 0;
        self.margins_due = true;
    }
}

impl Session<'_> {
    /// Makes the view that the door wants, and shows it.
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

    /// The epoch whose starts are shown: the one that is on its way, or the last.
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
