//! Where an application keeps its sessions, from the flags of `tracked` over `[tracked]`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::{Asked, Settings, Settling, config_file};
use crate::cli::tracked::PlaceFlags;
use crate::cli::{Flags, SegmentBy};
use crate::error::{self, Failure};
use crate::import::inputs::Input;
use crate::import::tracked::TrackedShape;

/// Where the sessions are, and who asks.
#[derive(Clone, Debug)]
pub struct TrackedPlace {
    /// The database.
    pub input: Input,
    /// Whose table it is.
    pub shape: TrackedShape,
    /// The table, where another one is named than the shape's.
    pub table: Option<String>,
    /// Other names of the shape's columns, by those that the shape gives them; those of another
    /// table stand behind its name and a dot.
    pub columns: BTreeMap<String, String>,
    /// Other names of the tables beside it.
    pub tables: BTreeMap<String, String>,
    /// Who asks.
    pub who: Who,
    /// What rows are split by.
    pub segment: Option<SegmentBy>,
}

/// Whose sessions may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// All.
    Everyone,
    /// Those of the children of this parent.
    Parent(String),
    /// Those of this user.
    User(String),
}

impl TrackedPlace {
    /// The name of a table beside the sessions'.
    pub(crate) fn related(&self, standard: &str) -> String {
        let mapped = self.tables.get(standard);
        mapped.map_or(standard, String::as_str).to_owned()
    }

    /// The name of a column of such a table, `children.id`, without the table's.
    pub(crate) fn mapped(&self, standard: &str) -> String {
        let alone = standard
            .rsplit_once('.')
            .map_or(standard, |(_, column)| column);
        let mapped = self.columns.get(standard);
        mapped.map_or(alone, String::as_str).to_owned()
    }
}

impl Settings {
    /// Settles what was typed for a command on tracked sessions; `inputs` are read besides where it
    /// needs events, and `None` where it needs none.
    ///
    /// # Errors
    ///
    /// As [`Settings::new`], and where no database or shape is named.
    pub fn of_tracked(
        flags: &Flags,
        place: &PlaceFlags,
        inputs: Option<&[OsString]>,
        clock: crate::events::Micros,
    ) -> Result<(Self, TrackedPlace), Failure> {
        let file = config_file(flags)?;
        let settling = Settling {
            flags,
            file: &file,
            clock,
        };
        let mut settings = settling.settle(match inputs {
            Some(inputs) => Asked::Inputs(inputs),
            None => Asked::Nothing,
        })?;
        let place = settling.tracked_place(place, &settings)?;
        settings.consulted.extend(settling.tracked_secrets());
        Ok((settings, place))
    }
}

impl Settling<'_> {
    fn tracked_place(
        &self,
        flags: &PlaceFlags,
        settings: &Settings,
    ) -> Result<TrackedPlace, Failure> {
        let config = self.tracked_config();
        let said = match flags.database {
            Some(_) => None,
            None => config.filter(|config| config.path.is_some()),
        };
        let (zone, filter) = (&settings.zone, Default::default());
        let mut input = match (&flags.database, said.and_then(|said| said.as_source())) {
            (Some(typed), _) => self.named(typed, zone, None, &filter)?,
            (None, Some(source)) => self.configured(&source, zone, None, &filter)?,
            (None, None) => {
                let message = "no database is named: no --database, and no path in [tracked]";
                return Err(Failure::new(error::NO_INPUT, message)
                    .help("for example: --database app.db --shape study"));
            }
        };
        input.role = None;
        let shape = flags.shape.or(config.and_then(|config| config.shape));
        let Some(shape) = shape else {
            let message = "no shape is named: no --shape, and no shape in [tracked]";
            return Err(Failure::new(error::USAGE, message).help(
                "interview, practice, study, saved-interview, platform or snapshot: \
                 see docs/tracked.md",
            ));
        };
        let table = self.flags.table.clone();
        let who = match (&flags.as_parent, &flags.as_user) {
            (Some(parent), _) => Who::Parent(parent.clone()),
            (None, Some(user)) => Who::User(user.clone()),
            (None, None) => Who::Everyone,
        };
        Ok(TrackedPlace {
            input,
            shape,
            table: table.or_else(|| said?.table.clone()),
            columns: config
                .map(|config| config.columns.clone())
                .unwrap_or_default(),
            tables: config
                .map(|config| config.tables.clone())
                .unwrap_or_default(),
            who,
            segment: self.asked_segment(),
        })
    }
}
