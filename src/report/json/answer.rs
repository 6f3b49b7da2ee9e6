//! What a command on tracked sessions has to say, as one JSON object.

use std::io::{self, Write};

use super::escape::put;
use super::{Object, put_list};
use crate::report::answer::Answer;
use crate::report::columns::Cell;
use crate::report::{PROGRAM, SCHEMA_VERSION};

/// Writes what it rests on, the sentence, the facts, each table under its name, and the notes.
pub(crate) fn write_answer(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let basis = &answer.basis;
    let run = [
        ("program", Cell::Plain(PROGRAM.to_owned())),
        ("version", Cell::Plain(env!("CARGO_PKG_VERSION").to_owned())),
        ("schema_version", Cell::Count(u64::from(SCHEMA_VERSION))),
        ("command", Cell::Plain(basis.command.to_owned())),
        ("shape", Cell::Plain(basis.shape.to_owned())),
        ("database", Cell::Text(basis.database.as_str().into())),
        ("table", Cell::Text(basis.table.as_str().into())),
        ("time_zone", Cell::Plain(basis.zone.to_string())),
        ("now", Cell::Instant(basis.now)),
    ];
    out.write_all(b"{\"run\":")?;
    put(&Object::named(run.into()), out)?;
    out.write_all(b",\n\"headline\":")?;
    put(&answer.headline, out)?;
    out.write_all(b",\n\"facts\":")?;
    let facts = answer.facts.iter();
    put(
        &Object::named(facts.map(|fact| (fact.name, fact.cell.clone())).collect()),
        out,
    )?;
    for table in &answer.tables {
        let rows = table.rows.iter().map(|row| {
            let names = table.columns.iter().map(|column| column.name);
            Object::named(names.zip(row.iter().cloned()).collect())
        });
        put_list(table.name, rows, out)?;
    }
    out.write_all(b",\n\"notes\":")?;
    put(&answer.notes, out)?;
    out.write_all(b"}\n")
}
