//! `sessionize`: how long people stay, from the timestamps a team already has.

pub mod error;
pub mod events;
pub mod import;
pub mod measures;
pub mod output;
pub mod report;
pub mod sessions;
pub mod signals;
pub mod time;
pub mod visible;
