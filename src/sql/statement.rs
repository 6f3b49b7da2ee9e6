//! A statement as a chain of small named steps, each adding one column or one filter, with a head
//! that says what comes out.

use std::fmt::Write as _;

use super::question::Relation;

/// A chain of steps. What reads a step asks for its name, which is changed where a source's own
/// names or statement hold it.
#[derive(Clone, Debug)]
pub struct Statement {
    head: Vec<String>,
    steps: Vec<Step>,
    suffix: String,
}

#[derive(Clone, Debug)]
struct Step {
    name: String,
    why: String,
    body: String,
    /// Whether the engine is told to work it out before what reads it.
    is_held: bool,
}

impl Statement {
    /// A chain without steps over these relations. `names` are those of all steps to come.
    pub(super) fn over<'a>(relations: impl Iterator<Item = &'a Relation>, names: &[&str]) -> Self {
        let mut words = Vec::new();
        for relation in relations {
            let texts = match relation {
                Relation::Table(names) => names.as_slice(),
                Relation::Query(statement) => std::slice::from_ref(statement),
            };
            words.extend(texts.iter().map(|text| text.to_lowercase()));
        }
        let is_taken = |suffix: &str| {
            let mut names = names.iter().map(|name| format!("{name}{suffix}"));
            names.any(|name| words.iter().any(|text| text.contains(&name)))
        };
        let suffixes = (1..).map(|number| match number {
            1 => String::new(),
            number => format!("_{number}"),
        });
        let mut free = suffixes.filter(|suffix| !is_taken(suffix));
        Self {
            head: Vec::new(),
            steps: Vec::new(),
            suffix: free.next().expect("a text does not hold every number"),
        }
    }

    /// The name that a step has in this statement.
    pub fn name(&self, step: &str) -> String {
        format!("{step}{}", self.suffix)
    }

    /// Adds a step; `why` is its comment, one sentence without a full stop, and `body` a SELECT
    /// whose lines after the first are indented by four spaces more than they should stand.
    pub fn step(&mut self, name: &str, why: impl Into<String>, body: impl Into<String>) {
        self.steps.push(Step {
            name: self.name(name),
            why: why.into(),
            body: body.into(),
            is_held: false,
        });
    }

    /// As [`Self::step`], for a step that SQLite should work out once for a row: it would put the
    /// step's expressions wherever their names stand, again and again.
    pub(super) fn kept_step(&mut self, name: &str, why: &str, body: String) {
        self.step(name, why, body);
        if let Some(step) = self.steps.last_mut() {
            step.is_held = true;
        }
    }

    /// Has the engine make these steps, as far as they are there, before what reads them, so that it
    /// does not put their expressions in the place of every mention.
    pub(super) fn hold(&mut self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| self.name(name)).collect();
        for step in &mut self.steps {
            step.is_held |= names.contains(&step.name);
        }
    }

    /// The comment before everything, in lines.
    pub fn head(&mut self, lines: Vec<String>) {
        self.head = lines;
    }

    /// The whole text with its last SELECT, without a semicolon.
    pub fn finish(&self, select: &str) -> String {
        let mut out = String::new();
        for line in &self.head {
            out += format!("-- {line}").trim_end();
            out.push('\n');
        }
        for (index, step) in self.steps.iter().enumerate() {
            let Step {
                name, why, body, ..
            } = step;
            let held = if step.is_held { "MATERIALIZED " } else { "" };
            let before = if index == 0 { "WITH " } else { ", " };
            let _infallible = write!(
                out,
                "{before}{name} AS {held}(\n    -- {why}\n    {body}\n)"
            );
        }
        out + "\n" + select
    }
}
