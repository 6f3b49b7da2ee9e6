//! From tallies to a verdict: each method with its interval and its test, the gates, the remarks
//! (METHODS section 2).

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::events::{Micros, SECOND};
use crate::measures::dwell::within::{LogNormal, WithinModel};
use crate::threshold::bins::EXACT;
use crate::threshold::crossing::{Crossing, ashman, crossings};
use crate::threshold::estimate::{EstimatePlan, Estimation, Tallies};
use crate::threshold::mixture::{Component, Fit, Observed, Steps};
use crate::threshold::plateau::indifferent;
use crate::threshold::rules::{Gaps, rules};
use crate::threshold::sample::{Answer, Ground, Histograms, best_crossing};
use crate::threshold::{Estimate, Method, SimpleRule, Test, Verdict};
use crate::time::duration::write_duration;

/// Fewer replicates give no interval.
const FEWEST_REPLICATES: usize = 20;

/// So many replicates of the mixture that the verdict does not rest on; it is the dearest to fit.
const FEWER_REPLICATES: usize = 50;

/// The share of replicates that must agree.
const AGREEING: f64 = 0.95;

/// Gaps of one step are a spike when there are so many times as many as the fit gives …
const SPIKE: f64 = 3.0;

/// … and they are at least this share of the gaps.
const LEAST_SPIKE: f64 = 0.01;

/// Fits with other weights that differ by more than this factor are remarked on.
const DISAGREEMENT: f64 = 1.5;

/// Three components must move the timeout by more than this factor to be taken instead of two.
const LEAST_DIFFERENCE: f64 = 1.1;

/// A range that makes no difference must reach so far to either side of the timeout in use.
const LEAST_REACH: f64 = std::f64::consts::SQRT_2;

/// Everything that is said of the tallies.
pub(crate) fn judge(tallies: &Tallies, plan: &EstimatePlan) -> Estimation {
    let ground = Ground::new(tallies);
    let point = Histograms::of(tallies);
    let mixtures = Mixtures::fit(tallies, &point);
    let replicates = Answers::of_replicates(tallies, &ground, &mixtures);
    let point_answers = Answers::of_point(&ground, &point, &mixtures, tallies);
    let gates = Gates {
        tallies,
        plan,
        mixtures: &mixtures,
        point: &point_answers,
        replicates: &replicates,
    };
    let tests = gates.tests();
    Estimation {
        gaps: tallies.summary(),
        estimates: estimates(tallies, &mixtures, &point_answers, &replicates),
        rules: simple_rules(tallies, &ground),
        verdict: verdict(&gates, &tests, &ground, &point),
        remarks: remarks(tallies, &mixtures, &point, &ground),
        gates: tests,
        within: mixtures.within(tallies.bins.shift()),
        replicates: replicates
            .iter()
            .map(|answers| answers.mixture(mixtures.chosen))
            .collect(),
    }
}

/// The mixtures of the capped gaps.
struct Mixtures {
    /// The first bin fitted; 1 where gaps of one step are a spike.
    first: usize,
    /// With 1, 2, 3 and 4 components.
    fits: [Option<Fit>; 4],
    /// How many components the recommendation rests on: 2 or 3.
    chosen: usize,
    /// How many are best by BIC.
    best: usize,
}

impl Mixtures {
    fn fit(tallies: &Tallies, point: &Histograms) -> Self {
        let first = usize::from(has_spike(tallies, point));
        let observed = Observed::new(&tallies.bins, &point.capped, first);
        let seed = tallies.resampling.seed;
        let fits = [1, 2, 3, 4].map(|count| observed.fit(count, seed));
        let users = tallies.users_with_gaps as f64;
        let score = |count: usize| {
            fits[count - 1]
                .as_ref()
                .map(|fit| (3 * count - 1) as f64 * users.ln() - 2.0 * users * fit.log_likelihood)
        };
        let best = (1..=4)
            .filter(|&count| score(count).is_some())
            .min_by(|&one, &other| {
                score(one)
                    .unwrap_or(f64::MAX)
                    .total_cmp(&score(other).unwrap_or(f64::MAX))
            })
            .unwrap_or(1);
        let at = |count: usize| {
            let fit: &Option<Fit> = &fits[count - 1];
            Some(best_crossing(&fit.as_ref()?.components)?.at)
        };
        let prefers_three = score(3).is_some_and(|three| score(2).is_none_or(|two| three < two));
        let differs = at(3).is_some_and(|three| {
            at(2).is_none_or(|two| (three - two).abs() > LEAST_DIFFERENCE.ln())
        });
        let three = prefers_three && differs;
        Self {
            first,
            chosen: if three { 3 } else { 2 },
            best,
            fits,
        }
    }

