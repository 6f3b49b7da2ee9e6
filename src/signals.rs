//! What the program does when it is told to stop: it lets a publication under way finish, removes
//! its hidden files, says what was written, and ends with the signal's exit code.

use std::fs;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::output::cleanup;

/// How long the last words may take when nobody reads standard error.
const PATIENCE: Duration = Duration::from_secs(1);

/// Handles SIGINT, SIGTERM and SIGHUP from now on, on a thread of its own, so that it works while
/// any other thread is blocked; a second SIGINT ends the program at once. A write over the
/// file size limit becomes an error instead of SIGXFSZ. Call it once, first thing.
///
/// SIGHUP stays ignored where it was ignored at start, as by `nohup`.
///
/// # Errors
///
/// When the system refuses a handler or a thread.
pub fn install() -> io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    let watch = move || {
        let mut is_ending = false;
        for signal in signals.forever() {
            if !is_ending {
                is_ending = true;
                end_aside(signal);
            } else if signal == SIGINT {
                low_level::exit(exit_code(signal));
            }
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)?;
    Ok(())
}

/// Waits for the end that a signal has begun, if one has; otherwise none begins any more. Call it
/// last: the exit code is then the signal's or the run's, and what is said agrees with it.
pub fn settle() {
    std::mem::forget(cleanup::state());
}

/// Ends the program on another thread, so that a second signal is still heard.
fn end_aside(signal: i32) {
    let aside = thread::Builder::new().spawn(move || end(signal));
    if aside.is_err() {
        end(signal);
    }
}

fn end(signal: i32) {
    // Held to the very end: nothing may be published after this.
    let mut state = cleanup::state();
    state.remove_all();
    say(state.last_words());
    low_level::exit(exit_code(signal));
}

/// Writes to standard error around its lock, which a blocked thread may hold.
fn say(words: String) {
    let (done, said) = mpsc::channel::<()>();
    let speak = move || {
        if let Ok(copy) = io::stderr().as_fd().try_clone_to_owned() {
            let _ = writeln!(File::from(copy), "{words}");
        }
        drop(done);
    };
    if thread::Builder::new().spawn(speak).is_ok() {
        let _ = said.recv_timeout(PATIENCE);
    }
}

fn exit_code(signal: i32) -> i32 {
    128 + signal
}

/// Whether the signal was ignored when the program began, where the system says so.
fn is_ignored(signal: i32) -> bool {
    let ignored = || {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    ignored().is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
