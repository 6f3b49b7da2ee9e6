//! Every promise of `sessionize`, kept by one binary.

mod time;
