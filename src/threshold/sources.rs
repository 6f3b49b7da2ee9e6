//! Each source judged alone, and whether the timeouts that they ask for differ by more than noise.

use crate::measures::interval::quantile_for;
use crate::threshold::estimate::Estimation;
use crate::threshold::{Estimate, SourceDifference, SourceJudgement, Verdict};

/// The share of the draws that must find a timeout in both sources.
const ENOUGH: f64 = 0.95;

/// What the gaps of one source alone say.
#[derive(Clone, Debug)]
pub struct Alone {
    /// Its name.
    pub name: String,
    /// What they say.
    pub estimation: Estimation,
}

impl Alone {
    /// What is told of it.
    pub fn judgement(self) -> Option<SourceJudgement> {
        let estimate = self.mixture()?.clone();
        Some(SourceJudgement {
            name: self.name,
            gaps: self.estimation.gaps,
            estimate,
            verdict: self.estimation.verdict,
        })
    }

    /// The answer of the mixture that the verdict rests on.
    fn mixture(&self) -> Option<&Estimate> {
        let chosen = self.estimation.chosen;
        let mut estimates = self.estimation.estimates.iter();
        estimates.find(|estimate| estimate.method == chosen)
    }

    /// The timeout in seconds that it asks for, where it may.
    fn timeout(&self) -> Option<f64> {
        match self.estimation.verdict {
            Verdict::Recommended { seconds, .. } => Some(seconds),
            Verdict::Between { .. } => self.mixture()?.seconds,
            Verdict::Indifferent { .. } | Verdict::Keep { .. } => None,
        }
    }
}

/// How the timeouts of each pair differ, where both ask for one.
pub fn differences(sources: &[Alone]) -> Vec<SourceDifference> {
    let pairs = sources.iter().enumerate().flat_map(|(place, one)| {
        let others = sources[place + 1..].iter();
        others.filter_map(move |other| difference(one, other))
    });
    pairs.collect()
}

fn difference(one: &Alone, other: &Alone) -> Option<SourceDifference> {
    let (seconds, others) = (one.timeout()?, other.timeout()?);
    if others < seconds {
        return difference(other, one);
    }
    let ratio = others / seconds;
    let spread = spread(&one.estimation, &other.estimation);
    Some(SourceDifference {
        shorter: one.name.clone(),
        longer: other.name.clone(),
        ratio,
        interval: spread.map(|spread| (ratio * (-spread).exp(), ratio * spread.exp())),
    })
}

/// Student's quantile times the standard deviation of the difference of the logarithms, each draw
/// of users the same for both.
fn spread(one: &Estimation, other: &Estimation) -> Option<f64> {
    let draws = one.replicates.iter().zip(&other.replicates);
    let differences: Vec<f64> = draws
        .filter_map(|(one, other)| Some((*other)? - (*one)?))
        .collect();
    let count = differences.len() as f64;
    if differences.len() < 2 || count < ENOUGH * one.replicates.len() as f64 {
        return None;
    }
    let mean = differences.iter().sum::<f64>() / count;
    let squares = differences.iter().map(|one| (one - mean).powi(2));
    let deviation = (squares.sum::<f64>() / (count - 1.0)).sqrt();
    let users = one.gaps.users.min(other.gaps.users);
    let effective = one.gaps.effective_users?.min(other.gaps.effective_users?);
    Some(quantile_for(users, effective)? * deviation)
}
