//! The ledger: every row read is an event, rejected, filtered, or a dropped duplicate. Import
//! counts rows read and rejected; the rest is known after the scan.

use std::collections::BTreeMap;

use crate::error::ErrorId;
use crate::events::{Micros, Role};

/// A row that could not be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The kind, which is also an error id.
    pub kind: ErrorId,
    /// Physical line of the record's first byte (files), or the row's number or key (databases).
    pub line: u64,
    /// Byte offset of the record in the uncompressed text; 0 where there is none.
    pub byte: u64,
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// What was met and what was expected; shows time values, never users or other cells.
    pub message: String,
}

/// What became of a source's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows read.
    pub read: u64,
    /// Rows inside reported sessions, open ones too.
    pub events: u64,
    /// Rows that could not be used.
    pub rejected: u64,
    /// Rows of users that `--users` or `--sample` left out.
    pub filtered_users: u64,
    /// Rows of a source whose role is `ignore`.
    pub filtered_ignored: u64,
    /// Rows of a source whose role is `expiry`.
    pub filtered_expiry: u64,
    /// `end` rows with no open session.
    pub filtered_orphan_ends: u64,
    /// Rows of sessions that start outside the window.
    pub filtered_outside_window: u64,
    /// Rows without a user that `--anonymous skip` left out.
    pub filtered_anonymous: u64,
    /// Rows of tracked sessions without a start: they never began.
    pub filtered_unstarted: u64,
    /// Duplicates dropped (`duplicates = "drop"`).
    pub duplicates_dropped: u64,
    /// Duplicates met, dropped or kept.
    pub duplicates: u64,
}

impl Counts {
    /// All filtered rows together.
    pub fn filtered(&self) -> u64 {
        self.filtered_users
            + self.filtered_ignored
            + self.filtered_expiry
            + self.filtered_orphan_ends
            + self.filtered_outside_window
            + self.filtered_anonymous
            + self.filtered_unstarted
    }

    /// Whether every row read is accounted for.
    pub fn balance(&self) -> bool {
        self.read == self.events + self.rejected + self.filtered() + self.duplicates_dropped
    }

    /// The sum of two ledgers.
    pub fn add(&mut self, other: &Counts) {
        self.read += other.read;
        self.events += other.events;
        self.rejected += other.rejected;
        self.filtered_users += other.filtered_users;
        self.filtered_ignored += other.filtered_ignored;
        self.filtered_expiry += other.filtered_expiry;
        self.filtered_orphan_ends += other.filtered_orphan_ends;
        self.filtered_outside_window += other.filtered_outside_window;
        self.filtered_anonymous += other.filtered_anonymous;
        self.filtered_unstarted += other.filtered_unstarted;
        self.duplicates_dropped += other.duplicates_dropped;
        self.duplicates += other.duplicates;
    }
}

/// One source's line in the run record.
#[derive(Clone, Debug)]
pub struct SourceRecord {
    /// Its name.
    pub name: String,
    /// `csv`, `parquet`, `sqlite`.
    pub kind: &'static str,
    /// The path as typed or the address without secrets.
    pub place: String,
    /// Its role.
    pub role: Role,
    /// What became of its rows.
    pub counts: Counts,
    /// Rejected rows by error id.
    pub rejected_by_kind: BTreeMap<&'static str, u64>,
    /// Times whose digits beyond the microsecond were floored.
    pub floored: u64,
    /// Real leap seconds taken as the second before.
    pub leap_seconds: u64,
    /// Its first and last event, rejected rows and users left out aside. Before the scan: what its
    /// database says of all rows, where only a part is read.
    pub extent: Option<(Micros, Micros)>,
}
