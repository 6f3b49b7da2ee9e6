//! Does a recommended timeout keep its promise? Gaps whose truth is known, many times over: how often
//! the interval contains it, how far the estimate is off, and how often gaps without structure are
//! refused. Prints a table with the bands that are asked for.
//!
//! `cargo bench --bench threshold` runs everything, `-- DESIGN [USERS [RUNS]]` one part of it; a
//! design's name may be cut short.

#[path = "threshold/truth.rs"]
mod truth;

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sessionize::threshold::Verdict;
use sessionize::threshold::estimate::{EstimatePlan, Estimation, Resampling, Tallies};
use sessionize::time::duration::Timeout;

use crate::truth::{Design, Gaps, Random};

/// Two humps, as the accepted designs have them.
const fn humps(inner: f64, long: f64, deviation: f64) -> Gaps {
    Gaps::Humps {
        inner,
        short: 60.0,
        long,
        deviation,
    }
}

/// The design that everything else varies.
const DAY: Design = Design::new("60 s + 1 day", humps(0.8, 86_400.0, 1.2));

/// What is asked of a design.
#[derive(Clone, Copy)]
enum Band {
    /// The interval contains the truth in that share of runs, and the median estimate is that near.
    Contained(f64, f64, f64),
    /// As a share of runs, accepted at least.
    Accepted(f64),
    /// As a share of runs, refused at least.
    Refused(f64),
    /// The median estimate is that near and the warning printed.
    Warned(f64),
}

/// Design, users, runs, band.
type Part = (Design, usize, u64, Band);

fn parts() -> Vec<Part> {
    let stamped = |name, resolution, doubled| Design {
        name,
        resolution,
        doubled,
        ..DAY
    };
    let echo = |name, doubled| Design {
        name,
        doubled,
        echo: 0.001,
        ..DAY
    };
    let account = Design {
        name: "one account with half of all gaps",
        account: true,
        ..DAY
    };
    let few_echoes = echo("one gap in 200 of a millisecond", 0.005);
    let echoes = echo("half of all gaps of a millisecond", 0.5);
    let second = stamped("stamps at 1 s", 1_000_000, 0.0);
    let zeros = stamped("half of all gaps zero", 1_000_000, 0.5);
    let minute = stamped("stamps at 60 s", 60_000_000, 0.0);
    let mut parts = vec![
        (DAY, 50, 1_000, Band::Contained(0.90, 0.99, f64::INFINITY)),
        (DAY, 400, 1_000, Band::Contained(0.91, 0.98, 0.03)),
        (DAY, 5_000, 200, Band::Contained(0.0, 1.0, 0.01)),
        (second, 400, 1_000, Band::Contained(0.91, 0.98, 0.03)),
        (zeros, 400, 1_000, Band::Contained(0.91, 0.98, 0.03)),
        (minute, 400, 1_000, Band::Contained(0.91, 0.98, 0.03)),
        (few_echoes, 400, 1_000, Band::Contained(0.91, 0.98, 0.03)),
        (echoes, 400, 1_000, Band::Contained(0.91, 0.98, 0.03)),
        (account, 400, 200, Band::Warned(0.10)),
    ];
    let accepted = [
        DAY,
        Design::new("95 % inner gaps", humps(0.95, 86_400.0, 1.2)),
        Design::new("deviation 1.5", humps(0.8, 86_400.0, 1.5)),
        Design::new("60 s + 4 h", humps(0.8, 14_400.0, 1.2)),
    ];
    parts.extend(accepted.map(|design| (design, 400, 200, Band::Accepted(0.95))));
    for users in [50, 400] {
        parts.extend(refused().map(|design| (design, users, 200, Band::Refused(0.95))));
    }
    parts
}

fn refused() -> [Design; 11] {
    let five_seconds = Gaps::LogNormal {
        median: 5.0,
        deviation: 1.0,
    };
    let log_normal = Gaps::LogNormal {
        median: 300.0,
        deviation: 1.5,
    };
    [
        Design::new("log-normal", log_normal),
        Design::new("exponential", Gaps::Exponential(600.0)),
        Design::new("log-uniform", Gaps::LogUniform),
        Design::new("Lomax 1", Gaps::Lomax(300.0)),
        Design::new("Weibull 0.4", Gaps::Weibull(600.0)),
        Design::new("gamma 0.2", Gaps::Gamma(3_600.0)),
        Design::new("different paces", Gaps::Paces),
        Design {
            resolution: 1_000_000,
            ..Design::new("5 s stamped to 1 s", five_seconds)
        },
        Design::new("Poisson, 6 a waking day", Gaps::Waking(6.0)),
        Design::new("Poisson, 30 a waking day", Gaps::Waking(30.0)),
        Design::new("60 s + 30 min", humps(0.8, 1_800.0, 1.2)),
    ]
}

/// What one run gave.
struct Outcome {
    /// The mixture's timeout in seconds, whatever the verdict.
    seconds: Option<f64>,
    /// Its interval.
    interval: Option<(f64, f64)>,
    verdict: Verdict,
    warned: bool,
    failed: Option<String>,
}

fn run(design: &Design, users: usize, seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    let resampling = Resampling {
        resamples: 200,
        seed: random.next(),
    };
    let mut tallies = Tallies::new(&resampling, design.resolution);
    for gaps in design.users(users, &mut random) {
        tallies.user(random.next(), &gaps);
    }
    let estimation = tallies.judge(&EstimatePlan {
        in_use: Timeout::DEFAULT,
        tolerance: 0.05,
        between: (30_000_000, 4 * 3_600_000_000),
        threads: 1,
    });
    outcome(estimation)
}

