//! The sessionizer: partition, sort, scan. Takes batches of events and a rule, gives each user's
//! sessions in time order to whoever asks. What does not fit into memory goes to a temporary file
//! ([`spill`]); nothing else is opened, and nothing printed.

pub mod compat;
pub mod endings;
pub mod extent;
pub mod listing;
pub mod partition;
mod piece;
pub mod rule;
pub mod scan;
pub mod session;
pub mod sort;
pub mod spill;
pub mod users;
