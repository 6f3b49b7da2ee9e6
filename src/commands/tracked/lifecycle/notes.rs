//! What a reader of the stages must know besides.

use super::Looked;
use crate::events::SECOND;
use crate::measures::interval::{effective_users, mean_interval};
use crate::report::words;
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::lifecycle::{LONG, Stage, StageFigures};
use crate::tracked::record::Record;

/// Under this many users of equal weight, a number is carried by few (METHODS section 9).
const FEW_USERS: f64 = 30.0;

impl Looked<'_> {
    /// Whole sentences, those about what is averaged first.
    pub(super) fn notes(&self, listed: usize) -> Vec<String> {
        let mut notes = self.of_shape();
        for &stage in self.course.stages() {
            let figures = self.course.figures(&self.chosen, stage);
            notes.extend(out_of_order(stage, &figures));
            notes.extend(long(stage, &figures));
        }
        notes.extend(self.few_users(self.last_stage()));
        notes.extend(self.paused());
        notes.push(self.unit());
        notes.extend(self.without_user());
        notes.extend(self.without_start());
        notes.extend(self.unreadable());
        notes.extend(self.after_now());
        notes.extend(self.unknown_statuses());
        notes.extend(self.not_listed(listed));
        notes
    }

    /// What the shape or the table cannot say.
    fn of_shape(&self) -> Vec<String> {
        if self.last_stage() == Stage::Current {
            return vec![
                "The shape \"snapshot\" keeps one current session per person and no history: \
                 earlier sessions are not in it, and nobody knows when this one ends."
                    .to_owned(),
            ];
        }
        let columns = [Field::Started, Field::Ended];
        let missing = columns
            .into_iter()
            .filter(|field| !self.table.columns.contains_key(field));
        let note = |field| {
            let table = quoted(self.table.table.name.as_bytes());
            let column = self.table.standard_name(field);
            let said = match field {
                Field::Started => "how long setup and the productive stage take is unknown.",
                _ => {
                    "how long the productive stage takes is unknown. Whether a session is still in \
                     it, its status alone says."
                }
            };
            format!("Table {table} has no column \"{column}\": {said}")
        };
        missing.take(1).map(note).collect()
    }

    /// What the intervals rest on.
    fn unit(&self) -> String {
        let has_users = self.table.columns.contains_key(&Field::User);
        match (self.last_stage(), has_users) {
            (Stage::Current, _) => "Intervals take each person as one of many.",
            (_, true) => "Intervals take users, not sessions, as independent of each other.",
            (_, false) => {
                "Intervals take sessions as independent of each other, since they name no user; \
                 people who come often make them too narrow."
            }
        }
        .to_owned()
    }

    fn paused(&self) -> Option<String> {
        let paused = self.chosen.iter().map(|record| self.course.paused(record));
        let (count, sum) = paused
            .filter(|paused| *paused > 0)
            .fold((0, 0.0), |(count, sum), paused| {
                (count + 1, sum + paused as f64 / SECOND as f64)
            });
        (count > 0).then(|| {
            let was = words::counted(count, "ended session was", "ended sessions were");
            let sum = words::duration(sum);
            format!("{was} paused, for {sum} in all, which is no part of the productive stage.")
        })
    }

    fn few_users(&self, stage: Stage) -> Option<String> {
        let figures = self.course.figures(&self.chosen, stage);
        mean_interval(&figures.cell)?;
        let effective = effective_users(&figures.cell).filter(|users| *users < FEW_USERS)?;
        let who = match self.table.columns.contains_key(&Field::User) {
            true => "users",
            false => "sessions",
        };
        Some(format!(
            "Few {who} carry the {} mean: {} of {}.",
            stage.name(),
            words::count(effective.round() as u64),
            words::count(figures.cell.closed_users)
        ))
    }

    fn without_user(&self) -> Option<String> {
        self.table.columns.get(&Field::User)?;
        let count = self.count(|record| record.user.is_none());
        (count > 0).then(|| {
            let (name, counts) = match count {
                1 => ("names", "it counts as a user of its own"),
                _ => ("name", "each counts as a user of its own"),
            };
            format!("{} {name} no user; {counts}.", sessions(count))
        })
    }

    /// Sessions that no window and no period has.
    fn without_start(&self) -> Option<String> {
        let has_none = |record: &&Record| record.time(Field::Started).is_none();
        let all = self.all.iter().filter(has_none);
        let (from, to) = self.window;
        let created = all.clone().filter(|record| {
            record
                .time(Field::Created)
                .is_some_and(|at| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to))
        });
        let (all, created) = (all.count() as u64, created.count() as u64);
        if all == 0 {
            return None;
        }
        let (have, stand) = match all {
            1 => ("has", "stands"),
            _ => ("have", "stand"),
        };
        let besides = match (from, to) {
            (None, None) => String::new(),
            _ if !self.table.columns.contains_key(&Field::Created) => String::new(),
            _ => format!(
                "; {} of them created inside this window",
                words::count(created)
            ),
        };
        Some(format!(
            "{} {have} no start, and {stand} in no period and no window: both go by the \
             start{besides}.",
            sessions(all)
        ))
    }

    fn unreadable(&self) -> Option<String> {
        let mut reasons = self.all.iter().flat_map(|record| &record.unreadable);
        let (field, why) = reasons.next()?;
        let count = self
            .all
            .iter()
            .filter(|record| !record.unreadable.is_empty())
            .count();
        Some(format!(
            "{} a time that cannot be read, counted apart; the first is column \"{}\": {why}.",
            match count {
                1 => "1 session has".to_owned(),
                count => format!("{} sessions have", words::count(count as u64)),
            },
            self.table.standard_name(*field)
        ))
    }

    fn after_now(&self) -> Option<String> {
        let now = self.settings.now;
        let is_after = |record: &Record| {
            self.course
                .milestones()
                .any(|field| record.time(field).is_some_and(|at| at > now))
        };
        let count = self.count(is_after);
        (count > 0).then(|| {
            let (have, their) = match count {
                1 => ("has", "it is taken as it stands"),
                _ => ("have", "they are taken as they stand"),
            };
            format!("{} {have} a time after now; {their}.", sessions(count))
        })
    }

    fn unknown_statuses(&self) -> Option<String> {
        let unknown = self.course.unknown_statuses(&self.chosen);
        let list: Vec<String> = unknown
            .iter()
            .map(|(status, count)| {
                let status = quoted(status.as_bytes());
                format!("{status} ({})", words::count(*count))
            })
            .collect();
        (!list.is_empty()).then(|| {
            format!(
                "Whether a session is over cannot be told from the status {}: it counts as in \
                 progress until a time says otherwise.",
                list.join(", ")
            )
        })
    }

    fn not_listed(&self, listed: usize) -> Option<String> {
        let more = self.stuck.len() - listed;
        (more > 0).then(|| {
            format!(
                "Of {} stuck sessions the {listed} that are so for longest are listed; --rows stuck \
                 lists all.",
                words::count(self.stuck.len() as u64)
            )
        })
    }

    fn count(&self, is_one: impl Fn(&Record) -> bool) -> u64 {
        self.chosen.iter().filter(|record| is_one(record)).count() as u64
    }
}

