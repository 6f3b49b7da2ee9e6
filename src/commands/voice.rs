//! What a run says on standard error beside errors; silent with `--quiet`. A standard error that
//! cannot be written to changes nothing.

use std::io::Write;
use std::time::Instant;

use crate::import::ledger::Counts;
use crate::output::{Published, Target};
use crate::report::Run;
use crate::report::words::{count, counted};
use crate::visible::{visible, without_passwords};

/// Speaks on standard error.
pub(super) struct Voice {
    quiet: bool,
    verbose: bool,
    started: Instant,
}

impl Voice {
    pub(super) fn new(quiet: bool, verbose: bool) -> Self {
        Self {
            quiet,
            verbose,
            started: Instant::now(),
        }
    }

    /// Something a reader may want to know.
    pub(super) fn note(&self, text: &str) {
        self.line(&format!("note: {}", visible(&without_passwords(text))));
    }

    /// The same for readers who ask for more.
    pub(super) fn detail(&self, text: &str) {
        if self.verbose {
            self.note(text);
        }
    }

    /// Something a reader should look at.
    pub(super) fn warn(&self, text: &str) {
        self.line(&format!("warning: {}", visible(&without_passwords(text))));
    }

    /// A line as it is.
    pub(super) fn line(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// The one line for people and cron mail; with `-v` one for each source before it.
    pub(super) fn closing(&self, run: &Run, target: &Target, published: &Published) {
        for source in &run.sources {
            let rows = equation(&source.counts);
            self.detail(&format!("source \"{}\": {rows}", source.name));
        }
        let place = match (target, published) {
            (Target::File(path), _) => visible(&path.display().to_string()),
            (Target::Stdout, Published::Whole { .. }) => "report".to_owned(),
            (Target::Stdout, Published::ReaderLeft) => return,
        };
        self.line(&format!(
            "sessionize: {}: {}, {}; {}; {place} written in {:.1} s",
            if run.is_complete() { "ok" } else { "partial" },
            counted(run.sources.len() as u64, "source", "sources"),
            equation(&run.counts()),
            counted(run.sessions, "session", "sessions"),
            self.started.elapsed().as_secs_f64(),
        ));
    }
}

/// The ledger in words.
fn equation(counts: &Counts) -> String {
    format!(
        "{} rows = {} events + {} rejected + {} filtered + {} duplicates",
        count(counts.read),
        count(counts.events),
        count(counts.rejected),
        count(counts.filtered()),
        count(counts.duplicates_dropped)
    )
}
