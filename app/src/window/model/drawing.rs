//! Points that are drawn and erased by hand.

use std::path::{Path, PathBuf};

use gairat::{
    batch::shuffled,
    dataset::{self, Dataset, SampleShape, Samples},
    random::{Purpose, Stream},
};

/// Strokes that can be taken back.
const STROKES: usize = 100;
/// How far noise shifts a point at most.
const NOISE: f32 = 0.03;
/// A drawing needs so many points for its training, validation and test parts to hold anything.
const LEAST: usize = 20;

/// One point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drawn {
    /// Where, in [0, 1]².
    pub(crate) at: [f32; 2],
    /// Its class.
    pub(crate) class: usize,
}

/// A drawing, with what was before its last strokes.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    points: Vec<Drawn>,
    /// The class that is drawn; `None` erases.
    pub(crate) brush: Option<usize>,
    before: Vec<Vec<Drawn>>,
    after: Vec<Vec<Drawn>>,
    /// What was there when the stroke began, while one is drawn.
    stroke: Option<Vec<Drawn>>,
    last: Option<[f32; 2]>,
    noises: u64,
}

impl Drawing {
    /// Begins with the points of `dataset` that a run learns from and is chosen by.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        let parts = [&dataset.train, &dataset.validation];
        let all = parts.into_iter().flat_map(|part| part.pixels.chunks_exact(2).zip(&part.labels));
        let points = all.map(|(at, &label)| Drawn { at: [at[0], at[1]], class: label as usize });
        Self {
            points: points.collect(),
            brush: Some(0),
            before: Vec::new(),
            after: Vec::new(),
            stroke: None,
            last: None,
            noises: 0,
        }
    }

    /// What is there.
    pub(crate) fn points(&self) -> &[Drawn] {
        &self.points
    }

    /// Draws a point, if it is in the box and at least `apart` from the last one of the stroke.
    pub(crate) fn add(&mut self, at: [f32; 2], apart: f32) {
        let Some(class) = self.brush else { return };
        let inside = at.iter().all(|x| (0.0..=1.0).contains(x));
        let near = |last: [f32; 2]| (last[0] - at[0]).hypot(last[1] - at[1]) < apart;
        if inside && !self.last.is_some_and(near) {
            self.begin_stroke();
            self.points.push(Drawn { at, class });
            self.last = Some(at);
        }
    }

    /// Takes away what is within `reach`.
    pub(crate) fn erase(&mut self, at: [f32; 2], reach: f32) {
        let far = |point: &Drawn| (point.at[0] - at[0]).hypot(point.at[1] - at[1]) > reach;
        if !self.points.iter().all(far) {
            self.begin_stroke();
            self.points.retain(far);
        }
    }

    fn begin_stroke(&mut self) {
        if self.stroke.is_none() {
            self.stroke = Some(self.points.clone());
        }
    }

    /// A stroke is over: it can be taken back as one.
    pub(crate) fn end_stroke(&mut self) {
        self.last = None;
        if let Some(before) = self.stroke.take() {
            self.before.push(before);
            self.after.clear();
            if self.before.len() > STROKES {
                self.before.remove(0);
            }
        }
    }

    /// Shifts every point a little, inside the box.
    pub(crate) fn add_noise(&mut self) {
        self.begin_stroke();
        self.noises += 1;
        for (place, point) in self.points.iter_mut().enumerate() {
            let mut stream = Stream::new(self.noises, Purpose::Points, 0, place as u64);
            point.at = point.at.map(|x| (x + NOISE * stream.symmetric()).clamp(0.0, 1.0));
        }
        self.end_stroke();
    }

    /// Takes everything away.
    pub(crate) fn clear(&mut self) {
        self.begin_stroke();
        self.points.clear();
        self.end_stroke();
    }

    /// Takes the last stroke back.
    pub(crate) fn undo(&mut self) {
        self.end_stroke();
        if let Some(before) = self.before.pop() {
            self.after.push(std::mem::replace(&mut self.points, before));
        }
    }

    /// Does it again.
    pub(crate) fn redo(&mut self) {
        if let Some(after) = self.after.pop() {
            self.before.push(std::mem::replace(&mut self.points, after));
        }
    }

    /// Writes the points under `root`, in an order that mixes them: the test part is the last of them.
    pub(crate) fn save(&self, root: &Path) -> Result<PathBuf, String> {
        let classes = self.points.iter().map(|point| point.class).collect::<std::collections::BTreeSet<_>>();
        if self.points.len() < LEAST || classes.len() < 2 {
            return Err(format!(
                "The drawing has {} points of {} classes; draw at least {LEAST} of at least 2 classes.",
                self.points.len(),
                classes.len()
            ));
        }
        let mut samples = Samples::default();
        for place in shuffled(self.points.len(), 0, 0) {
            samples.pixels.extend(self.points[place].at);
            samples.labels.push(self.points[place].class as u32);
        }
        let folder = root.join("drawings");
        gairat::files::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let now = crate::platform::moment();
        let file = (1..100)
            .map(|number| folder.join(if number == 1 { format!("{now}.npz") } else { format!("{now}_{number}.npz") }))
            .find(|file| !gairat::files::exists(file))
            .ok_or_else(|| format!("{}: too many drawings of one second", folder.display()))?;
        dataset::write_samples(&file, SampleShape::Flat(2), &samples).map_err(|error| error.to_string())?;
        // A page has no other folder than its own.
        Ok(std::path::absolute(&file).unwrap_or(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Drawing {
        Drawing { points: Vec::new(), brush: Some(1), before: Vec::new(), after: Vec::new(), stroke: None, last: None, noises: 0 }
    }

    #[test]
    fn a_stroke_is_taken_back_as_one_and_done_again() {
        let mut drawing = empty();
        for x in [0.1, 0.101, 0.2, 1.2] {
            drawing.add([x, 0.5], 0.05);
        }
        drawing.end_stroke();
        assert_eq!(drawing.points().len(), 2, "too near and outside of the box is not drawn");
        drawing.erase([0.1, 0.5], 0.02);
        drawing.end_stroke();
        assert_eq!(drawing.points().len(), 1);
        drawing.undo();
        assert_eq!(drawing.points().len(), 2);
        drawing.undo();
        assert!(drawing.points().is_empty());
        drawing.redo();
        drawing.redo();
        assert_eq!(drawing.points().len(), 1);
        drawing.clear();
        drawing.redo();
        assert!(drawing.points().is_empty(), "a new stroke leaves nothing to do again");
    }

    #[test]
    fn noise_moves_every_point_a_little_and_keeps_it_in_the_box() {
        let mut drawing = empty();
        drawing.add([0.0, 1.0], 0.0);
        drawing.add([0.5, 0.5], 0.0);
        let before = drawing.points().to_vec();
        drawing.add_noise();
        for (before, after) in before.iter().zip(drawing.points()) {
            assert_ne!(before.at, after.at);
            for (x, moved) in before.at.iter().zip(after.at) {
                assert!((x - moved).abs() <= NOISE + 1e-6 && (0.0..=1.0).contains(&moved));
            }
        }
    }

    #[test]
    fn a_drawing_is_saved_whole_or_refused_with_what_is_lacking() {
        let root = tempfile::tempdir().unwrap();
        let mut drawing = empty();
        assert!(drawing.save(root.path()).unwrap_err().contains("at least 20"));
        for place in 0..30 {
            drawing.brush = Some(place % 2);
            drawing.add([place as f32 / 30.0, 0.5], 0.0);
        }
        let file = drawing.save(root.path()).unwrap();
        let dataset::Arrays { shape, samples, classes, .. } = dataset::read_arrays(&file).unwrap();
        assert_eq!((shape, samples.len(), classes), (SampleShape::Flat(2), 30, 2));
    }
}
