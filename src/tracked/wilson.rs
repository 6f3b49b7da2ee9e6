//! The interval of a share (Wilson 1927, METHODS section 13).

/// 95 % of a normal distribution lie within so many deviations.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of `some` of `all`, as sure as `independent` observations make it; `None` of
/// none.
pub(crate) fn wilson(some: f64, all: f64, independent: f64) -> Option<(f64, f64)> {
    if all <= 0.0 || independent <= 0.0 {
        return None;
    }
    let (share, n) = (some / all, independent);
    let divisor = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / divisor;
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / divisor;
    let low = if some <= 0.0 { 0.0 } else { centre - spread };
    let high = if some >= all { 1.0 } else { centre + spread };
    Some((low, high))
}
