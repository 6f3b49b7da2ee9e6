//! The sessionizer: partition, sort, scan. Takes batches of events and a rule, gives each user's
//! sessions in time order to whoever asks; opens, prints and reads nothing.

pub mod extent;
pub mod partition;
pub mod rule;
pub mod scan;
pub mod session;
pub mod users;
