//! `sessionize`: how long people stay, from the timestamps a team already has.
//!
//! Data flows one way, in batches: `import → events → sessions → measures → report → output`. The
//! modules in the order of reading, and what each must not know:
//!
//! - [`cli`]: every flag; declarations only.
//! - [`settings`]: flags over environment over `sessionize.toml`, checked; opens no source.
//! - [`commands`]: one function per command; the only place that joins stages.
//! - [`time`]: durations, instants, zones, periods; knows no event.
//! - [`events`]: the contract between import and sessions.
//! - [`sql`]: the dialects of SQL, how each writes a name, and the rule as a statement; runs nothing.
//! - [`import`]: from files and databases to batches of events; knows no session.
//! - `store`: the database in which an application keeps its sessions, read and written in one
//!   transaction; knows no command.
//! - [`discover`]: which tables of a database hold events, judged by shapes and looks; asks nothing.
//! - [`sessions`]: partition, sort, scan, by the rule in [`sessions::rule`]; opens nothing but the
//!   temporary file of [`sessions::spill`].
//! - [`measures`]: figures, intervals, the trend; knows no file and no format.
//! - [`threshold`]: every timeout at once, and which one the gaps ask for; knows no file either.
//! - [`agreement`]: inferred sessions against tracked ones; the same.
//! - `tracked`: sessions that an application tracks itself: the shapes, what applies where, the
//!   arithmetic; opens nothing.
//! - [`report`]: one result in every format; knows not how it was made.
//! - [`output`]: standard output or a file that appears whole; knows not what it says.
//! - [`signals`], [`error`], [`visible`]: how a run is stopped, fails, and shows foreign text.

pub mod agreement;
pub mod cli;
pub mod commands;
pub mod discover;
pub mod error;
pub mod events;
pub mod import;
pub mod measures;
pub mod output;
pub mod report;
pub mod sessions;
pub mod settings;
pub mod signals;
pub mod sql;
mod store;
pub mod threshold;
pub mod time;
mod tracked;
pub mod visible;

pub use tracked::matrix::table as tracked_table;
