//! Provisional numbers for sources while they appear, shared by all reading threads; the engine
//! translates them once all are known.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::events::MAX_SOURCES;

/// One source as it was met: in which input, under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetSource {
    /// Index of the input.
    pub input: usize,
    /// The name.
    pub name: String,
}

/// The sources met so far, by provisional number.
#[derive(Debug, Default)]
pub struct SourceNames {
    met: Mutex<Vec<MetSource>>,
    overflow: AtomicBool,
    own: Vec<String>,
}

impl SourceNames {
    /// With the inputs' own names, for rows that name no source themselves.
    pub(crate) fn new(own: Vec<String>) -> Self {
        Self {
            own,
            ..Self::default()
        }
    }

    /// The number of an input's own source.
    pub(crate) fn own(&self, input: usize) -> u8 {
        self.number(input, &self.own[input])
    }

    /// The number of a source. With too many it is that of the last one, and the run must fail.
    pub(crate) fn number(&self, input: usize, name: &str) -> u8 {
        let mut met = self
            .met
            .lock()
            .expect("no thread panics while it holds the names");
        let place = met
            .iter()
            .position(|met| met.input == input && met.name == name);
        let place = place.unwrap_or_else(|| {
            if met.len() < MAX_SOURCES {
                met.push(MetSource {
                    input,
                    name: name.to_owned(),
                });
            } else {
                self.overflow.store(true, Ordering::Relaxed);
            }
            met.len() - 1
        });
        place as u8
    }

    /// Whether there were more than can be told apart.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflow.load(Ordering::Relaxed)
    }

    /// All, by number.
    pub(crate) fn into_met(self) -> Vec<MetSource> {
        self.met
            .into_inner()
            .expect("no thread panics while it holds the names")
    }
}
