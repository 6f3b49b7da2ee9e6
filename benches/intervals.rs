//! How often the intervals of a report contain the truth: four designs of users and their
//! sessions, at 50, 400 and 5,000 users, 1,000 seeded runs of each. `docs/intervals.md` says what
//! follows.
//!
//! `cargo bench --bench intervals -- [design] [users] [runs]`; `all` stands for every design or
//! every number of users.

#[path = "intervals/design.rs"]
mod design;
#[path = "intervals/others.rs"]
mod others;
#[path = "../fixtures/generate/random.rs"]
#[allow(dead_code, reason = "the designs need fewer kinds of draws")]
mod random;
#[path = "intervals/tally.rs"]
mod tally;

use std::io::Write;

use anyhow::{Context, Result, ensure};

use crate::design::{DESIGNS, Design};
use crate::others::Others;
use crate::tally::Tally;

/// How many users a run has.
const USERS: [usize; 3] = [50, 400, 5_000];

/// How many runs there are.
const RUNS: u64 = 1_000;

/// Other ways to an interval are tried where users are at most so many: they take long.
const MOST_USERS_FOR_OTHERS: usize = 400;

fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let word = |place: usize| {
        asked
            .get(place)
            .map(String::as_str)
            .filter(|word| *word != "all")
    };
    let designs: Vec<Design> = DESIGNS
        .into_iter()
        .filter(|design| word(0).is_none_or(|name| name == design.name))
        .collect();
    let names = DESIGNS.map(|design| design.name).join(", ");
    ensure!(!designs.is_empty(), "expected one of {names}, or all");
    let users = match word(1) {
        None => USERS.to_vec(),
        Some(number) => vec![
            number
                .parse()
                .context("expected a number of users, or all")?,
        ],
    };
    let runs = word(2).map_or(Ok(RUNS), str::parse);
    run(&designs, &users, runs.context("expected a number of runs")?)
}

fn run(designs: &[Design], users: &[usize], runs: u64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut tallies = Vec::new();
    writeln!(out, "{}", tally::MEANS)?;
    for design in designs {
        for &users in users {
            let (tally, others) = tallied(design, users, runs);
            writeln!(out, "{}", tally.means())?;
            out.flush()?;
            tallies.push((tally, others));
        }
    }
    writeln!(out, "\n{}", tally::DIFFERENCES)?;
    for (tally, _) in &tallies {
        writeln!(out, "{}", tally.differences())?;
    }
    writeln!(out, "\n{}", others::HEADER)?;
    for (tally, others) in &tallies {
        if let Some(others) = others {
            writeln!(out, "{}", others.line(tally))?;
        }
    }
    Ok(())
}

fn tallied(design: &Design, users: usize, runs: u64) -> (Tally, Option<Others>) {
    let mut tally = Tally::new(*design, users);
    let mut others = (users <= MOST_USERS_FOR_OTHERS).then(|| Others::new(*design));
    for run in 0..runs {
        let drawn = design.draw(users, number(design, users, run));
        tally.add(&drawn);
        if let Some(others) = &mut others {
            others.add(&drawn, run);
        }
    }
    (tally, others)
}

/// A number of its own for every run of every design and size.
fn number(design: &Design, users: usize, run: u64) -> u64 {
    let place = DESIGNS.iter().position(|other| other.name == design.name);
    (place.unwrap_or(0) as u64) << 56 | (users as u64) << 32 | run
}
