//! `sessionize`: how long people stay, from the timestamps a team already has.

pub mod error;
pub mod events;
pub mod import;
pub mod measures;
pub mod report;
pub mod sessions;
pub mod time;