    fn components(&self, count: usize) -> Option<&[Component]> {
        self.fits[count - 1]
            .as_ref()
            .map(|fit| fit.components.as_slice())
    }

    fn crossing(&self, count: usize) -> Option<Crossing> {
        best_crossing(self.components(count)?)
    }

    /// The chosen mixture's components below its crossing; `shift` turns ln steps into ln seconds.
    fn within(&self, shift: f64) -> Option<WithinModel> {
        let within = self.crossing(self.chosen)?.within;
        let components = self.components(self.chosen)?.iter().take(within);
        let components = components.map(|component| LogNormal {
            weight: component.weight,
            mu: component.mean + shift,
            sigma: component.deviation,
        });
        Some(WithinModel {
            components: components.collect(),
        })
    }

    /// The means on both sides of the crossing, in ln steps.
    fn between(&self, count: usize) -> Option<(f64, f64)> {
        let components = self.components(count)?;
        let within = self.crossing(count)?.within;
        Some((components[within - 1].mean, components[within].mean))
    }
}

/// Whether there are far more gaps of one step than a mixture of two gives.
fn has_spike(tallies: &Tallies, point: &Histograms) -> bool {
    let total: f64 = point.capped.iter().sum();
    if point.capped[0] <= LEAST_SPIKE * total {
        return false;
    }
    let rest: f64 = total - point.capped[0];
    let observed = Observed::new(&tallies.bins, &point.capped, 0);
    // A fit that makes a component of the spike is none; the one of the other gaps tells as well.
    let Some(fit) = Observed::new(&tallies.bins, &point.capped, 1)
        .fit(2, tallies.resampling.seed)
        .or_else(|| observed.fit(2, tallies.resampling.seed))
    else {
        return false;
    };
    let (mut one, mut more) = (0.0, 0.0);
    for component in &fit.components {
        let steps = Steps::of(component, false);
        one += component.weight * steps.at(1).mass;
        more += component.weight * (1.0 - steps.at(0).mass - steps.at(1).mass);
    }
    point.capped[0] > SPIKE * rest * one / more.max(f64::MIN_POSITIVE)
}

/// Every method's answer for one weighting.
#[derive(Clone, Debug, Default)]
struct Answers {
    two: Option<f64>,
    three: Option<f64>,
    valley: Answer,
    split: Answer,
    knee: Answer,
    plateau: Answer,
    /// Depth of the valley at the chosen mixture's crossing, capped and with equal users.
    depth: Option<f64>,
    depth_by_user: Option<f64>,
}

