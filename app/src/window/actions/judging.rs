//! Having the runs judge their networks.

use gairat::session::{Command, Trial};

use crate::window::model::{State, views::JudgeView};

/// Multiples of ε at which the curve is drawn.
const RADII: [f32; 6] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0];

/// Has the runs judge their networks: on the test part and on the selected sample, or on the sample alone.
pub(crate) fn begin(state: &mut State, test: bool) {
    let JudgeView { attacks, weights, curve } = state.judge;
    let trial = Trial {
        attacks: attacks.to_owned(),
        weights,
        test,
        radii: if curve && test { RADII.to_vec() } else { Vec::new() },
        sample: state.selected,
    };
    let mut asked = false;
    for run in &mut state.runs {
        if run.judgements.under_way.is_some() {
            // One at a time.
            asked = true;
        } else if let Some(live) = run.live.as_ref().filter(|live| !live.is_over()) {
            live.command(Command::Judge(trial.clone()));
            run.judgements.expect();
            asked = true;
        }
    }
    if !asked {
        state.say(
            "The run has ended, so its network cannot be judged now. Open it again (Ctrl+O), or start a new run (R).",
            false,
        );
    }
}

/// Judges no more.
pub(crate) fn stop(state: &mut State) {
    for run in &mut state.runs {
        if let Some(live) = &run.live {
            live.stop_judging();
        }
        // One that has not begun says nothing more.
        run.judgements.give_up_waiting();
    }
}
