//! Time as people and machines write it: durations, instants, zones and calendar periods.
//! Inside the program everything is integer microseconds (`events::Micros`).

mod civil;
pub mod duration;
pub mod period;
pub mod timestamp;
pub mod zone;
