//! Sessions that an application tracks itself: which columns each shape has, what can be asked of
//! which, and the arithmetic of the answers. Opens nothing and reads no clock.

pub(crate) mod anomalies;
pub(crate) mod attempts;
pub(crate) mod fields;
pub(crate) mod idle;
pub(crate) mod information;
pub(crate) mod lifecycle;
pub(crate) mod matrix;
pub(crate) mod pauses;
pub(crate) mod record;
pub(crate) mod stages;
pub(crate) mod streaks;
pub(crate) mod trends;
pub(crate) mod wilson;
