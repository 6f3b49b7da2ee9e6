//! Importers: from files and databases to batches of events, every row accounted for.

pub mod intake;
pub mod ledger;