impl Answers {
    fn of_point(
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

    fn of_replicates(tallies: &Tallies, ground: &Ground<'_>, mixtures: &Mixtures) -> Vec<Self> {
        (0..tallies.resampling.resamples as usize)
            .map(|lane| {
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
            })
            .collect()
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

    fn mixture(&self, count: usize) -> Option<f64> {
        if count == 3 { self.three } else { self.two }
    }

    fn at(&self, method: Method) -> Option<f64> {
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
fn interval(tallies: &Tallies, at: Option<f64>, replicates: &[Option<f64>]) -> Option<(f64, f64)> {
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

fn estimates(
    tallies: &Tallies,
    mixtures: &Mixtures,
    point: &Answers,
    replicates: &[Answers],
) -> Vec<Estimate> {
    [
        (Method::MixtureOfTwo, mixture_test(mixtures, point, 2), None),
        (
            Method::MixtureOfThree,
            mixture_test(mixtures, point, 3),
            None,
        ),
        (
            Method::Valley,
            at_most(
                "valley at most 0.8 of the lower hump, at two widths",
                point.valley.strength,
                0.8,
            ),
            None,
        ),
        (
            Method::Split,
            at_least(
                "two classes explain at least 0.8 of the variance",
                point.split.strength,
                0.8,
            ),
            None,
        ),
        (
            Method::Knee,
            at_least(
                "knee at least 0.2 below the chord",
                point.knee.strength,
                0.2,
            ),
            None,
        ),
        (
            Method::Plateau,
            at_least(
                "ends differ by at least a factor of 4",
                point.plateau.strength,
                4.0,
            ),
            point.plateau.range,
        ),
    ]
    .into_iter()
    .map(|(method, test, range)| {
        let at = point.at(method);
        let aside = [Method::MixtureOfTwo, Method::MixtureOfThree][3 - mixtures.chosen];
        let most = if method == aside {
            FEWER_REPLICATES
        } else {
            replicates.len()
        };
        let found: Vec<Option<f64>> = replicates
            .iter()
            .take(most)
            .map(|answers| answers.at(method))
            .collect();
        Estimate {
            method,
            seconds: at.map(f64::exp),
            interval: interval(tallies, at, &found),
            range: range.map(|(low, high)| (low.exp(), high.exp())),
            test,
        }
    })
    .collect()
}

/// The first of a mixture's own conditions that does not hold, or else its separation.
fn mixture_test(mixtures: &Mixtures, _point: &Answers, count: usize) -> Test {
    let parts = separation_tests(mixtures, count);
    let failed = parts.iter().find(|test| !test.passed).cloned();
    failed.unwrap_or_else(|| parts[1].clone())
}

/// Gate (a), condition by condition.
fn separation_tests(mixtures: &Mixtures, count: usize) -> [Test; 3] {
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
        at_least(
            "components cross between their means",
            Some(f64::from(u8::from(crossing.is_some()))),
            1.0,
        ),
        Test {
            name: "Ashman's D above 2".to_owned(),
            met: distance,
            limit: 2.0,
            passed: distance.is_some_and(|distance| distance > 2.0),
        },
        at_least("each component at least 0.03 of the gaps", least, 0.03),
    ]
}

/// All that a recommendation by mixture asks for.
struct Gates<'a> {
    tallies: &'a Tallies,
    plan: &'a EstimatePlan,
    mixtures: &'a Mixtures,
    point: &'a Answers,
    replicates: &'a [Answers],
}

impl Gates<'_> {
    /// In the order (a) to (g) of METHODS section 2.
    fn tests(&self) -> Vec<Test> {
        let mut tests = separation_tests(self.mixtures, self.mixtures.chosen).to_vec();
        tests.push(at_most(
            "valley at most 0.5 of the lower hump in 95 % of replicates",
            self.agreed(|answers| answers.depth),
            0.5,
        ));
        tests.push(at_most(
            "the same at most 0.8 with equal users",
            self.agreed(|answers| answers.depth_by_user),
            0.8,
        ));
        tests.push(self.both_sides());
        let seconds = self.at().map(f64::exp);
        let (low, high) = self.plan.between;
        tests.push(at_least(
            &format!("timeout at least {}", write_duration(low)),
            seconds,
            low as f64 / SECOND as f64,
        ));
        tests.push(at_most(
            &format!("timeout at most {}", write_duration(high)),
            seconds,
            high as f64 / SECOND as f64,
        ));
        tests.push(at_least(
            "at least 30 users with gaps",
            Some(self.tallies.users_with_gaps as f64),
            30.0,
        ));
        tests.push(at_least(
            "at least 10 effective users",
            self.tallies.effective_users(),
            10.0,
        ));
        tests.push(at_least(
            "replicates with a crossing at least 0.95",
            self.share_with_crossing(),
            AGREEING,
        ));
        tests.push(self.factor());
        tests
    }

    fn at(&self) -> Option<f64> {
        self.point.mixture(self.mixtures.chosen)
    }

    fn found(&self) -> Vec<Option<f64>> {
        let chosen = self.mixtures.chosen;
        self.replicates
            .iter()
            .map(|answers| answers.mixture(chosen))
            .collect()
    }

    fn interval(&self) -> Option<(f64, f64)> {
        interval(self.tallies, self.at(), &self.found())
    }

    fn share_with_crossing(&self) -> Option<f64> {
        let found = self.found().iter().flatten().count() as f64;
        (!self.replicates.is_empty()).then(|| found / self.replicates.len() as f64)
    }

    /// The value that 95 % of the replicates stay at or below; a missing one counts as the worst.
    fn agreed(&self, value: impl Fn(&Answers) -> Option<f64>) -> Option<f64> {
        let mut values: Vec<f64> = self
            .replicates
            .iter()
            .map(|answers| value(answers).unwrap_or(1.0))
            .collect();
        values.sort_by(f64::total_cmp);
        let place = (AGREEING * values.len() as f64).ceil() as usize;
        values.get(place.checked_sub(1)?).copied()
    }

    /// Whether users have gaps on both sides, where enough users have many.
    fn both_sides(&self) -> Test {
        let name = "users with gaps on both sides at least 0.5".to_owned();
        let many: u64 = self.tallies.shortest.iter().sum();
        let Some(at) = self.at().filter(|_| many >= 8) else {
            let passed = self.at().is_some();
            return Test {
                name,
                met: None,
                limit: 0.5,
                passed,
            };
        };
        let bins = &self.tallies.bins;
        let above = (0..bins.count())
            .find(|&bin| bins.points()[bin] + bins.shift() > at)
            .unwrap_or(bins.count());
        let none_below: u64 = self.tallies.shortest[above..].iter().sum();
        let none_above: u64 = self.tallies.longest[..above].iter().sum();
        let share = (many - none_below - none_above) as f64 / many as f64;
        at_least(&name, Some(share), 0.5)
    }

    /// Gate (g).
    fn factor(&self) -> Test {
        let factor = self.interval().map(|(low, high)| high / low);
        Test {
            name: "interval's ends differ by a factor below 4".to_owned(),
            met: factor,
            limit: 4.0,
            passed: factor.is_some_and(|factor| factor < 4.0),
        }
    }
}

/// What follows from the gates.
fn verdict(gates: &Gates<'_>, tests: &[Test], ground: &Ground<'_>, point: &Histograms) -> Verdict {
    let (factor, others) = match tests.split_last() {
        Some(parts) => parts,
        None => return keep("nothing was asked of the gaps"),
    };
    if let (Some(failed), _) | (None, Some(failed)) = (
        others.iter().find(|test| !test.passed),
        Some(factor).filter(|test| !test.passed && test.met.is_none()),
    ) {
        return refusal(gates, failed, ground, point);
    }
    match (gates.at(), gates.interval()) {
        (Some(at), Some(interval)) if factor.passed => Verdict::Recommended {
            seconds: at.exp(),
            interval,
        },
        (_, Some((low, high))) => Verdict::Between { low, high },
        _ => refusal(gates, factor, ground, point),
    }
}

/// No recommendation: a range that makes no difference, or the first reason.
fn refusal(gates: &Gates<'_>, failed: &Test, ground: &Ground<'_>, point: &Histograms) -> Verdict {
    let tallies = gates.tallies;
    if tallies.count == 0 {
        return keep("there is no gap to judge by");
    }
    if tallies.users_with_gaps == 0 {
        return keep("every gap is shorter than the clock's resolution");
    }
    let in_use = (gates.plan.in_use.micros() as f64 / SECOND as f64).ln();
    let curve = ground.curve(point);
    let (low, high) = indifferent(&curve, in_use, gates.plan.tolerance);
    let reach = LEAST_REACH.ln();
    if curve.mean(in_use) > 0.0 && low <= in_use - reach && high >= in_use + reach {
        return Verdict::Indifferent {
            low: low.exp(),
            high: high.exp(),
            tolerance: gates.plan.tolerance,
        };
    }
    if tallies.resampling.resamples == 0 {
        return keep("without resampling nothing is known of how sure a timeout is");
    }
    Verdict::Keep {
        reason: reason(failed),
    }
}

fn keep(reason: &str) -> Verdict {
    Verdict::Keep {
        reason: reason.to_owned(),
    }
}

/// A failed condition as a clause.
fn reason(failed: &Test) -> String {
    match failed.met {
        Some(met) => format!("{} is asked for, {} was met", failed.name, rounded(met)),
        None => format!(
            "{} is asked for, and there is nothing to measure",
            failed.name
        ),
    }
}

/// Two digits behind the point, fewer for large numbers.
fn rounded(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

fn at_least(name: &str, met: Option<f64>, limit: f64) -> Test {
    Test {
        name: name.to_owned(),
        met,
        limit,
        passed: met.is_some_and(|met| met >= limit),
    }
}

fn at_most(name: &str, met: Option<f64>, limit: f64) -> Test {
    Test {
        name: name.to_owned(),
        met,
        limit,
        passed: met.is_some_and(|met| met <= limit),
    }
}

fn simple_rules(tallies: &Tallies, _ground: &Ground<'_>) -> Vec<SimpleRule> {
    let (points, shift) = (tallies.bins.points(), tallies.bins.shift());
    let bins: Vec<(f64, f64, f64)> = (0..tallies.bins.count())
        .map(|bin| {
            let gaps = tallies.by_gap[bin] as f64;
            if bin < EXACT {
                return (points[bin] + shift, points[bin] + shift, gaps);
            }
            let low = tallies.bins.top_seconds(bin - 1).ln();
            (low, tallies.bins.top_seconds(bin).ln(), gaps)
        })
        .collect();
    let second = SECOND as f64;
    rules(&Gaps {
        count: tallies.count,
        zero: tallies.short,
        sum: tallies.micros as f64 / second,
        squares: tallies.micros_squared as f64 / second / second,
        bins: &bins,
    })
}

/// What a reader must know of the fits.
fn remarks(
    tallies: &Tallies,
    mixtures: &Mixtures,
    point: &Histograms,
    ground: &Ground<'_>,
) -> Vec<String> {
    let mut remarks = Vec::new();
    if mixtures.first == 1 {
        remarks.push(format!(
            "Far more gaps are exactly {} than the rest lets expect; the mixtures are fitted to the longer ones.",
            words(tallies.bins.step_seconds().ln())
        ));
    }
    if let Some(remark) = disagreement(tallies, mixtures, point, ground) {
        remarks.push(remark);
    }
    if mixtures.chosen == 3 {
        remarks.push(
            "Three components fit clearly better than two; the verdict rests on them.".to_owned(),
        );
        remarks.extend(alternatives(tallies, mixtures));
    }
    if mixtures.best == 4 {
        remarks.push("Four components fit better still; what they are is not judged.".to_owned());
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
        "Of three components, {} taken as within a session give {}; {} would give {}.",
        first.within,
        words(first.at + tallies.bins.shift()),
        second.within,
        words(second.at + tallies.bins.shift()),
    ))
}

/// Whether the fit turns on how much the busiest users weigh.
fn disagreement(
    tallies: &Tallies,
    mixtures: &Mixtures,
    point: &Histograms,
    _ground: &Ground<'_>,
) -> Option<String> {
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
        "The timeout turns on how users are weighed: {} when each user's gaps are capped, {} when \
         each gap counts the same, {} when each user does; the user with the most gaps has {:.0} % of them.",
        words(at + shift),
        said(by_gap),
        said(by_user),
        share * 100.0
    ))
}

/// ln seconds as people write durations, to the second where that says enough.
fn words(at: f64) -> String {
    let seconds = at.exp();
    let micros = (seconds * SECOND as f64).round() as Micros;
    if seconds >= 10.0 {
        write_duration((micros + SECOND / 2) / SECOND * SECOND)
    } else {
        write_duration(micros)
    }
}
