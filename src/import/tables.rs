//! The sources of databases on their way: prepared before any is read, then read to the window's
//! end, then on until the sessions that began in it have ended.

use crate::error::{self, Failure};
use crate::events::Micros;
use crate::import::database::{Counted, Database, Reading, Span};
use crate::import::inputs::{Body, Input, Unit};
use crate::import::pipeline::Sink;
use crate::import::window::{ReadingOn, Watch, Window};
use crate::import::{Options, UnitReader, UnitResult};

/// The sources of databases on their way.
pub(super) struct Tables {
    pub(super) window: Window,
    pub(super) watch: Watch,
    /// The statements that were sent.
    pub(super) said: Vec<String>,
    /// By unit; none for files, and for what is being read.
    prepared: Vec<Option<Result<Prepared, Failure>>>,
}

/// A source of a database, ready to be read.
pub(super) struct Prepared {
    pub(super) reading: Reading,
    /// How its times compare in the database; `None` where they do not, or it is no server.
    pub(super) counted: Option<Counted>,
    /// Up to where it was read, as its column counts.
    reached: Option<i64>,
    /// How many rows that were.
    rows: u64,
}

impl Tables {
    /// Chooses the statement of every source. The window's end counts only where everything can be
    /// read on behind it: a file's events may carry a session on that a server's would end.
    pub(super) fn prepare(
        units: &[Unit],
        inputs: &[Input],
        options: &Options,
        databases: &mut [Database],
    ) -> Self {
        let mut prepare = |unit: &Unit| {
            let Body::Table { database, query } = &unit.body else {
                return None;
            };
            let database = &mut databases[*database];
            let spec = &inputs[unit.input].terms.time;
            let reading = database.prepare(query, &unit.place);
            Some(reading.map(|reading| Prepared {
                counted: match database {
                    Database::Sqlite(_) => None,
                    _ => Counted::of(reading.time_kind, spec),
                },
                reading,
                reached: None,
                rows: 0,
            }))
        };
        let prepared: Vec<_> = units.iter().map(&mut prepare).collect();
        let mut window = options.window;
        let can_read_on = |prepared: &Option<Result<Prepared, Failure>>| match prepared {
            Some(Ok(prepared)) => prepared.counted.is_some(),
            Some(Err(_)) => true,
            None => false,
        };
        if !prepared.iter().all(can_read_on) {
            window.to = None;
        }
        let mut watch = Watch::default();
        if let Some(to) = window.to {
            watch.before(to, window.timeout);
        }
        Self {
            window,
            watch,
            said: Vec::new(),
            prepared,
        }
    }

    /// Whether a unit is read on behind the window's end, so that its budget is not settled before.
    pub(super) fn reads_on(&self, index: usize) -> bool {
        self.window.to.is_some() && matches!(self.prepared[index], Some(Ok(_)))
    }

    pub(super) fn take(&mut self, index: usize) -> Result<Prepared, Failure> {
        let taken = self.prepared[index].take();
        taken.unwrap_or_else(|| {
            Err(Failure::new(
                error::BUG,
                "a table is prepared before it is read",
            ))
        })
    }

    pub(super) fn put_back(
        &mut self,
        index: usize,
        prepared: Prepared,
        reached: Option<i64>,
        rows: u64,
    ) {
        self.prepared[index] = Some(Ok(Prepared {
            reached,
            rows,
            ..prepared
        }));
    }

    /// Reads all sources on, step by step, until the sessions that began in the window have ended.
    pub(super) fn read_on<'a>(
        &mut self,
        databases: &mut [Database],
        results: &mut [Result<UnitResult, Failure>],
        sinks: &mut [Sink<'_>],
        reader: impl Fn(usize) -> UnitReader<'a>,
    ) {
        let Some(to) = self.window.to else {
            return;
        };
        let ends = results.iter().flatten().filter_map(|result| result.ends);
        let Some(last) = ends.map(|(_, last)| last).max() else {
            return;
        };
        let mut reading_on = ReadingOn::new(&self.window, to, self.watch.take());
        while let Some(edge) = reading_on.next(last, &mut self.watch) {
            for (index, result) in results.iter_mut().enumerate() {
                let reader = reader(index);
                if let (Ok(found), Body::Table { database, .. }) = (&*result, &reader.unit.body)
                    && found.ends.is_some()
                    && let Err(failure) =
                        self.step(&reader, &mut databases[*database], edge, result, sinks)
                {
                    *result = Err(failure);
                }
            }
            reading_on.settle(&mut self.watch);
        }
    }

    /// Reads one source on up to an edge.
    fn step(
        &mut self,
        reader: &UnitReader<'_>,
        database: &mut Database,
        edge: Micros,
        result: &mut Result<UnitResult, Failure>,
        sinks: &mut [Sink<'_>],
    ) -> Result<(), Failure> {
        let mut prepared = self.take(reader.index)?;
        let to = prepared.counted.map(|counted| counted.to(edge));
        let span = Span {
            from: prepared.reached,
            to: to.max(prepared.reached),
        };
        let reading = &prepared.reading;
        let (tally, rows) = reader.rows(
            database,
            reading,
            &span,
            prepared.rows,
            sinks,
            &mut self.watch,
        )?;
        if let Ok(result) = result {
            result.tally.merge(tally);
        }
        (prepared.reached, prepared.rows) = (span.to, rows);
        self.prepared[reader.index] = Some(Ok(prepared));
        Ok(())
    }
}
