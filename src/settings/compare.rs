//! What inferred sessions are compared with, from the flags of `compare` over `[tracked]`.

use std::path::PathBuf;

use toml::Spanned;

use super::config::{ConfigFile, SourceConfig, TrackedConfig};
use super::sources::{check_stdin, looks_like_database, warnings};
use super::{Asked, Settings, Settling, config_file, flag_failure};
use crate::agreement::AgreementPlan;
use crate::agreement::repair::{Limits, Repair};
use crate::cli::Flags;
use crate::cli::compare::CompareFlags;
use crate::cli::report::BesideFlags;
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::import::columns::{AskedColumns, Rows};
use crate::import::inputs::Input;
use crate::import::tracked::TrackedShape;
use crate::time::duration::parse_length;
use crate::time::zone::Zone;

/// What `compare` needs besides.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Where the tracked sessions are.
    pub tracked: Input,
    /// Whose table it is.
    pub shape: Option<TrackedShape>,
    /// What becomes of broken ones.
    pub repair: Repair,
    /// The longest plausible one.
    pub absurd: Micros,
    /// What is measured.
    pub plan: AgreementPlan,
}

/// How often users are drawn again, unless something else is said.
const RESAMPLES: u32 = 200;
/// Which draws, unless something else is said.
const SEED: u64 = 1;

impl Settings {
    /// Settles what was typed for a comparison.
    ///
    /// # Errors
    ///
    /// As [`Settings::new`].
    pub fn of_comparison(
        flags: &Flags,
        inputs: &[std::ffi::OsString],
        compared: &CompareFlags,
        clock: Micros,
    ) -> Result<(Self, Comparison), Failure> {
        let file = config_file(flags)?;
        let settling = Settling {
            flags,
            file: &file,
            clock,
        };
        let mut settings = settling.settle(Asked::Inputs(inputs))?;
        let comparison = settling.comparison(compared, &settings)?;
        settings.read_too(&comparison.tracked, compared)?;
        settings.consulted.extend(settling.tracked_secrets());
        Ok((settings, comparison))
    }

    /// Settles what was typed for a report beside which tracked sessions stand.
    ///
    /// # Errors
    ///
    /// As [`Settings::new`].
    pub fn of_report(
        flags: &Flags,
        inputs: &[std::ffi::OsString],
        beside: &BesideFlags,
        clock: Micros,
    ) -> Result<(Self, Input), Failure> {
        let file = config_file(flags)?;
        let settling = Settling {
            flags,
            file: &file,
            clock,
        };
        let mut settings = settling.settle(Asked::Inputs(inputs))?;
        let beside = beside.as_compared();
        let tracked = settling.tracked(&beside, &settings)?;
        settings.read_too(&tracked, &beside)?;
        Ok((settings, tracked))
    }

    /// Looks at the tracked sessions as at an input.
    fn read_too(&mut self, tracked: &Input, typed: &CompareFlags) -> Result<(), Failure> {
        let mut all = self.inputs.clone();
        all.push(tracked.clone());
        check_stdin(&all)?;
        for warning in typed
            .tracked
            .iter()
            .flat_map(|typed| warnings(std::slice::from_ref(typed)))
        {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(())
    }
}

impl Settling<'_> {
    fn comparison(&self, flags: &CompareFlags, settings: &Settings) -> Result<Comparison, Failure> {
        let config = self.tracked_config();
        let tolerance = self.length("--tolerance", &flags.tolerance, |c| &c.tolerance)?;
        let absurd = self.length("--absurd", &flags.absurd, |c| &c.absurd)?;
        let resamples = flags.resamples.or(config.and_then(|c| c.resamples));
        let seed = flags.seed.or(config.and_then(|c| c.seed));
        Ok(Comparison {
            tracked: self.tracked(flags, settings)?,
            shape: self.shape(flags),
            repair: flags
                .repair
                .or(config.and_then(|c| c.repair))
                .unwrap_or_default(),
            absurd: absurd.unwrap_or(Limits::ABSURD),
            plan: AgreementPlan {
                timeout: settings.timeout.micros(),
                tolerance: tolerance.unwrap_or(0),
                resamples: resamples.unwrap_or(RESAMPLES),
                seed: seed.unwrap_or(SEED),
                grid: AgreementPlan::usual_grid(settings.timeout.micros()),
            },
        })
    }

    pub(super) fn tracked_config(&self) -> Option<&TrackedConfig> {
        self.file.as_ref()?.config.tracked.as_ref()
    }

