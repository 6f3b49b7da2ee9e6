//! Small charts of block characters: a line of daily means and the bars of a table.

/// One point of a sparkline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// A known value.
    Solid(f64),
    /// A value that is not final; it is drawn hollow and does not set the scale.
    Hollow(f64),
    /// Nothing is known.
    Missing,
}

impl Point {
    /// The value, when the point sets the scale.
    pub fn solid(self) -> Option<f64> {
        match self {
            Point::Solid(value) => Some(value),
            _ => None,
        }
    }
}

/// The mark of a value that is not final.
pub const HOLLOW: char = '░';
/// The mark of a point without a value.
pub const MISSING: char = '·';

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// One character a point. The scale runs from zero to the largest solid value, so that heights can
/// be compared as they look; a point above zero never looks lower than the lowest step.
pub fn sparkline(points: &[Point]) -> String {
    let highest = points
        .iter()
        .filter_map(|point| point.solid())
        .fold(0.0, f64::max);
    points
        .iter()
        .map(|point| match *point {
            Point::Missing => MISSING,
            Point::Hollow(_) => HOLLOW,
            Point::Solid(value) => LEVELS[level(value, highest)],
        })
        .collect()
}

fn level(value: f64, highest: f64) -> usize {
    if highest <= 0.0 {
        return 0;
    }
    ((value / highest * 8.0).round() as usize).clamp(1, 8) - 1
}

/// A bar of at most `width` columns, in steps of an eighth. Values outside zero to `highest` are
/// drawn as the nearest of the two.
pub fn bar(value: f64, highest: f64, width: usize) -> String {
    let eighths = (filled(value, highest) * width as f64 * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(EIGHTHS[eighths % 8]);
    bar
}

/// The bar of a value that is not final, in whole columns; above zero it has at least one.
pub fn hollow_bar(value: f64, highest: f64, width: usize) -> String {
    let columns = (filled(value, highest) * width as f64).ceil() as usize;
    HOLLOW.to_string().repeat(columns)
}

/// The filled part of a bar, between 0 and 1.
fn filled(value: f64, highest: f64) -> f64 {
    let part = value / highest;
    if part.is_finite() {
        part.clamp(0.0, 1.0)
    } else {
        0.0
    }
}
