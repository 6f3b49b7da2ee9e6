//! Every promise of `sessionize`, kept by one binary.

mod cases;
mod cli;
mod commands;
mod config;
mod csv;
mod databases;
mod engine;
mod errors;
mod files;
mod fixtures;
mod formats;
mod harness;
mod measures;
mod naive;
mod ndjson;
mod oracle;
mod output;
mod output_faults;
mod parquet;
mod partial;
mod readme;
mod report;
mod spill;
mod time;
mod times;
mod write_parquet;
