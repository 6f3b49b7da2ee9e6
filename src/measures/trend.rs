//! Is the number moving? Chooses the two periods to compare (PRODUCT section 3), and the days of
//! the line under the headline.

use crate::measures::observation::Observation;
use crate::measures::plan::{Calendars, Plan};
use crate::measures::rows::{Standings, capitalised};
use crate::measures::series::Series;
use crate::measures::{DailyMean, Trend};
use crate::time::period::{PeriodLength, label};

/// The fewest complete weeks for a usual weekly move.
const FEWEST_WEEKS: usize = 8;

/// The most days in the line under the headline.
const MOST_DAYS: usize = 28;

/// One length's periods, over all users.
struct Candidate<'a> {
    length: PeriodLength,
    standings: Standings,
    series: &'a mut Series,
}

/// Why no two periods can be compared; clauses, lower case, no final stop.
enum Obstacle {
    Incomplete(String),
    Uncovered(String),
    Empty(String),
}

/// The trend: of the length asked for, else of the last complete week and the one before it, else
/// of the last two complete days. Adds remarks on what a reader would miss or misread.
pub(crate) fn trend(
    plan: &Plan,
    calendars: &Calendars,
    all_users: &mut [Series],
    observation: &Observation,
    remarks: &mut Vec<String>,
) -> Trend {
    let usual_weekly_move = candidate(PeriodLength::Week, calendars, all_users, observation)
        .and_then(|weeks| usual_weekly_move(&weeks));
    let lengths = match plan.compare {
        Some(length) => vec![length],
        None => vec![PeriodLength::Week, PeriodLength::Day],
    };
    let mut reason = "there are no sessions".to_owned();
    for length in lengths {
        let Some(mut periods) = candidate(length, calendars, all_users, observation) else {
            continue;
        };
        if periods.series.ends().is_none() {
            continue;
        }
        let is_last_resort = plan.compare.is_some() || length == PeriodLength::Day;
        let later = later_period(&periods, is_last_resort, observation);
        match later.and_then(|later| compared(plan, &mut periods, later, usual_weekly_move)) {
            Ok(trend) => {
                remarks.extend(opposite_movement(&trend));
                return trend;
            }
            Err(Obstacle::Uncovered(clause)) if !is_last_resort => {
                remarks.push(format!(
                    "{}, so weeks are not compared.",
                    capitalised(&clause)
                ));
            }
            Err(
                Obstacle::Incomplete(clause)
                | Obstacle::Uncovered(clause)
                | Obstacle::Empty(clause),
            ) => reason = clause,
        }
    }
    Trend::None { reason }
}

/// The last days of the data in the window, at most 28, the earliest first; days without a session
/// between them included.
pub(crate) fn daily_means(
    calendars: &Calendars,
    all_users: &[Series],
    observation: &Observation,
) -> Vec<DailyMean> {
    let Some(position) = calendars.position(PeriodLength::Day) else {
        return Vec::new();
    };
    let (calendar, series) = (&calendars.by_length[position].1, &all_users[position]);
    let Some((first, last)) = series.ends() else {
        return Vec::new();
    };
    let first = first.max((last + 1).saturating_sub(MOST_DAYS));
    let days = (first..=last).filter_map(|index| {
        let cell = &series.get(index)?.cell;
        let period = calendar.period(index);
        Some(DailyMean {
            period,
            complete: observation.is_complete(period, cell.open_sessions),
            mean: cell.mean(),
        })
    });
    days.collect()
}

fn candidate<'a>(
    length: PeriodLength,
    calendars: &Calendars,
    all_users: &'a mut [Series],
    observation: &Observation,
) -> Option<Candidate<'a>> {
    let position = calendars.position(length)?;
    let series = &mut all_users[position];
    let calendar = &calendars.by_length[position].1;
    Some(Candidate {
        length,
        standings: Standings::new(calendar, series, observation),
        series,
    })
}

/// The later of the two periods to compare.
///
/// The latest complete week decides for weeks, so that an old pair is not taken for news; where
/// nothing shorter is left to try, the latest pair of complete neighbours does.
fn later_period(
    periods: &Candidate<'_>,
    is_last_resort: bool,
    observation: &Observation,
) -> Result<usize, Obstacle> {
    let standings = &periods.standings;
    let name = periods.length.name();
    let mut latest_first = (0..standings.len()).rev();
    let later = if is_last_resort {
        latest_first.find(|&index| standings.is_pair_complete(index))
    } else {
        latest_first
            .find(|&index| standings.is_complete(index))
            .filter(|&index| standings.is_pair_complete(index))
    };
    let later = later.ok_or_else(|| {
        Obstacle::Incomplete(format!("there are no two neighbouring complete {name}s"))
    })?;
    match observation.gap_in_coverage(standings.pair(later)) {
        Some(clause) => Err(Obstacle::Uncovered(clause)),
        None => Ok(later),
    }
}

/// The comparison of a period with the one before it; both are complete, so that no session of
/// theirs is open, and a mean is missing only where there is no session at all.
fn compared(
    plan: &Plan,
    periods: &mut Candidate<'_>,
    later: usize,
    usual_weekly_move: Option<f64>,
) -> Result<Trend, Obstacle> {
    let earlier = later - 1;
    let mean = |index: usize| {
        let slot = periods.series.get(index);
        slot.and_then(|slot| slot.cell.mean()).ok_or_else(|| {
            let period = periods.standings.period(index);
            let name = periods.length.name();
            let label = label(period, periods.length, &plan.zone);
            Obstacle::Empty(format!("no session began in the {name} {label}"))
        })
    };
    mean(later)?;
    let earlier_mean = mean(earlier)?;
    let change = periods
        .series
        .change(later)
        .expect("both periods have a mean");
    Ok(Trend::Compared {
        length: periods.length,
        earlier: periods.standings.period(earlier),
        later: periods.standings.period(later),
        figures: periods.series.slot(later).figures(),
        earlier_mean,
        change,
        usual_weekly_move,
    })
}

/// The median absolute change between neighbouring weeks, in seconds, when eight or more weeks are
/// complete, covered by every source and have a mean.
fn usual_weekly_move(weeks: &Candidate<'_>) -> Option<f64> {
    let mean = |index: usize| {
        let cell = &weeks.series.get(index)?.cell;
        cell.mean().filter(|_| weeks.standings.is_sound(index))
    };
    let means: Vec<Option<f64>> = (0..weeks.standings.len()).map(mean).collect();
    if means.iter().flatten().count() < FEWEST_WEEKS {
        return None;
    }
    let mut moves: Vec<f64> = means
        .windows(2)
        .filter_map(|pair| Some((pair[1]? - pair[0]?).abs()))
        .collect();
    moves.sort_unstable_by(f64::total_cmp);
    let middle = moves.len() / 2;
    match moves.len() {
        0 => None,
        length if length % 2 == 1 => Some(moves[middle]),
        _ => Some(f64::midpoint(moves[middle - 1], moves[middle])),
    }
}

/// The remark for a mean and a mean of users' means that move apart (Simpson 1951).
fn opposite_movement(trend: &Trend) -> Option<String> {
    let Trend::Compared { length, change, .. } = trend else {
        return None;
    };
    let users = change.user_means_seconds?;
    let (all, typical) = match (change.seconds * users < 0.0, change.seconds > 0.0) {
        (false, _) => return None,
        (true, true) => ("rose", "fell"),
        (true, false) => ("fell", "rose"),
    };
    Some(format!(
        "From one {} to the next the mean over sessions {all} while the mean of the users' own \
         means {typical}; users with many sessions weigh more in the former.",
        length.name()
    ))
}
