//! Every promise of `sessionize`, kept by one binary.

mod errors;
mod harness;
mod measures;
mod output;
mod output_faults;
mod readme;
mod report;
mod time;
