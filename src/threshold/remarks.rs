//! What a reader must know of the fits, in whole sentences. Users are never named.

use crate::events::{Micros, SECOND};
use crate::threshold::crossing::crossings;
use crate::threshold::estimate::Tallies;
use crate::threshold::gates::separation_tests;
use crate::threshold::mixture::Observed;
use crate::threshold::mixtures::Mixtures;
use crate::threshold::sample::{Histograms, best_crossing};
use crate::time::duration::write_duration;

/// Fits with other weights that differ by more than this factor are remarked on.
const DISAGREEMENT: f64 = 1.5;

/// What a reader must know of the fits.
pub(crate) fn remarks(tallies: &Tallies, mixtures: &Mixtures, point: &Histograms) -> Vec<String> {
    let mut remarks = Vec::new();
    if mixtures.has_spike {
        remarks.push(format!(
            "Far more gaps are of exactly {} than the others lead to expect, so the mixtures are fitted to longer ones alone.",
            words(tallies.bins.step_seconds().ln())
        ));
    }
    if let Some(remark) = disagreement(tallies, mixtures, point) {
        remarks.push(remark);
    }
    if mixtures.chosen == 3 {
        remarks.push(
            "Three components fit the gaps clearly better than two, so the verdict rests on the mixture \
             of three.".to_owned(),
        );
        remarks.extend(alternatives(tallies, mixtures));
    }
    if mixtures.best == 4 {
        remarks.push("A mixture of four fits better still; it is not judged.".to_owned());
    }
    if tallies.resampling.resamples == 0 {
        remarks.push(
            "Users were not resampled, so there is no interval and no recommendation.".to_owned(),
        );
    }
    remarks
}

/// The other grouping of three components, where it crosses too.
fn alternatives(tallies: &Tallies, mixtures: &Mixtures) -> Option<String> {
    let components = mixtures.components(3)?;
    let crossings = crossings(components);
    let (first, second) = (crossings.first()?, crossings.get(1)?);
    Some(format!(
        "With the {} as the pauses inside sessions the three components give {}; with the {} they \
         would give {}.",
        shortest(first.within),
        words(first.at + tallies.bins.shift()),
        shortest(second.within),
        words(second.at + tallies.bins.shift()),
    ))
}

/// So many of the components, in words.
fn shortest(number: usize) -> &'static str {
    match number {
        1 => "shortest one",
        _ => "two shortest",
    }
}

/// Whether the fit turns on how much the busiest users weigh.
fn disagreement(tallies: &Tallies, mixtures: &Mixtures, point: &Histograms) -> Option<String> {
    let count = mixtures.chosen;
    if separation_tests(mixtures, count)
        .iter()
        .any(|test| !test.passed)
    {
        return None;
    }
    let at = mixtures.crossing(count)?.at;
    let shift = tallies.bins.shift();
    let other = |histogram: &[f64]| {
        let fit = Observed::new(&tallies.bins, histogram, mixtures.first)
            .fit(count, tallies.resampling.seed)?;
        best_crossing(&fit.components).map(|crossing| crossing.at)
    };
    let (by_gap, by_user) = (other(&point.by_gap), other(&point.by_user));
    let differs =
        |other: Option<f64>| other.is_none_or(|other| (other - at).abs() > DISAGREEMENT.ln());
    if !differs(by_gap) && !differs(by_user) {
        return None;
    }
    let said = |at: Option<f64>| at.map_or("no timeout".to_owned(), |at| words(at + shift));
    let share = tallies.summary().largest_user_share.unwrap_or_default();
    Some(format!(
        "The timeout depends on how users are weighed: {} when each user's gaps are capped, {} when \
         each gap counts the same, {} when each user does; the user with the most gaps has {:.0}% of them.",
        words(at + shift),
        said(by_gap),
        said(by_user),
        share * 100.0
    ))
}

/// ln seconds as people write durations: to the second, and to a tenth of one where it is short.
fn words(at: f64) -> String {
    let seconds = at.exp();
    let step = match seconds {
        10.0.. => SECOND,
        1.0.. => SECOND / 10,
        _ => 1,
    };
    let steps = (seconds * (SECOND / step) as f64).round() as Micros;
    write_duration(steps * step)
}
