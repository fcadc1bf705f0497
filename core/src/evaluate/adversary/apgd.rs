//! Auto-PGD with momentum: when the loss no longer rises, it halves the step size and restarts from the best point. `apgd-ce`, `apgd-dlr`,
//! `apgd-t` and `mifpe` share it and differ in their loss.

use burn::tensor::{Device, Tensor};

use super::{
    About, Adversary, Halt, Norm, Pursuit, Subjects, Threat, Victim,
    restarts::{self, Best},
};
use crate::{
    device,
    evaluate::{Aim, Ball, Kept, LogitLoss, indices, mask},
    random::Stream,
};

/// Share of the gradient step in a step; the rest goes on as before.
const MOMENTUM: f64 = 0.75;
/// Share of rises in a window below which the steps are halved.
const RISES: f64 = 0.75;
/// Rows that have been broken leave the batch where they are at least so large a share of it.
const LEAVE: f64 = 0.125;

/// The fewest steps between two reads of which samples are broken: each read waits for the device.
const ASK_EVERY: u32 = 15;

/// One run of Auto-PGD on every sample, or on every sample and target.
pub(super) struct Apgd<'l> {
    pub(super) steps: u32,
    pub(super) loss: LogitLoss<'l>,
    /// Names the random numbers of each round's start.
    pub(super) starts: Vec<String>,
}

/// Steps after which the step size is judged, counted from 1: 22, 41, 57, 70, 80, 87, 93, 99 of 100.
pub(super) fn checkpoints(steps: u32) -> Vec<u32> {
    let share = |of: f64| ((of * f64::from(steps)) as u32).max(1);
    let (mut window, least, less) = (share(0.22), share(0.06), share(0.03));
    let mut points = Vec::new();
    let mut at = window;
    while at <= steps {
        points.push(at);
        window = window.saturating_sub(less).max(least);
        at += window;
    }
    points
}

/// The rows of a run: N samples, or N samples for each of several targets.
struct Rows {
    ball: Ball,
    aim: Aim,
    /// Which sample each row is.
    sample: Vec<usize>,
    images: Tensor<2>,
    before: Tensor<2>,
    gradient: Tensor<2>,
    best: Tensor<2>,
    best_gradient: Tensor<2>,
    kept: Kept,
    best_loss: Tensor<1>,
    last_loss: Tensor<1>,
    /// Rises of the loss in this window.
    rises: Tensor<1>,
    /// A step's length, in pixel units.
    size: Tensor<1>,
    /// The best loss at the checkpoint before.
    checked_loss: Tensor<1>,
    /// 1 where the step size was halved at the checkpoint before.
    halved: Tensor<1>,
}

impl Rows {
    fn select(&mut self, rows: &[usize], device: &Device) {
        let places: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let places = indices(&places, device);
        let select = |tensor: &mut Tensor<2>| *tensor = tensor.clone().select(0, places.clone());
        [&mut self.images, &mut self.before, &mut self.gradient, &mut self.best, &mut self.best_gradient, &mut self.kept.images]
            .into_iter()
            .for_each(select);
        let select = |tensor: &mut Tensor<1>| *tensor = tensor.clone().select(0, places.clone());
        [
            &mut self.kept.wrong,
            &mut self.kept.score,
            &mut self.best_loss,
            &mut self.last_loss,
            &mut self.rises,
            &mut self.size,
            &mut self.checked_loss,
            &mut self.halved,
        ]
        .into_iter()
        .for_each(select);
        self.ball = self.ball.select(&places);
        self.aim = self.aim.select(&places);
        self.sample = rows.iter().map(|&row| self.sample[row]).collect();
    }
}

