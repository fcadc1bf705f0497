//! The program's own account of how it draws: what `--frame-stats` prints.

use std::time::Duration;

use web_time::Instant;

use serde_json::{Value, json};

use crate::window::State;

/// Moments of a window's life.
#[derive(Debug)]
pub(crate) struct Frames {
    /// When the program was started.
    begun: Instant,
    first_frame: Option<Duration>,
    first_update: Option<Duration>,
    /// When each frame began.
    frames: Vec<Instant>,
    /// When new regions came.
    maps: Vec<Instant>,
    last_map: u64,
}

impl Frames {
    pub(crate) fn since(begun: Instant) -> Self {
        Self { begun, first_frame: None, first_update: None, frames: Vec::new(), maps: Vec::new(), last_map: 0 }
    }

    /// A frame begins.
    pub(crate) fn frame(&mut self, now: Instant) {
        self.frames.push(now);
        // The second frame begins when the first is on the screen.
        if self.frames.len() == 2 {
            self.first_frame = Some(now - self.begun);
        }
    }

    /// So many steps have been trained, and so many views have brought regions.
    pub(crate) fn progress(&mut self, now: Instant, steps: usize, map: Option<u64>) {
        if steps > 0 && self.first_update.is_none() {
            self.first_update = Some(now - self.begun);
        }
        if let Some(map) = map.filter(|map| *map != self.last_map) {
            self.last_map = map;
            self.maps.push(now);
        }
    }

    /// How long since the first frame.
    pub(crate) fn shown_for(&self) -> Duration {
        self.frames.first().map(Instant::elapsed).unwrap_or_default()
    }

    /// The figures, and what the window showed at its end.
    pub(crate) fn report(&self, state: &State) -> Value {
        let run = state.run();
        let mut report = self.figures();
        report["folder"] = json!(run.folder);
        report["device"] = json!(run.device);
        report["notices"] = json!(state.notices.iter().map(|notice| &notice.text).collect::<Vec<_>>());
        report["steps"] = json!(run.place.steps_done());
        report["selected"] = json!(state.selected);
        report["attack_step"] = json!(run.traced.as_ref().map(|traced| state.scrub_in(traced.points.len())));
        report
    }

    /// How it drew; frames are measured from the beginning of one to the beginning of the next, all waiting included. What the first
    /// two seconds hold (pipelines, fonts) is left out of them.
    fn figures(&self) -> Value {
        let settled = |moments: &[Instant]| -> Vec<Instant> {
            let from = self.frames.first().copied().unwrap_or(self.begun) + Duration::from_secs(2);
            moments.iter().copied().filter(|moment| *moment >= from).collect()
        };
        let frames = settled(&self.frames);
        let mut times: Vec<f64> = frames.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1))).copied();
        let maps = settled(&self.maps);
        let seconds = frames.first().zip(frames.last()).map_or(0.0, |(first, last)| (*last - *first).as_secs_f64());
        let ms = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64() * 1e3);
        json!({
            "first_frame_ms": ms(self.first_frame),
            "first_update_ms": ms(self.first_update),
            "frames": times.len(),
            "frame_ms_median": at(0.5),
            "frame_ms_p95": at(0.95),
            "frame_ms_max": times.last(),
            "maps_per_second": if seconds > 0.0 { maps.len() as f64 / seconds } else { 0.0 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_from_beginning_to_beginning_after_the_first_two_seconds() {
        let begun = Instant::now();
        let mut frames = Frames::since(begun);
        for tick in 0..400_u64 {
            let now = begun + Duration::from_millis(100 + 10 * tick);
            frames.frame(now);
            frames.progress(now, tick as usize, Some(tick / 20));
        }
        let report = frames.figures();
        assert_eq!(report["first_frame_ms"], 110.0);
        assert_eq!(report["first_update_ms"], 110.0);
        assert_eq!(report["frame_ms_median"], 10.0);
        assert_eq!(report["frames"], 199);
        assert!((report["maps_per_second"].as_f64().unwrap() - 5.0).abs() < 0.6, "{report}");
    }
}