    fn length(
        &self,
        flag: &str,
        typed: &Option<String>,
        key: fn(&TrackedConfig) -> &Option<Spanned<String>>,
    ) -> Result<Option<Micros>, Failure> {
        let parse = |text: &str| parse_length(text).map_err(|cause| cause.to_string());
        match (typed, self.tracked_config().and_then(|c| key(c).as_ref())) {
            (Some(text), _) => parse(text)
                .map(Some)
                .map_err(|cause| flag_failure(error::USAGE, flag, text, &cause)),
            (None, Some(text)) => self.at(error::CONFIG_FILE, text, parse).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The input of tracked sessions. What the flags say of the events' columns does not hold for
    /// it; a place that is typed leaves what `[tracked]` says of its own place behind.
    fn tracked(&self, flags: &CompareFlags, settings: &Settings) -> Result<Input, Failure> {
        let first = settings.inputs.first();
        let filter = first
            .map(|input| input.terms.filter.clone())
            .unwrap_or_default();
        let latest = first.map(|input| input.terms.time.latest);
        let zone = &settings.zone;
        let said = self.said(flags);
        let input = match (&flags.tracked, said.and_then(TrackedConfig::as_source)) {
            (Some(typed), _) => self.named(typed, zone, latest, &filter)?,
            (None, Some(source)) => self.configured(&source, zone, latest, &filter)?,
            (None, None) => {
                return Err(Failure::new(
                    error::NO_INPUT,
                    "nothing to compare with: no --tracked, and no path in [tracked]",
                )
                .help("for example: sessionize compare posts.csv --tracked sessions.csv"));
            }
        };
        let shape = self.shape(flags);
        let id = flags.tracked_id.clone().or_else(|| said?.id.clone());
        if let (Some(config), Some(_), Some(file)) = (said, &id, self.file)
            && config.end.is_some()
        {
            return Err(excluded(file, config));
        }
        let of = |typed: &Option<String>, key: fn(&TrackedConfig) -> &Option<String>| {
            typed.clone().or_else(|| key(said?).clone())
        };
        let of_shape = |name: fn(TrackedShape) -> &'static str| shape.map(name).map(str::to_owned);
        let start = of(&flags.tracked_start, |c| &c.start);
        let (rows, beside) = match id {
            Some(id) => (Rows::Labelled, Some(id)),
            None => {
                let end = of(&flags.tracked_end, |c| &c.end);
                (Rows::Sessions, end.or_else(|| of_shape(TrackedShape::end)))
            }
        };
        let mut input = Input {
            format: said.and_then(|said| said.format),
            role: None,
            roles: Default::default(),
            drop_duplicates: false,
            columns: AskedColumns {
                user: of(&flags.tracked_user, |c| &c.user)
                    .or_else(|| shape?.user().map(str::to_owned)),
                time: start
                    .or_else(|| of_shape(TrackedShape::start))
                    .into_iter()
                    .collect(),
                source: None,
                rows,
                beside,
            },
            table: None,
            ..input
        };
        let table = of(&flags.tracked_table, |c| &c.table);
        if looks_like_database(&input) {
            input.table = table.or_else(|| of_shape(TrackedShape::table));
            input.terms.time.zone = input.terms.time.zone.or(Some(Zone::UTC));
        }
        Ok(input)
    }

    /// What `[tracked]` says of its own place, unless another place is typed.
    fn said(&self, flags: &CompareFlags) -> Option<&TrackedConfig> {
        match flags.tracked {
            Some(_) => None,
            None => self.tracked_config().filter(|config| config.path.is_some()),
        }
    }

    fn shape(&self, flags: &CompareFlags) -> Option<TrackedShape> {
        flags.shape.or_else(|| self.said(flags)?.shape)
    }

    /// Files with secrets that `[tracked]` names, so that no output is written over them.
    pub(super) fn tracked_secrets(&self) -> Vec<PathBuf> {
        let keys = self.tracked_config().map(|config| {
            let keys = [&config.ca_file, &config.password_file, &config.my_cnf];
            keys.map(Option::as_ref)
        });
        let keys = keys.into_iter().flatten().flatten();
        keys.map(|key| self.folder().join(key)).collect()
    }
}

fn excluded(file: &ConfigFile, config: &TrackedConfig) -> Failure {
    let at = config.path.as_ref().map_or(0, |path| path.span().start);
    let message = "\"id\" and \"end\" exclude each other in [tracked]";
    file.failure(error::CONFIG_FILE, at, message)
}

impl TrackedConfig {
    /// The same place as a `[[source]]` says it.
    pub(super) fn as_source(&self) -> Option<SourceConfig> {
        let mut source = SourceConfig::at(self.path.clone()?);
        source.format = self.format;
        source.tls = self.tls;
        source.ca_file.clone_from(&self.ca_file);
        source.password_env.clone_from(&self.password_env);
        source.password_file.clone_from(&self.password_file);
        source.my_cnf.clone_from(&self.my_cnf);
        source.timezone.clone_from(&self.timezone);
        source.epoch_unit = self.epoch_unit;
        source.time_format.clone_from(&self.time_format);
        Some(source)
    }
}
