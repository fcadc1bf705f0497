//! The network under attack: its logits, and the gradient of any loss of the logits. An onlooker can follow and stop the passes.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use web_time::{Duration, Instant};

use super::Onlooker;
use crate::{
    attack::{
        Adversarial, Attack, CountSettings, LossKind, Path, count,
        loss_gradient_and_count::{KAPPA, MARGIN, RECORD},
    },
    batch::Batch,
    checkpoint::CheckpointError,
    dataset::SampleShape,
    device::{self, DeviceError},
    kernels::{cpu, wgpu},
    loss::Labels,
    model::{Classifier, logits_in_slices},
    pace,
};

/// The time between two questions to the onlooker.
const ASK_EVERY: Duration = Duration::from_millis(15);

/// Why an attack ended early.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Halt {
    /// The onlooker stopped it.
    #[error("stopped")]
    Stopped,
    /// The device was lost.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The ledger could not store a verdict.
    #[error(transparent)]
    Ledger(#[from] CheckpointError),
}

/// The aim of an attack: away from the labels, or towards other classes.
#[derive(Clone, Debug)]
pub struct Aim {
    /// The labels: N.
    pub labels: Labels,
    /// The target class of each sample, for targeted attacks.
    pub targets: Option<Labels>,
}

impl Aim {
    /// Away from the labels.
    pub fn away(labels: Labels) -> Self {
        Self { labels, targets: None }
    }

    /// The aims of these samples.
    #[must_use]
    pub fn rows(&self, rows: Range<usize>) -> Self {
        Self { labels: self.labels.rows(rows.clone()), targets: self.targets.as_ref().map(|targets| targets.rows(rows)) }
    }

    /// The aims of some samples.
    #[must_use]
    pub fn select(&self, rows: &Tensor<1, Int>) -> Self {
        Self { labels: self.labels.select(rows), targets: self.targets.as_ref().map(|targets| targets.select(rows)) }
    }
}

/// A loss of logits (N x C, tracked) that an attack maximises: N numbers.
pub type LogitLoss<'a> = &'a dyn Fn(Tensor<2>, &Aim) -> Tensor<1>;

/// The result of a forward and a backward pass.
#[derive(Clone, Debug)]
pub struct Slope {
    /// N x C.
    pub logits: Tensor<2>,
    /// N.
    pub losses: Tensor<1>,
    /// The gradient of the losses with respect to the images: N x D.
    pub gradient: Tensor<2>,
}

/// The implementations of the passes.
enum Passes {
    /// In SIMD lanes on the CPU, for networks that are a list of layers.
    Lanes(cpu::Passes),
    /// Whole networks on a GPU, for networks that are a list of layers.
    OnGpu(wgpu::Passes),
    /// Layer by layer through the tensor library; on a GPU `together` samples at a time.
    Composed { together: Option<usize> },
}

/// A frozen network under attack.
pub struct Victim<'a> {
    network: &'a dyn Classifier,
    passes: Passes,
    shape: SampleShape,
    classes: usize,
    device: &'a Device,
    onlooker: &'a mut dyn Onlooker,
    asked: Instant,
}

impl<'a> Victim<'a> {
    /// A victim from a frozen network for samples of `shape`. [`Path::Composed`] forces passes layer by layer.
    pub fn new(
        network: &'a dyn Classifier,
        shape: SampleShape,
        path: Path,
        device: &'a Device,
        onlooker: &'a mut dyn Onlooker,
    ) -> Self {
        let program = network.program().filter(crate::model::Program::is_frozen);
        let composed = |program: Option<&crate::model::Program>| Passes::Composed {
            together: program
                .filter(|_| !device::is_cpu(device))
                .map(|program| pace::samples_together(program.layers.multiplications())),
        };
        let passes = match &program {
            Some(program) if path != Path::Composed && device::is_cpu(device) => {
                let parameters = program.parameters().into_data().iter::<f32>().collect::<Vec<_>>();
                Passes::Lanes(cpu::Passes::new(&program.layers, &parameters))
            }
            Some(program) if path != Path::Composed => {
                wgpu::Passes::new(program, device).map_or_else(|| composed(Some(program)), Passes::OnGpu)
            }
            program => composed(program.as_ref()),
        };
        let classes = match &passes {
            Passes::Lanes(passes) => passes.classes(),
            Passes::OnGpu(passes) => passes.classes(),
            Passes::Composed { .. } => network.logits(Tensor::zeros([1, shape.len()], device)).dims()[1],
        };
        Self { network, passes, shape, classes, device, onlooker, asked: Instant::now() }
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The shape of a sample.
    pub fn shape(&self) -> SampleShape {
        self.shape
    }

    /// The device that computes.
    pub fn device(&self) -> &'a Device {
        self.device
    }

    /// The logits of `images` (N x D): N x C.
    ///
    /// # Errors
    /// [`Halt`].
    pub async fn logits(&mut self, images: &Tensor<2>) -> Result<Tensor<2>, Halt> {
        self.ask().await?;
        match &mut self.passes {
            Passes::Lanes(passes) => {
                let pixels = device::read(images.clone()).await?;
                let (samples, logits) = (images.dims()[0], passes.logits(&pixels));
                Ok(Tensor::from_data(TensorData::new(logits, [samples, self.classes]), self.device))
            }
            Passes::OnGpu(passes) => Ok(passes.logits(images)),
            Passes::Composed { together } => Ok(logits_in_slices(self.network, images.clone(), *together)),
        }
    }

