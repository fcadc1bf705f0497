//! Play, pause, one batch, speed, and two runs in lockstep: decides which run may do the next step, and when.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use web_time::Instant;

use crate::platform::rest::Bell;

/// The longest wait of a run before it checks the gate again; the bell wakes it earlier.
const NAP: Duration = Duration::from_millis(500);

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The next step.
    Step,
    /// Nothing yet: rest for so long at most, or until the bell rings, and ask again.
    Wait(Duration),
}

/// The gate of all runs of one window.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    bell: Bell,
}

#[derive(Debug)]
struct State {
    playing: bool,
    /// Steps a second.
    speed: f64,
    /// Every member may have done so many steps, whether or not it is playing.
    allowed: u64,
    /// When playing allows the next one.
    due: Instant,
    /// Steps that each member has done since it was let in; `None` for one that is out.
    done: Vec<Option<u64>>,
    /// No member may do more steps.
    limit: u64,
    /// The limit of steps until the next call to play or step.
    rest_at: u64,
    /// Steps of all members so far.
    granted: u64,
}

impl Gate {
    pub(crate) fn new(playing: bool, speed: f64) -> Self {
        let state = State {
            playing,
            speed,
            allowed: 0,
            due: Instant::now(),
            done: Vec::new(),
            granted: 0,
            limit: u64::MAX,
            rest_at: u64::MAX,
        };
        Self { state: Mutex::new(state), bell: Bell::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the numbers half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets so many members in, all from the beginning.
    pub(crate) fn open_for(&self, members: usize) {
        let mut state = self.state();
        state.done = vec![Some(0); members];
        state.allowed = 0;
        state.due = Instant::now();
        self.bell.ring();
    }

    /// A member has nothing left to do: the others need not wait for it.
    pub(crate) fn leave(&self, member: usize) {
        if let Some(done) = self.state().done.get_mut(member) {
            *done = None;
        }
        self.bell.ring();
    }

    /// A member has something to do again: from where the others are.
    pub(crate) fn enter(&self, member: usize) {
        let mut state = self.state();
        let least = state.done.iter().flatten().min().copied().unwrap_or(state.allowed);
        if let Some(done) = state.done.get_mut(member) {
            done.get_or_insert(least);
        }
    }

    #[allow(dead_code, reason = "the page keeps this on its own side of the worker")]
    pub(crate) fn playing(&self) -> bool {
        self.state().playing
    }

    pub(crate) fn play(&self, playing: bool) {
        let mut state = self.state();
        (state.playing, state.rest_at) = (playing, u64::MAX);
        if playing {
            state.due = Instant::now();
        } else {
            // What one member has begun the others still do, so that they stay beside each other.
            state.allowed = state.done.iter().flatten().max().copied().unwrap_or(0);
        }
        self.bell.ring();
    }

    /// Plays until every member has done so many steps, and lets them rest there.
    pub(crate) fn play_until(&self, steps: u64) {
        let mut state = self.state();
        (state.playing, state.rest_at, state.due) = (true, steps, Instant::now());
        self.bell.ring();
    }

    /// Allows one more step to every member.
    pub(crate) fn one_step(&self) {
        let mut state = self.state();
        (state.playing, state.rest_at) = (false, u64::MAX);
        state.allowed = state.done.iter().flatten().max().copied().unwrap_or(0) + 1;
        self.bell.ring();
    }

    /// Steps that all members together were allowed so far.
    pub(crate) fn granted(&self) -> u64 {
        self.state().granted
    }

    /// Plays until every member has done this many steps, and no further.
    #[allow(dead_code, reason = "only pictures of the desktop stop so")]
    pub(crate) fn stop_at(&self, steps: u64) {
        let mut state = self.state();
        state.playing = false;
        state.allowed = steps;
        state.limit = steps;
        self.bell.ring();
    }

    /// Steps a second from now on.
    pub(crate) fn set_speed(&self, speed: f64) {
        let mut state = self.state();
        state.speed = speed;
        state.due = Instant::now();
        self.bell.ring();
    }

    /// Wakes all waiting runs.
    pub(crate) fn wake(&self) {
        self.bell.ring();
    }

    /// What `member` may do now.
    pub(crate) fn turn(&self, member: usize) -> Turn {
        let mut state = self.state();
        let now = Instant::now();
        if state.may_step(member, now) {
            let turn = state.step(member);
            if state.done.len() > 1 {
                // Another may wait for this one.
                self.bell.ring();
            }
            return turn;
        }
        let due = if state.playing { state.due.saturating_duration_since(now) } else { NAP };
        Turn::Wait(due.min(NAP))
    }

    /// Rests until the bell rings, and for `nap` at most.
    pub(crate) async fn rest(&self, nap: Duration) {
        self.bell.rest(nap).await;
    }
}

impl State {
    fn may_step(&mut self, member: usize, now: Instant) -> bool {
        let Some(Some(done)) = self.done.get(member).copied() else { return false };
        let least = self.done.iter().flatten().min().copied().unwrap_or(done);
        if done > least || done >= self.limit.min(self.rest_at) {
            return false;
        }
        if done >= self.allowed && self.playing && now >= self.due {
            self.allowed = done + 1;
            let between = Duration::from_secs_f64((1.0 / self.speed).clamp(0.0, 10.0));
            // A run that cannot keep up does not make up for it later.
            self.due = (self.due + between).max(now);
        }
        done < self.allowed
    }

    fn step(&mut self, member: usize) -> Turn {
        if let Some(Some(done)) = self.done.get_mut(member) {
            *done += 1;
            self.granted += 1;
        }
        Turn::Step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps a second that mean "as fast as it goes".
    const UNLIMITED: f64 = f64::INFINITY;

    /// Turns that `member` gets in a row.
    fn turns(gate: &Gate, member: usize) -> usize {
        (0..100).take_while(|_| gate.turn(member) == Turn::Step).count()
    }

    #[test]
    fn a_paused_run_does_one_step_for_each_that_is_asked_for() {
        let gate = Gate::new(false, UNLIMITED);
        gate.open_for(1);
        assert_eq!(turns(&gate, 0), 0);
        gate.one_step();
        assert_eq!(turns(&gate, 0), 1);
        gate.play(true);
        assert_eq!(turns(&gate, 0), 100);
        gate.play(false);
        assert_eq!(turns(&gate, 0), 0);
    }

    #[test]
    fn two_runs_are_never_more_than_one_step_apart_and_stop_beside_each_other() {
        let gate = Gate::new(true, UNLIMITED);
        gate.open_for(2);
        assert_eq!((turns(&gate, 0), turns(&gate, 1), turns(&gate, 0)), (1, 2, 2));
        gate.play(false);
        // The first is one ahead; the second catches up and both rest.
        assert_eq!((turns(&gate, 0), turns(&gate, 1), turns(&gate, 0)), (0, 1, 0));
        gate.leave(1);
        gate.play(true);
        assert_eq!(turns(&gate, 0), 100);
    }

    #[test]
    fn runs_that_play_up_to_a_step_rest_there_until_they_play_again() {
        let gate = Gate::new(false, UNLIMITED);
        gate.open_for(2);
        gate.play_until(3);
        let both = |gate: &Gate| (0..20).map(|_| turns(gate, 0) + turns(gate, 1)).sum::<usize>();
        assert_eq!(both(&gate), 6);
        gate.play_until(3);
        assert_eq!(both(&gate), 0);
        gate.one_step();
        assert_eq!(both(&gate), 2);
        gate.play(true);
        assert!(both(&gate) > 20);
    }

    #[test]
    fn a_speed_is_kept() {
        let gate = Gate::new(true, 200.0);
        gate.open_for(1);
        let begun = Instant::now();
        let mut steps = 0;
        while begun.elapsed() < Duration::from_millis(300) {
            steps += u32::from(gate.turn(0) == Turn::Step);
        }
        // A busy machine may be late, never early.
        assert!((2..=61).contains(&steps), "{steps}");
    }
}