impl Apgd<'_> {
    /// Of each subject the first misclassified image found, else the one of least margin. `aim` has a row for each sample and each of the
    /// starts, one round after the other.
    pub(super) async fn run(&self, victim: &mut Victim<'_>, subjects: &Subjects, aim: Aim, threat: Threat) -> Result<Kept, Halt> {
        let (samples, device) = (subjects.len(), victim.device().clone());
        let rounds = self.starts.len();
        let repeated = subjects.repeat(rounds);
        let ball = subjects.ball(threat).select(&repeated);
        let draw = if threat.norm == Norm::L2 { Stream::normal } else { Stream::symmetric };
        let noise: Vec<Tensor<2>> = self.starts.iter().map(|start| subjects.noise(threat, start, draw)).collect();
        let images = ball.start_on_surface(Tensor::cat(noise, 0));
        let slope = victim.gradient(&images, self.loss, &aim).await?;
        let kept = Kept::new(images.clone(), &slope.logits, &aim.labels);
        let zero = slope.losses.zeros_like();
        let mut rows = Rows {
            sample: (0..rounds).flat_map(|_| 0..samples).collect(),
            before: images.clone(),
            best: images.clone(),
            images,
            best_gradient: slope.gradient.clone(),
            gradient: slope.gradient,
            kept,
            checked_loss: slope.losses.clone(),
            best_loss: slope.losses,
            // The official code compares the first loss with a row of zeros.
            last_loss: zero.clone(),
            rises: zero.clone(),
            size: zero.clone().add_scalar(2.0 * ball.epsilon()),
            // So that the first checkpoint judges by the rises alone.
            halved: zero.add_scalar(1.0),
            ball,
            aim,
        };
        let mut found = Found { device: device.clone(), parts: Vec::new(), samples };
        let checkpoints = checkpoints(self.steps);
        let (mut since, mut asked) = (0, 0);
        for step in 1..=self.steps {
            self.step(victim, &mut rows, step).await?;
            since += 1;
            if !checkpoints.contains(&step) {
                continue;
            }
            judge_step_size(&mut rows, since);
            since = 0;
            if step == self.steps || step < asked + ASK_EVERY {
                continue;
            }
            asked = step;
            if !found.keep_going(&mut rows).await? {
                break;
            }
        }
        found.take(&rows);
        found.of_every_sample().await
    }

    /// A step, and what it has come to.
    async fn step(&self, victim: &mut Victim<'_>, rows: &mut Rows, step: u32) -> Result<(), Halt> {
        let [count, width] = rows.images.dims();
        let along = rows.ball.direction(rows.gradient.clone()) * rows.size.clone().reshape([count, 1]);
        let stepped = rows.ball.project(rows.images.clone() + along);
        let next = if step == 1 {
            stepped
        } else {
            let onwards = (rows.images.clone() - rows.before.clone()).mul_scalar(1.0 - MOMENTUM);
            let part = (stepped - rows.images.clone()).mul_scalar(MOMENTUM);
            rows.ball.project(rows.images.clone() + part + onwards)
        };
        rows.before = std::mem::replace(&mut rows.images, next);
        let slope = victim.gradient(&rows.images, self.loss, &rows.aim).await?;
        rows.kept.see(&rows.images, &slope.logits, &rows.aim.labels);
        rows.gradient = slope.gradient;
        rows.rises = rows.rises.clone() + slope.losses.clone().greater(rows.last_loss.clone()).float();
        rows.last_loss = slope.losses.clone();
        let better = slope.losses.clone().greater(rows.best_loss.clone());
        let wide = better.clone().reshape([count, 1]).expand([count, width]);
        rows.best = rows.best.clone().mask_where(wide.clone(), rows.images.clone());
        rows.best_gradient = rows.best_gradient.clone().mask_where(wide, rows.gradient.clone());
        rows.best_loss = rows.best_loss.clone().mask_where(better, slope.losses);
        Ok(())
    }
}

/// At a checkpoint: where the loss rose too seldom in a window of so many steps, or did not improve since the last one without the step
/// size having been halved there, the step size is halved and the best point is the next one.
fn judge_step_size(rows: &mut Rows, window: u32) {
    let width = rows.images.dims()[1];
    let seldom = rows.rises.clone().lower_equal_elem(RISES * f64::from(window)).float();
    let no_better = rows.checked_loss.clone().greater_equal(rows.best_loss.clone()).float();
    let halve = seldom.max_pair(rows.halved.clone().neg().add_scalar(1.0) * no_better);
    rows.size = rows.size.clone() * halve.clone().mul_scalar(-0.5).add_scalar(1.0);
    let back = mask(&halve, width);
    rows.images = rows.images.clone().mask_where(back.clone(), rows.best.clone());
    rows.gradient = rows.gradient.clone().mask_where(back, rows.best_gradient.clone());
    rows.checked_loss = rows.best_loss.clone();
    rows.rises = rows.rises.zeros_like();
    rows.halved = halve;
}

