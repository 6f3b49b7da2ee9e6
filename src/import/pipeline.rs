//! Reading text on all cores: the calling thread cuts blocks, others parse them, and counts and
//! places come out as if one thread had read everything. What a block holds is each format's affair.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use crate::error::{Failure, Family};
use crate::events::Batch;
use crate::import::blocks::{Stop, too_long};
use crate::import::columns::AskedColumns;
use crate::import::file::Limits;
use crate::import::intake::{Intake, Tally, Terms};
use crate::import::meter::Meter;
use crate::import::names::SourceNames;
use crate::import::too_many_sources;

/// What takes events on one thread.
pub type Sink<'a> = Box<dyn FnMut(&Batch) + Send + 'a>;

/// What all files of a source share.
pub(crate) struct Reading<'a> {
    pub(crate) asked: &'a AskedColumns,
    pub(crate) terms: &'a Terms,
    pub(crate) limits: Limits,
    pub(crate) allow_empty: bool,
    pub(crate) input: usize,
    pub(crate) names: &'a SourceNames,
    pub(crate) meter: &'a Meter,
}

impl<'a> Reading<'a> {
    /// What takes rows on one thread; `columns` name the user and the time in messages.
    pub(crate) fn intake(
        &self,
        columns: (&'a str, &'a str),
        sink: &'a mut (dyn FnMut(&Batch) + Send),
    ) -> Intake<'a> {
        Intake::new(
            self.terms, self.input, self.names, columns, sink, self.meter,
        )
    }
}

/// What a text file gave.
pub(crate) struct Done {
    pub(crate) tally: Tally,
    /// Physical lines per block, for places of rejected rows.
    pub(crate) lines: Lines,
    /// Columns that were chosen by their known names.
    pub(crate) chosen: Vec<(&'static str, String)>,
    pub(crate) warnings: Vec<String>,
}

/// How many physical lines stand before each block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    pub(crate) before_first: u64,
    /// Up to the end of each block, those before the first block left out.
    ends: Vec<u64>,
}

impl Lines {
    pub(crate) fn count(&mut self, blocks: &BTreeMap<u64, u64>) {
        self.ends = blocks
            .values()
            .scan(0, |end, lines| {
                *end += lines;
                Some(*end)
            })
            .collect();
    }

    /// The physical line, from 1, of a line in a block, from 0.
    pub(crate) fn line(&self, block: u64, line: u64) -> u64 {
        let before = (block as usize)
            .checked_sub(1)
            .and_then(|before| self.ends.get(before).or(self.ends.last()));
        self.before_first + before.unwrap_or(&0) + line + 1
    }

    /// A failure with the line of its place, now that all lines before are counted.
    pub(crate) fn place(&self, stop: Stop) -> crate::error::Failure {
        let mut failure = stop.failure;
        if let Some((block, line)) = stop.place {
            let line = self.line(block, line);
            failure.message = format!("line {line}: {}", failure.message);
            failure.line = Some(line);
        }
        failure
    }
}

/// Whole records of a format.
pub(crate) trait TextBlock: Send {
    /// Counted from 0, within the file.
    fn number(&self) -> u64;
    /// Its memory, to be used again.
    fn into_bytes(self) -> Vec<u8>;
}

/// What a file gave, once it is known that the file is still what was opened.
pub(crate) fn settled(
    done: Result<Done, Failure>,
    finish: impl FnOnce() -> Result<Option<String>, Failure>,
    changed: impl FnOnce() -> Option<Failure>,
) -> Result<Done, Failure> {
    match done {
        Ok(mut done) => {
            done.warnings.extend(finish()?);
            Ok(done)
        }
        // What a file seems to lack may be what was taken from it meanwhile.
        Err(failure) if failure.id.family == Family::Input => Err(changed().unwrap_or(failure)),
        Err(failure) => Err(failure),
    }
}

/// What cuts a file into blocks.
pub(crate) trait BlockReader {
    type Block: TextBlock;
    /// The next block; `None` at the end. `recycled` is emptied and used for its bytes.
    fn next_block(&mut self, recycled: Vec<u8>) -> Result<Option<Self::Block>, Stop>;
    /// Bytes read from the disk since this was last asked.
    fn newly_read(&mut self) -> u64;
}

/// What parses blocks on one thread.
pub(crate) trait BlockParser {
    type Block: TextBlock;
    /// Parses one block; gives its physical lines.
    fn block(&mut self, block: &Self::Block) -> u64;
    /// The counts, and block and line of the first record over the limit.
    fn finish(self) -> (Tally, Option<(u64, u64)>);
}

