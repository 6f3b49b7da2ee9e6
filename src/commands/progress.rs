//! Progress on standard error for anything longer than a second, only on a terminal: rows and their
//! rate, and for text files, whose sizes are known, the time that remains.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::import::file::is_text;
use crate::import::meter::Meter;
use crate::report::words::{count, duration};
use crate::settings::Settings;

/// Does `work`, showing meanwhile how `meter` grows.
pub(super) fn over<T>(meter: &Meter, settings: &Settings, work: impl FnOnce() -> T) -> T {
    if settings.quiet || !std::io::stderr().is_terminal() {
        return work();
    }
    // Before the work begins: files are opened for it, which would give up SQLite's locks later.
    let size = size(settings);
    std::thread::scope(|scope| {
        let (done, wait) = channel::<()>();
        scope.spawn(move || {
            let goes_on = |time| wait.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if !goes_on(Duration::from_secs(1)) {
                return;
            }
            let bar = bar();
            while goes_on(Duration::from_millis(100)) {
                bar.set_message(words(meter, size, bar.elapsed().as_secs_f64()));
            }
            bar.finish_and_clear();
        });
        let result = work();
        drop(done);
        result
    })
}

/// The size of all inputs in bytes, where all are text files.
fn size(settings: &Settings) -> Option<u64> {
    let sizes = settings.inputs.iter().map(|input| {
        let files = input.files();
        let size =
            |path: &std::path::PathBuf| std::fs::metadata(path).map_or(0, |found| found.len());
        (!files.is_empty() && files.iter().all(|path| is_text(path)))
            .then(|| files.iter().map(size).sum::<u64>())
    });
    sizes.sum()
}

fn words(meter: &Meter, size: Option<u64>, elapsed: f64) -> String {
    let (rows, bytes) = (meter.rows(), meter.bytes());
    let rate = (rows as f64 / elapsed) as u64;
    let remaining = match size {
        Some(size) if bytes > 0 => {
            let share = bytes as f64 / size.max(bytes) as f64;
            let left = duration(elapsed * (1.0 - share) / share);
            format!(", {:.0}%, {left} left", share * 100.0)
        }
        _ => String::new(),
    };
    format!("{} rows, {}/s{remaining}", count(rows), count(rate))
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} read {msg}");
    ProgressBar::new_spinner()
        .with_elapsed(Duration::from_secs(1))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