fn out_of_order(stage: Stage, figures: &StageFigures) -> Option<String> {
    let count = figures.out_of_order;
    (count > 0).then(|| {
        let (name, by) = (
            stage.name(),
            words::exact_duration(figures.furthest_out_of_order),
        );
        let ends = match count {
            1 => format!("1 {name} stage ends {by} before it begins"),
            _ => format!(
                "{} {name} stages end before they begin, by up to {by}",
                words::count(count)
            ),
        };
        format!("{ends} (clocks differ, or a time is wrong): counted apart, and in no average.")
    })
}

fn long(stage: Stage, figures: &StageFigures) -> Option<String> {
    let (count, time) = figures.long;
    (count > 0).then(|| {
        let share = time as f64 / figures.cell.duration as f64;
        let (name, limit) = (stage.name(), words::duration(LONG as f64 / 1e6));
        let last = match count {
            1 => format!("1 {name} stage is longer than {limit} and holds"),
            _ => format!(
                "{} {name} stages are longer than {limit} and hold",
                words::count(count)
            ),
        };
        format!(
            "{last} {} of that stage's time; {} in the averages.",
            words::share(share),
            if count == 1 { "it is" } else { "they are" }
        )
    })
}

fn sessions(count: u64) -> String {
    words::counted(count, "session", "sessions")
}
