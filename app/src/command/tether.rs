//! A process that ends with the one that started it: its standard input is a pipe that stays open as long as that one lives. The same on
//! every system, and it lets a run save what it has, which a kill does not.

use std::{io::Read as _, thread};

use clap::{Arg, ArgAction, ArgMatches};

/// The name of the flag.
pub(super) const FLAG: &str = "until-stdin-closes";

/// The flag, for programs alone.
pub(super) fn arg() -> Arg {
    Arg::new(FLAG).long(FLAG).action(ArgAction::SetTrue).hide(true)
}

/// Does `then` when standard input is closed, if that was asked for.
pub(super) fn watch(matches: &ArgMatches, then: impl FnOnce() + Send + 'static) {
    if !matches.get_flag(FLAG) {
        return;
    }
    thread::spawn(move || {
        let mut bytes = [0; 64];
        // No process writes to it; a broken pipe counts as closed too.
        while std::io::stdin().read(&mut bytes).is_ok_and(|read| read > 0) {}
        then();
    });
}