    /// The logits of `images`, a loss of them and its gradient.
    ///
    /// # Errors
    /// [`Halt`].
    pub async fn gradient(&mut self, images: &Tensor<2>, loss: LogitLoss<'_>, aim: &Aim) -> Result<Slope, Halt> {
        let samples = images.dims()[0];
        let together = match &self.passes {
            Passes::Lanes(passes) => passes.together(),
            Passes::OnGpu(passes) => passes.together(),
            Passes::Composed { together } => together.unwrap_or(samples).max(1),
        };
        if together >= samples {
            return self.gradient_of(images.clone(), loss, aim).await;
        }
        let mut parts = Vec::with_capacity(samples.div_ceil(together));
        for first in (0..samples).step_by(together) {
            let rows = first..(first + together).min(samples);
            parts.push(self.gradient_of(images.clone().slice([rows.clone()]), loss, &aim.rows(rows)).await?);
        }
        Ok(Slope {
            logits: Tensor::cat(parts.iter().map(|part| part.logits.clone()).collect(), 0),
            losses: Tensor::cat(parts.iter().map(|part| part.losses.clone()).collect(), 0),
            gradient: Tensor::cat(parts.into_iter().map(|part| part.gradient).collect(), 0),
        })
    }

    /// The same for images that pass through the network at once.
    async fn gradient_of(&mut self, images: Tensor<2>, loss: LogitLoss<'_>, aim: &Aim) -> Result<Slope, Halt> {
        self.ask().await?;
        // The loss's gradient at the logits, for passes that go back from there.
        let slopes_of = |logits: &Tensor<2>| {
            let tracked = logits.clone().autodiff().require_grad();
            let losses = loss(tracked.clone(), aim);
            let slopes = tracked.grad(&losses.backward()).map_or_else(|| logits.zeros_like(), Tensor::inner);
            (losses.inner(), slopes)
        };
        match &mut self.passes {
            Passes::Lanes(passes) => {
                let [samples, pixels] = images.dims();
                let images = device::read(images).await?;
                let logits = TensorData::new(passes.forward(&images), [samples, self.classes]);
                let logits = Tensor::<2>::from_data(logits, self.device);
                let (losses, slopes) = slopes_of(&logits);
                let gradient = passes.backward(&device::read(slopes).await?);
                let gradient = Tensor::from_data(TensorData::new(gradient, [samples, pixels]), self.device);
                Ok(Slope { logits, losses, gradient })
            }
            Passes::OnGpu(passes) => {
                let logits = passes.forward(&images);
                let (losses, slopes) = slopes_of(&logits);
                Ok(Slope { logits, losses, gradient: passes.backward(&slopes) })
            }
            Passes::Composed { .. } => {
                let tracked = images.clone().autodiff().require_grad();
                let logits = self.network.logits(tracked.clone());
                let losses = loss(logits.clone(), aim);
                let gradient = tracked.grad(&losses.backward()).map_or_else(|| images.zeros_like(), Tensor::inner);
                Ok(Slope { logits: logits.inner(), losses: losses.inner(), gradient })
            }
        }
    }

    /// Runs an attack of fixed steps, as one operation if possible.
    ///
    /// # Errors
    /// [`Halt`].
    pub async fn fixed_steps(&mut self, attack: &Attack, batch: &Batch) -> Result<Adversarial, Halt> {
        self.ask().await?;
        Ok(attack.run(self.network, batch))
    }

    /// The onlooker.
    pub(super) fn onlooker(&mut self) -> &mut dyn Onlooker {
        self.onlooker
    }

    /// Lets the onlooker stop the attack, at most every [`ASK_EVERY`].
    async fn ask(&mut self) -> Result<(), Halt> {
        if self.asked.elapsed() < ASK_EVERY {
            return Ok(());
        }
        let stops = self.onlooker.stops().await;
        self.asked = Instant::now();
        if stops { Err(Halt::Stopped) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Victim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Victim").field("shape", &self.shape).field("classes", &self.classes).finish_non_exhaustive()
    }
}

/// The verdict of logits on samples.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// 1 where the sample is misclassified (ties go to the lowest class), else 0: N.
    pub wrong: Tensor<1>,
    /// z_y − max other: N.
    pub margin: Tensor<1>,
}

impl Verdict {
    /// Of logits (N x C).
    pub fn of(logits: &Tensor<2>, labels: &Labels) -> Self {
        let samples = labels.len();
        let nothing = Tensor::from_data(TensorData::new(vec![0.0_f32; samples * RECORD], [samples, RECORD]), &logits.device());
        let settings = CountSettings { kind: LossKind::CwMargin, step: 0, never: 0 };
        let records = count(logits.clone(), labels.class.clone(), logits.clone(), nothing, settings).records;
        let column = |place: usize| records.clone().slice([0..samples, place..place + 1]).reshape([samples]);
        Self { wrong: column(KAPPA).neg().add_scalar(1.0), margin: column(MARGIN) }
    }
}
