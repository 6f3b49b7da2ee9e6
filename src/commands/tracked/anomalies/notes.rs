//! What was met among anomalies that no figure says.

use crate::report::words;
use crate::tracked::anomalies::{Figures, Told, Watched};

/// Whole sentences.
pub(super) fn notes(
    all: &Figures,
    sessions: &[Watched],
    startless: u64,
    unplaced: u64,
) -> Vec<String> {
    let sessions_of = |number| words::counted(number, "session", "sessions");
    let anomalies_of = |number| words::counted(number, "anomaly", "anomalies");
    let mut notes = Vec::new();
    let mut say = |number: u64, sentence: String| {
        if number > 0 {
            notes.push(sentence);
        }
    };
    let unknown = all.absent + all.broken + all.silent;
    say(
        unknown,
        format!(
            "Shares leave out {} of which nothing is known: {} without information, {} broken, {} \
             silent on anomalies.",
            sessions_of(unknown),
            all.absent,
            all.broken,
            all.silent
        ),
    );
    let broken = sessions.iter().find_map(|session| match &session.told {
        Told::Broken(why) => Some((&session.id, why)),
        _ => None,
    });
    if let Some((id, why)) = broken {
        say(1, format!("Broken, for example: session {id}: {why}."));
    }
    let unmeasured = all.share.of - all.timed.sessions;
    say(
        unmeasured,
        format!(
            "Rates per hour leave out {} without a length: open, or ended no later than started.",
            sessions_of(unmeasured)
        ),
    );
    say(
        all.timeless,
        format!(
            "{} without a time that can be read: in no hour and no period.",
            anomalies_of(all.timeless)
        ),
    );
    say(
        unplaced,
        format!(
            "{} before the first period or after the last.",
            anomalies_of(unplaced)
        ),
    );
    say(
        all.outside,
        format!(
            "{} before the start of the session or after its end.",
            anomalies_of(all.outside)
        ),
    );
    say(
        all.untyped,
        format!("{} without a type.", anomalies_of(all.untyped)),
    );
    say(
        all.unreadable,
        format!(
            "{} that cannot be read.",
            words::counted(all.unreadable, "detection", "detections")
        ),
    );
    let is_in = sessions.iter().any(|session| session.started.is_none());
    let place = if is_in {
        "in no period"
    } else {
        "not in the window"
    };
    say(
        startless,
        format!("{} without a start, {place}.", sessions_of(startless)),
    );
    notes
}
