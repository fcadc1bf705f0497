//! Standard output and standard error, which may be full or closed.
//!
//! `println!` panics where nothing can be written. Here a reader that has gone away (`gairat devices | head -1`) ends the program quietly, with
//! the code that a shell gives a program that a closed pipe ended; a full disk ends it with a sentence. What cannot be told on standard
//! error is not told: there is nowhere left.

use std::{
    fmt,
    io::{self, Write as _},
    process,
};

/// 128 and the number of SIGPIPE.
const CLOSED: i32 = 141;

/// Writes to standard output, without colours where it is no terminal.
pub(crate) fn put(text: fmt::Arguments<'_>) {
    let mut out = anstream::stdout().lock();
    if let Err(cause) = out.write_fmt(text).and_then(|()| out.flush()) {
        drop(out);
        end(&cause);
    }
}

/// Ends the program because standard output takes nothing more.
pub(crate) fn end(cause: &io::Error) -> ! {
    if cause.kind() == io::ErrorKind::BrokenPipe {
        process::exit(CLOSED);
    }
    error(format_args!("error: standard output cannot be written: {cause}. Check the free space where it goes.\n"));
    process::exit(1);
}

pub(crate) fn error(text: fmt::Arguments<'_>) {
    // A closed standard error does not stop the work.
    let _ = anstream::stderr().lock().write_fmt(text);
}

/// A line on standard output.
macro_rules! say {
    () => { $crate::terminal::output::put(format_args!("\n")) };
    ($($text:tt)*) => { $crate::terminal::output::put(format_args!("{}\n", format_args!($($text)*))) };
}

/// A part of a line on standard output.
macro_rules! say_part {
    ($($text:tt)*) => { $crate::terminal::output::put(format_args!($($text)*)) };
}

/// A line on standard error.
macro_rules! tell {
    ($($text:tt)*) => { $crate::terminal::output::error(format_args!("{}\n", format_args!($($text)*))) };
}

/// A part of a line on standard error.
macro_rules! tell_part {
    ($($text:tt)*) => { $crate::terminal::output::error(format_args!($($text)*)) };
}

pub(crate) use {say, say_part, tell, tell_part};
