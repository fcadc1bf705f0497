//! The adapter on which kernels are tested: `GAIRAT_TEST_ADAPTER` names it (CI names its software adapter, and fails without it);
//! otherwise llvmpipe, Mesa's software adapter, where there is one, else the first that runs the attack.

use std::{
    ops::Deref,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use gairat::device::{Chosen, adapters, choose};

static ADAPTER: OnceLock<Option<Chosen>> = OnceLock::new();

/// The adapter while it is one test's turn: how fast it is and what is sent to it is counted for the whole program.
pub(crate) struct Turn {
    chosen: Chosen,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Turn {
    type Target = Chosen;

    fn deref(&self) -> &Chosen {
        &self.chosen
    }
}

/// The adapter, for one test at a time.
pub(crate) fn adapter() -> Option<Turn> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed in its turn leaves nothing behind.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    Some(Turn { chosen: opened()?, _turn: turn })
}

/// The adapter, opened once; `None`, with a line that says so, on a machine that has none.
fn opened() -> Option<Chosen> {
    ADAPTER
        .get_or_init(|| {
            pollster::block_on(async {
                if let Ok(name) = std::env::var("GAIRAT_TEST_ADAPTER") {
                    return Some(choose(&name).await.expect("GAIRAT_TEST_ADAPTER names an adapter"));
                }
                let found = adapters().await;
                let fit = |name: &str| found.iter().find(|adapter| adapter.problem.is_none() && adapter.name.contains(name));
                let Some(adapter) = fit("llvmpipe").or_else(|| fit("")) else {
                    eprintln!("NOT TESTED: this machine has no adapter; only the CPU backend was tested");
                    return None;
                };
                Some(choose(&adapter.name).await.expect("an adapter that is listed opens"))
            })
        })
        .clone()
}

/// The CPU backend, and the adapter if there is one.
pub(crate) fn devices() -> Vec<Chosen> {
    [Some(Chosen::cpu("tested")), opened()].into_iter().flatten().collect()
}