fn outcome(estimation: Estimation) -> Outcome {
    let mixture = &estimation.estimates[0];
    let (seconds, interval) = match estimation.verdict {
        Verdict::Recommended { seconds, interval } => (Some(seconds), Some(interval)),
        _ => (mixture.seconds, mixture.interval),
    };
    Outcome {
        seconds,
        interval,
        warned: estimation
            .remarks
            .iter()
            .any(|remark| remark.contains("how users are weighed")),
        failed: estimation
            .gates
            .iter()
            .find(|gate| !gate.passed)
            .map(|gate| gate.name.clone()),
        verdict: estimation.verdict,
    }
}

/// Every run of a part, on all cores.
fn runs(design: &Design, users: usize, count: u64) -> Vec<Outcome> {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut outcomes = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return outcomes;
                        }
                        outcomes.push(run(design, users, number));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    })
}

/// Shares and medians over the runs of a part.
struct Summary {
    runs: usize,
    accepted: f64,
    between: f64,
    refused: f64,
    contained: Option<f64>,
    off: Option<f64>,
    warned: f64,
    reasons: Vec<(String, usize)>,
}

fn summary(outcomes: &[Outcome], truth: Option<f64>) -> Summary {
    let count = outcomes.len() as f64;
    let share = |test: &dyn Fn(&Outcome) -> bool| {
        outcomes.iter().filter(|outcome| test(outcome)).count() as f64 / count
    };
    let recommended = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Recommended { .. });
    let between = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Between { .. });
    let mut estimates: Vec<f64> = outcomes
        .iter()
        .filter_map(|outcome| outcome.seconds)
        .collect();
    estimates.sort_by(f64::total_cmp);
    let median = estimates.get(estimates.len() / 2);
    Summary {
        runs: outcomes.len(),
        accepted: share(&recommended),
        between: share(&between),
        refused: share(&|outcome| !recommended(outcome) && !between(outcome)),
        contained: truth.map(|truth| {
            share(&|outcome| {
                outcome
                    .interval
                    .is_some_and(|(low, high)| (low..=high).contains(&truth))
            })
        }),
        off: truth
            .zip(median)
            .map(|(truth, median)| median / truth - 1.0),
        warned: share(&|outcome| outcome.warned),
        reasons: reasons(outcomes),
    }
}

/// Which gates failed first, the most frequent ones.
fn reasons(outcomes: &[Outcome]) -> Vec<(String, usize)> {
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for failed in outcomes
        .iter()
        .filter_map(|outcome| outcome.failed.as_ref())
    {
        match reasons.iter_mut().find(|(name, _)| name == failed) {
            Some((_, count)) => *count += 1,
            None => reasons.push((failed.clone(), 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons.truncate(2);
    reasons
}

/// The band in words, and whether it is met.
fn judged(band: Band, summary: &Summary) -> (String, bool) {
    let off = summary.off.map_or(f64::INFINITY, f64::abs);
    match band {
        Band::Contained(low, high, near) => {
            let contained = summary.contained.unwrap_or_default();
            let mut words = Vec::new();
            if low > 0.0 {
                words.push(format!(
                    "contained {:.0}–{:.0} %",
                    low * 100.0,
                    high * 100.0
                ));
            }
            if near.is_finite() {
                words.push(format!("median within {:.0} %", near * 100.0));
            }
            (
                words.join(", "),
                (low..=high).contains(&contained) && off <= near,
            )
        }
        Band::Accepted(least) => (
            format!("accepted {:.0} %", least * 100.0),
            summary.accepted >= least,
        ),
        Band::Refused(least) => (
            format!("refused {:.0} %", least * 100.0),
            summary.refused >= least,
        ),
        Band::Warned(near) => (
            format!("median within {:.0} %, warned", near * 100.0),
            off <= near && summary.warned >= 0.95,
        ),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{:.1} %", share * 100.0))
}

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let named = words.first().map_or("", String::as_str);
    let users: Option<usize> = words.get(1).and_then(|word| word.parse().ok());
    let count: Option<u64> = words.get(2).and_then(|word| word.parse().ok());
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| design | users | runs | recommended | between | refused | contained | median off | warned | asked | met | first gate that fails |"
    )?;
    writeln!(
        out,
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    let chosen = parts().into_iter().filter(|(design, size, ..)| {
        design.name.starts_with(named) && users.is_none_or(|users| users == *size)
    });
    for (design, users, runs_asked, band) in chosen {
        let outcomes = runs(&design, users, count.unwrap_or(runs_asked));
        let summary = summary(&outcomes, design.truth());
        let (asked, met) = judged(band, &summary);
        let reasons: Vec<String> = summary
            .reasons
            .iter()
            .map(|(name, count)| format!("{name} ({count})"))
            .collect();
        writeln!(
            out,
            "| {} | {users} | {} | {} | {} | {} | {} | {} | {} | {asked} | {} | {} |",
            design.name,
            summary.runs,
            percent(Some(summary.accepted)),
            percent(Some(summary.between)),
            percent(Some(summary.refused)),
            percent(summary.contained),
            percent(summary.off),
            percent(Some(summary.warned)),
            if met { "yes" } else { "**no**" },
            reasons.join("; "),
        )?;
        out.flush()?;
    }
    Ok(())
}
