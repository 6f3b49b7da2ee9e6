//! What every method answers for the users as they came and for each replicate, and the interval
//! that follows.

use std::panic::resume_unwind;
use std::thread;

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::threshold::Method;
use crate::threshold::estimate::Tallies;
use crate::threshold::mixtures::Mixtures;
use crate::threshold::sample::{Answer, Ground, Histograms};

/// Fewer replicates give no interval.
pub(crate) const FEWEST_REPLICATES: usize = 20;

/// So many replicates of the mixture that the verdict does not rest on; it is the dearest to fit.
pub(crate) const FEWER_REPLICATES: usize = 50;

/// The share of replicates that must agree.
pub(crate) const AGREEING: f64 = 0.95;

/// Every method's answer for one weighting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) two: Option<f64>,
    pub(crate) three: Option<f64>,
    pub(crate) valley: Answer,
    pub(crate) split: Answer,
    pub(crate) knee: Answer,
    pub(crate) plateau: Answer,
    /// Depth of the valley at the chosen mixture's crossing, capped and with equal users.
    pub(crate) depth: Option<f64>,
    pub(crate) depth_by_user: Option<f64>,
}

impl Answers {
    pub(crate) fn of_point(
        ground: &Ground<'_>,
        histograms: &Histograms,
        mixtures: &Mixtures,
        tallies: &Tallies,
    ) -> Self {
        let at = |count| {
            mixtures
                .crossing(count)
                .map(|crossing| crossing.at + tallies.bins.shift())
        };
        Self {
            two: at(2),
            three: at(3),
            ..Self::beside(ground, histograms, mixtures)
        }
    }

    /// Those of every replicate, worked out on so many threads, on which no answer depends.
    pub(crate) fn of_replicates(
        tallies: &Tallies,
        ground: &Ground<'_>,
        mixtures: &Mixtures,
        threads: usize,
    ) -> Vec<Self> {
        let (lanes, threads) = (tallies.resampling.resamples as usize, threads.max(1));
        let every = |first: usize| {
            let lanes = (first..lanes).step_by(threads);
            lanes.map(|lane| (lane, Self::of_replicate(tallies, ground, mixtures, lane)))
        };
        let mut answers: Vec<(usize, Self)> = thread::scope(|scope| {
            let workers: Vec<_> = (1..threads)
                .map(|first| scope.spawn(move || every(first).collect::<Vec<_>>()))
                .collect();
            let own: Vec<_> = every(0).collect();
            let others = workers
                .into_iter()
                .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            own.into_iter().chain(others).collect()
        });
        answers.sort_unstable_by_key(|(lane, _)| *lane);
        answers.into_iter().map(|(_, answers)| answers).collect()
    }

    fn of_replicate(
        tallies: &Tallies,
        ground: &Ground<'_>,
        mixtures: &Mixtures,
        lane: usize,
    ) -> Self {
        let histograms = Histograms::replicate(tallies, lane);
        let at = |count: usize| {
            if count != mixtures.chosen && lane >= FEWER_REPLICATES {
                return None;
            }
            mixtures.crossing(count)?;
            let components = mixtures.components(count)?;
            ground.refitted(&histograms.capped, mixtures.first, components)
        };
        Self {
            two: at(2),
            three: at(3),
            ..Self::beside(ground, &histograms, mixtures)
        }
    }

    /// All but the mixtures.
    fn beside(ground: &Ground<'_>, histograms: &Histograms, mixtures: &Mixtures) -> Self {
        let curve = ground.curve(histograms);
        let depth = |histogram: &[f64]| {
            let between = mixtures.between(mixtures.chosen)?;
            let valley = ground.valley_between(histogram, between)?;
            Some(valley.depth)
        };
        Self {
            two: None,
            three: None,
            valley: ground.valley(histograms),
            split: ground.split(histograms),
            knee: ground.knee(&curve),
            plateau: ground.plateau(&curve),
            depth: depth(&histograms.capped),
            depth_by_user: depth(&histograms.by_user),
        }
    }

    pub(crate) fn mixture(&self, count: usize) -> Option<f64> {
        if count == 3 { self.three } else { self.two }
    }

    pub(crate) fn at(&self, method: Method) -> Option<f64> {
        match method {
            Method::MixtureOfTwo => self.two,
            Method::MixtureOfThree => self.three,
            Method::Valley => self.valley.at,
            Method::Split => self.split.at,
            Method::Knee => self.knee.at,
            Method::Plateau => self.plateau.at,
        }
    }
}

/// exp(x ± t · sd(x*)) in seconds, t with one degree of freedom fewer than effective users; `None`
/// where too many replicates have no answer.
pub(crate) fn interval(
    tallies: &Tallies,
    at: Option<f64>,
    replicates: &[Option<f64>],
) -> Option<(f64, f64)> {
    let at = at?;
    let found: Vec<f64> = replicates.iter().copied().flatten().collect();
    let enough = found.len() as f64 >= AGREEING * replicates.len() as f64;
    if found.len() < FEWEST_REPLICATES || !enough {
        return None;
    }
    let count = found.len() as f64;
    let mean = found.iter().sum::<f64>() / count;
    let squares: f64 = found.iter().map(|value| (value - mean).powi(2)).sum();
    let spread = quantile(tallies)? * (squares / (count - 1.0)).sqrt();
    Some(((at - spread).exp(), (at + spread).exp()))
}

/// Student's quantile for the effective number of users.
fn quantile(tallies: &Tallies) -> Option<f64> {
    let freedom = (tallies.effective_users()? - 1.0).max(1.0);
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(student.inverse_cdf(0.975))
}