/// What was found of rows that have left.
struct Found {
    device: Device,
    /// Samples, images and verdicts of rows.
    parts: Vec<(Vec<usize>, Kept)>,
    samples: usize,
}

impl Found {
    /// Lets rows of broken samples leave, where they are many; whether rows are left.
    async fn keep_going(&mut self, rows: &mut Rows) -> Result<bool, Halt> {
        let wrong = device::read(rows.kept.wrong.clone()).await?;
        let mut broken = vec![false; self.samples];
        rows.sample.iter().zip(&wrong).for_each(|(&sample, &wrong)| broken[sample] |= wrong > 0.5);
        let left: Vec<usize> = (0..rows.sample.len()).filter(|&row| !broken[rows.sample[row]]).collect();
        if left.is_empty() {
            return Ok(false);
        }
        if ((rows.sample.len() - left.len()) as f64) < LEAVE * rows.sample.len() as f64 {
            return Ok(true);
        }
        self.take(rows);
        rows.select(&left, &self.device);
        Ok(true)
    }

    /// Takes down what the rows have come to.
    fn take(&mut self, rows: &Rows) {
        self.parts.push((rows.sample.clone(), rows.kept.clone()));
    }

    /// Of every sample the best image of all its rows.
    async fn of_every_sample(self) -> Result<Kept, Halt> {
        let sample: Vec<usize> = self.parts.iter().flat_map(|(sample, _)| sample.iter().copied()).collect();
        let together = |part: fn(&Kept) -> &Tensor<1>| -> Tensor<1> {
            Tensor::cat(self.parts.iter().map(|(_, kept)| part(kept).clone()).collect(), 0)
        };
        let (wrong, score) = (together(|kept| &kept.wrong), together(|kept| &kept.score));
        let images = Tensor::cat(self.parts.into_iter().map(|(_, kept)| kept.images).collect(), 0);
        let scores = device::read(score.clone()).await?;
        let mut row_of: Vec<Option<usize>> = vec![None; self.samples];
        for (row, &sample) in sample.iter().enumerate() {
            if row_of[sample].is_none_or(|best| scores[row] < scores[best]) {
                row_of[sample] = Some(row);
            }
        }
        let rows: Vec<i32> = row_of.into_iter().map(|row| row.map_or(0, |row| row as i32)).collect();
        let rows = indices(&rows, &self.device);
        Ok(Kept { images: images.select(0, rows.clone()), wrong: wrong.select(0, rows.clone()), score: score.select(0, rows) })
    }
}

/// Auto-PGD away from the label, from so many starts: what `apgd-ce`, `apgd-dlr` and `mifpe` are, each with a loss of its own.
#[derive(Debug)]
pub(super) struct Untargeted {
    pub(super) about: &'static About,
    /// Steps and restarts.
    pub(super) numbers: [u32; 2],
    pub(super) loss: fn(Tensor<2>, &Aim) -> Tensor<1>,
}

impl Adversary for Untargeted {
    fn about(&self) -> &'static About {
        self.about
    }

    fn numbers(&self) -> Vec<u32> {
        self.numbers.to_vec()
    }

    fn passes(&self, _classes: usize) -> u64 {
        let [steps, restarts] = self.numbers.map(u64::from);
        2 * restarts * (steps + 1)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let [steps, restarts] = self.numbers;
            let mut best = Best::default();
            for group in restarts::groups(restarts) {
                let starts: Vec<String> = group.clone().map(|restart| format!("{} {restart} 0", self.about.name)).collect();
                let aim = restarts::aim(subjects, starts.len());
                let found = Apgd { steps, loss: &self.loss, starts }.run(victim, subjects, aim, threat).await?;
                if best.see(found, &group, restarts).await? {
                    break;
                }
            }
            Ok(best.images(subjects))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::checkpoints;

    #[test]
    fn the_step_size_is_judged_after_the_published_steps() {
        assert_eq!(checkpoints(100), [22, 41, 57, 70, 80, 87, 93, 99]);
        assert_eq!(checkpoints(20), [4, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    }
}
