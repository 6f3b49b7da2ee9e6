//! Progress on standard error for anything longer than a second, only on a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::settings::Settings;

/// A line that says how many rows were read, and how fast.
pub(super) struct Progress;

impl Progress {
    /// Does `work`, showing how `rows` grows meanwhile.
    pub(super) fn over<T>(rows: &AtomicU64, settings: &Settings, work: impl FnOnce() -> T) -> T {
        if settings.quiet || !std::io::stderr().is_terminal() {
            return work();
        }
        std::thread::scope(|scope| {
            let (done, wait) = channel::<()>();
            scope.spawn(move || {
                let goes_on = |time| wait.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
                if !goes_on(Duration::from_secs(1)) {
                    return;
                }
                let bar = ProgressBar::new_spinner().with_style(style());
                while goes_on(Duration::from_millis(100)) {
                    bar.set_position(rows.load(Ordering::Relaxed));
                }
                bar.finish_and_clear();
            });
            let result = work();
            drop(done);
            result
        })
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} read {human_pos} rows, {per_sec}, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}
