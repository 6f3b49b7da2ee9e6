//! The sessionizer.

pub mod extent;
pub mod session;
