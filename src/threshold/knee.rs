//! Where the number of sessions stops falling as the timeout grows (METHODS section 6).

use crate::threshold::curve::{Curve, grid};
use crate::threshold::valley::vertex;

/// The farthest point of the curve below its chord.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knee {
    /// ln seconds.
    pub at: f64,
    /// 1 − X − Y with both axes scaled to 0..1: 0 on the chord.
    pub distance: f64,
}

/// The knee between 10 s and 24 h: the highest local maximum of 1 − X − Y after which that falls by
/// more than the mean step of X; `None` where there is none.
pub fn knee(curve: &Curve) -> Option<Knee> {
    let grid = grid();
    let sessions: Vec<f64> = grid.iter().map(|at| curve.sessions(*at)).collect();
    let (first, last) = (*sessions.first()?, *sessions.last()?);
    if first <= last {
        return None;
    }
    let steps = (grid.len() - 1) as f64;
    let distances: Vec<f64> = sessions
        .iter()
        .enumerate()
        .map(|(place, value)| 1.0 - place as f64 / steps - (value - last) / (first - last))
        .collect();
    (1..distances.len() - 1)
        .filter(|&place| is_kept(&distances, place, 1.0 / steps))
        .max_by(|&one, &other| distances[one].total_cmp(&distances[other]))
        .map(|place| Knee {
            at: grid[place] + vertex(&distances, place) * (grid[1] - grid[0]),
            distance: distances[place],
        })
}

/// Whether a local maximum is followed by a fall of more than `step` before anything higher.
fn is_kept(distances: &[f64], place: usize, step: f64) -> bool {
    let here = distances[place];
    here >= distances[place - 1]
        && here > distances[place + 1]
        && distances[place..]
            .iter()
            .take_while(|value| **value <= here)
            .any(|value| *value < here - step)
}
