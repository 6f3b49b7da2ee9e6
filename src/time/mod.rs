//! Time as people and machines write it: durations, instants, zones and calendar periods.
//! Inside the program everything is integer microseconds (`events::Micros`).

mod boundary;
pub(crate) mod civil;
mod counts;
pub mod duration;
mod leap;
mod pattern;
pub mod period;
mod print;
mod shapes;
mod spec;
pub mod timestamp;
pub mod zone;