/// What all blocks gave.
#[derive(Default)]
pub(crate) struct Parsed {
    pub(crate) tally: Tally,
    /// Physical lines by block.
    pub(crate) lines: BTreeMap<u64, u64>,
    /// What stopped the reading.
    pub(crate) stop: Option<Stop>,
}

/// Parses all blocks, on as many threads as there are sinks; a single block on this one.
pub(crate) fn parse_all<'s, R, P>(
    blocks: &mut R,
    reading: &Reading<'_>,
    sinks: &'s mut [Sink<'_>],
    new_parser: impl Fn(&'s mut (dyn FnMut(&Batch) + Send + 's)) -> P + Sync,
) -> Parsed
where
    R: BlockReader,
    P: BlockParser<Block = R::Block>,
{
    let first = match blocks.next_block(Vec::new()) {
        Ok(Some(block)) => block,
        Ok(None) => return Parsed::default(),
        Err(stop) => {
            return Parsed {
                stop: Some(stop),
                ..Parsed::default()
            };
        }
    };
    let second = blocks.next_block(Vec::new());
    if let Ok(None) = second
        && !sinks.is_empty()
    {
        let mut parser = new_parser(sinks[0].as_mut());
        let lines = BTreeMap::from([(first.number(), parser.block(&first))]);
        let (tally, long) = parser.finish();
        let stop = long.map(|place| too_long(reading.limits.max_field, place));
        return Parsed { tally, lines, stop };
    }
    let (send, receive) = sync_channel::<R::Block>(sinks.len() * 2);
    let receive = Arc::new(Mutex::new(receive));
    let spare = Mutex::new(Vec::new());
    let new_parser = &new_parser;
    std::thread::scope(|scope| {
        let workers: Vec<_> = sinks
            .iter_mut()
            .map(|sink| {
                let (receive, spare) = (Arc::clone(&receive), &spare);
                scope.spawn(move || drain(new_parser(sink.as_mut()), &receive, spare))
            })
            .collect();
        // With the last worker the receiver ends too, so that nobody waits for one that panicked.
        drop(receive);
        let stop = feed(blocks, first, second, &send, &spare, reading);
        drop(send);
        let (mut all, mut long) = (Parsed::default(), None);
        for worker in workers {
            let part = crate::import::join(worker);
            all.tally.merge(part.tally);
            all.lines.extend(part.lines);
            long = long.into_iter().chain(part.too_long).min();
        }
        let long = long.map(|place| too_long(reading.limits.max_field, place));
        all.stop = long.or(stop);
        all
    })
}

type Spare = Mutex<Vec<Vec<u8>>>;

/// Sends blocks to the workers until the end, until reading stops, or until there are too many
/// sources.
fn feed<R: BlockReader>(
    blocks: &mut R,
    first: R::Block,
    second: Result<Option<R::Block>, Stop>,
    send: &SyncSender<R::Block>,
    spare: &Spare,
    reading: &Reading<'_>,
) -> Option<Stop> {
    let mut next = Ok(Some(first));
    let mut after = Some(second);
    loop {
        match next {
            Ok(Some(_)) if reading.meter.is_stopped() => return None,
            Ok(Some(_)) if reading.names.overflowed() => return Some(too_many_sources().into()),
            Ok(Some(block)) => {
                reading.meter.add_bytes(blocks.newly_read());
                if send.send(block).is_err() {
                    return None;
                }
            }
            Ok(None) => return None,
            Err(stop) => return Some(stop),
        }
        next = after.take().unwrap_or_else(|| {
            let recycled = spare
                .lock()
                .expect("nothing panics while it holds this")
                .pop();
            blocks.next_block(recycled.unwrap_or_default())
        });
    }
}

/// What one thread parsed.
struct Part {
    tally: Tally,
    /// Physical lines by block.
    lines: Vec<(u64, u64)>,
    too_long: Option<(u64, u64)>,
}

/// Parses blocks as they come.
fn drain<P: BlockParser>(
    mut parser: P,
    receive: &Mutex<Receiver<P::Block>>,
    spare: &Spare,
) -> Part {
    let mut lines = Vec::new();
    loop {
        let next = receive
            .lock()
            .expect("no thread panics while it waits")
            .recv();
        let Ok(block) = next else { break };
        lines.push((block.number(), parser.block(&block)));
        spare
            .lock()
            .expect("nothing panics while it holds this")
            .push(block.into_bytes());
    }
    let (tally, too_long) = parser.finish();
    Part {
        tally,
        lines,
        too_long,
    }
}
