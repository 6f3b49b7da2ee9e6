//! Tracked sessions beside inferred ones.

use crate::measures::TrackedFigures;
use crate::report::story::Fact;
use crate::report::{Report, Run, words};

/// Their durations, under those of inferred sessions.
pub(super) fn facts(report: &Report) -> Option<Fact> {
    let tracked = report.measures.tracked.as_ref()?;
    Some(Fact::new("tracked", in_words(tracked)))
}

/// `mean 35m 24s (95% 30m 47s–40m 42s), median 34m 00s, p90 46m 00s, 15 sessions of 9 users`.
fn in_words(tracked: &TrackedFigures) -> String {
    let Some(mean) = tracked.mean else {
        return match tracked.sessions {
            0 => "no session in the window".to_owned(),
            _ => "no session is known to have ended".to_owned(),
        };
    };
    let sure = tracked.mean_interval.map_or(String::new(), |interval| {
        format!(" (95% {})", words::interval(interval))
    });
    let quantiles = [("median", tracked.median), ("p90", tracked.p90)];
    let quantiles = quantiles.into_iter().filter_map(|(name, seconds)| {
        let seconds = words::duration(seconds?);
        Some(format!("{name} {seconds}"))
    });
    let mut parts = vec![format!("mean {}{sure}", words::duration(mean))];
    parts.extend(quantiles);
    parts.push(format!(
        "{} of {}",
        words::counted(tracked.ended, "session", "sessions"),
        words::counted(tracked.users, "user", "users")
    ));
    parts.join(", ")
}

/// What a reader must know who compares the two.
pub(super) fn notes(tracked: &TrackedFigures, run: &Run) -> Vec<String> {
    let when = tracked.starts.map_or(String::new(), |(first, last)| {
        let (first, last) = (words::date(first, &run.zone), words::date(last, &run.zone));
        format!(", started {first} to {last}")
    });
    let mut notes = vec![format!(
        "Tracked sessions are those of {}{when}; they last from their start to their end as the \
         application wrote them, inferred ones from first event to last. `sessionize compare` \
         matches them one by one.",
        tracked.place
    )];
    let left_out = [
        (tracked.open, "without an end"),
        (tracked.out_of_order, "with an end before the start"),
    ];
    let left_out = left_out.into_iter().filter(|(count, _)| *count > 0);
    let left_out: Vec<String> = left_out
        .map(|(count, what)| format!("{} {what}", words::count(count)))
        .collect();
    if !left_out.is_empty() {
        let left_out = left_out.join(", ");
        notes.push(format!("Left out of the tracked averages: {left_out}."));
    }
    if let Some(share) = tracked.long_share {
        notes.push(format!(
            "{} longer than 24 hours and in the tracked averages, with {} of their time.",
            words::counted(tracked.long, "tracked session is", "tracked sessions are"),
            words::share(share)
        ));
    }
    notes
}
