//! SQL as text: the dialects, and how each writes a name. Opens no connection and runs nothing.

mod dialect;

pub use dialect::Dialect;
