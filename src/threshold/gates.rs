//! What must hold for a recommendation by mixture, each condition with its value (METHODS section
//! 2, (a) to (g)).

use crate::events::{Micros, SECOND};
use crate::threshold::answers::{AGREEING, Answers, interval};
use crate::threshold::crossing::ashman;
use crate::threshold::estimate::{EstimatePlan, Tallies};
use crate::threshold::mixtures::Mixtures;
use crate::threshold::{Test, TestUnit};
use crate::time::duration::write_duration;

/// The first of a mixture's own conditions that does not hold, or else its separation.
pub(crate) fn mixture_test(mixtures: &Mixtures, count: usize) -> Test {
    let parts = separation_tests(mixtures, count);
    let failed = parts.iter().find(|test| !test.passed).cloned();
    failed.unwrap_or_else(|| parts[1].clone())
}

/// Gate (a), condition by condition.
pub(crate) fn separation_tests(mixtures: &Mixtures, count: usize) -> [Test; 3] {
    let crossing = mixtures.crossing(count);
    let components = mixtures.components(count);
    let distance = components
        .zip(crossing)
        .map(|(components, crossing)| ashman(components, crossing.within));
    let least = components.map(|components| {
        components
            .iter()
            .map(|part| part.weight)
            .fold(f64::INFINITY, f64::min)
    });
    [
        Test {
            unit: TestUnit::Whether,
            ..at_least(
                "the components cross between their means",
                Some(f64::from(u8::from(crossing.is_some()))),
                1.0,
            )
        },
        Test {
            name: "the components' means more than 2 deviations apart (Ashman's D)".to_owned(),
            unit: TestUnit::Number,
            met: distance,
            limit: 2.0,
            passed: distance.is_some_and(|distance| distance > 2.0),
        },
        at_least("each component has at least 0.03 of the gaps", least, 0.03),
    ]
}

/// So many of the gates, the first ones, ask whether the gaps part: (a) to (d).
pub(crate) const STRUCTURAL: usize = 6;

/// All that a recommendation by mixture asks for.
pub(crate) struct Gates<'a> {
    pub(crate) tallies: &'a Tallies,
    pub(crate) plan: &'a EstimatePlan,
    pub(crate) mixtures: &'a Mixtures,
    pub(crate) point: &'a Answers,
    pub(crate) replicates: &'a [Answers],
}

impl Gates<'_> {
    /// In the order (a) to (g) of METHODS section 2.
    pub(crate) fn tests(&self) -> Vec<Test> {
        let mut tests = separation_tests(self.mixtures, self.mixtures.chosen).to_vec();
        tests.push(at_most(
            "valley at most 0.5 of the lower hump in 95% of the draws of users",
            self.agreed(|answers| answers.depth),
            0.5,
        ));
        tests.push(at_most(
            "valley at most 0.8 of the lower hump where each user weighs the same, in 95% of the draws",
            self.agreed(|answers| answers.depth_by_user),
            0.8,
        ));
        tests.push(self.both_sides());
        tests.extend(self.at_a_visits_scale());
        tests.push(at_least(
            "at least 30 users with gaps",
            Some(self.tallies.users_with_gaps as f64),
            30.0,
        ));
        tests.push(at_least(
            "the gaps weigh like those of at least 10 equal users",
            self.tallies.effective_users(),
            10.0,
        ));
        tests.push(at_least(
            "at least 0.95 of the draws of users have a crossing",
            self.share_with_crossing(),
            AGREEING,
        ));
        tests.push(self.factor());
        tests
    }

    pub(crate) fn at(&self) -> Option<f64> {
        self.point.mixture(self.mixtures.chosen)
    }

    fn found(&self) -> Vec<Option<f64>> {
        let chosen = self.mixtures.chosen;
        self.replicates
            .iter()
            .map(|answers| answers.mixture(chosen))
            .collect()
    }

    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        interval(self.tallies, self.at(), &self.found())
    }

    fn share_with_crossing(&self) -> Option<f64> {
        let found = self.found().iter().flatten().count() as f64;
        (!self.replicates.is_empty()).then(|| found / self.replicates.len() as f64)
    }

    /// The value that 95 % of the replicates stay at or below; a missing one counts as the worst,
    /// unless all are.
    fn agreed(&self, value: impl Fn(&Answers) -> Option<f64>) -> Option<f64> {
        let values: Vec<Option<f64>> = self.replicates.iter().map(value).collect();
        values.iter().flatten().next()?;
        let mut values: Vec<f64> = values.iter().map(|value| value.unwrap_or(1.0)).collect();
        values.sort_by(f64::total_cmp);
        let place = (AGREEING * values.len() as f64).ceil() as usize;
        values.get(place.checked_sub(1)?).copied()
    }

    /// Whether users have gaps on both sides, where enough users have many.
    fn both_sides(&self) -> Test {
        let name =
            "at least 0.5 of the users with 20 gaps or more have gaps on both sides of the timeout";
        let many: u64 = self.tallies.shortest.iter().sum();
        let Some(at) = self.at().filter(|_| many >= 8) else {
            let passed = self.at().is_some();
            return Test {
                passed,
                ..at_least(name, None, 0.5)
            };
        };
        let bins = &self.tallies.bins;
        let above = (0..bins.count())
            .find(|&bin| bins.points()[bin] + bins.shift() > at)
            .unwrap_or(bins.count());
        let none_below: u64 = self.tallies.shortest[above..].iter().sum();
        let none_above: u64 = self.tallies.longest[..above].iter().sum();
        let share = (many - none_below - none_above) as f64 / many as f64;
        at_least(name, Some(share), 0.5)
    }

    /// Gate (e).
    fn at_a_visits_scale(&self) -> [Test; 2] {
        let seconds = self.at().map(f64::exp);
        let (low, high) = self.plan.between;
        let limit = |micros: Micros| micros as f64 / SECOND as f64;
        let tests = [
            at_least(
                &format!("timeout at least {}", write_duration(low)),
                seconds,
                limit(low),
            ),
            at_most(
                &format!("timeout at most {}", write_duration(high)),
                seconds,
                limit(high),
            ),
        ];
        tests.map(|test| Test {
            unit: TestUnit::Seconds,
            ..test
        })
    }

    /// Gate (g).
    fn factor(&self) -> Test {
        let factor = self.interval().map(|(low, high)| high / low);
        Test {
            name: "the ends of the interval differ by a factor below 4".to_owned(),
            unit: TestUnit::Number,
            met: factor,
            limit: 4.0,
            passed: factor.is_some_and(|factor| factor < 4.0),
        }
    }
}

pub(crate) fn at_least(name: &str, met: Option<f64>, limit: f64) -> Test {
    Test {
        name: name.to_owned(),
        unit: TestUnit::Number,
        met,
        limit,
        passed: met.is_some_and(|met| met >= limit),
    }
}

pub(crate) fn at_most(name: &str, met: Option<f64>, limit: f64) -> Test {
    Test {
        name: name.to_owned(),
        unit: TestUnit::Number,
        met,
        limit,
        passed: met.is_some_and(|met| met <= limit),
    }
}
