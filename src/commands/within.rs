//! The gaps inside sessions as the mixture of `sessionize threshold` tells them, for a report that
//! estimates dwell by it.

use crate::commands::gathered::Gathered;
use crate::commands::threshold::{BETWEEN, resolution};
use crate::events::{Micros, Role};
use crate::measures::dwell::within::WithinModel;
use crate::sessions::rule::Rule;
use crate::sessions::scan::UserSessions;
use crate::sessions::users::user_hash;
use crate::settings::threshold::ThresholdSettings;
use crate::threshold::Verdict;
use crate::threshold::estimate::{EstimatePlan, Resampling, Tallies};
use crate::threshold::gaps::{Chains, finite};
use crate::threshold::recommend::reason;
use crate::threshold::resolution::Resolutions;
use crate::time::duration::Timeout;

/// The gaps of one thread's users.
pub(super) struct Within<'a> {
    chains: Chains<'a>,
    kept: Vec<Micros>,
    tallies: Tallies,
    window: (Micros, Micros),
}

impl<'a> Within<'a> {
    /// Of nobody yet.
    pub(super) fn new(
        asked: &ThresholdSettings,
        gathered: &'a Gathered,
        rule: &Rule,
        window: (Micros, Micros),
        resolutions: &Resolutions,
    ) -> Self {
        let sources = &gathered.imported.sources;
        let is_counted = |place: u8| sources[usize::from(place)].role != Role::Ignore;
        let resampling = Resampling {
            resamples: asked.resamples,
            seed: asked.seed,
        };
        Self {
            chains: Chains::new(rule, sources),
            kept: Vec::new(),
            tallies: Tallies::new(&resampling, resolution(gathered, resolutions, is_counted)),
            window,
        }
    }

    /// Adds the gaps between a user's events of the window. What was read beside it depends on the
    /// source: files are read whole, of a server's table little more than the window.
    pub(super) fn user(&mut self, user: &UserSessions<'_>) {
        if let Some(chain) = self.chains.user(user.events.within(self.window)) {
            let gaps = finite(chain.gaps, &mut self.kept);
            self.tallies.user(user_hash(user.user), gaps);
        }
    }

    pub(super) fn merge(self, other: Self) -> Self {
        Self {
            tallies: self.tallies.merge(other.tallies),
            ..self
        }
    }

    /// The gaps inside sessions, or a clause that says why they cannot be told from the others: the
    /// model rests on the same gates as a recommended timeout.
    pub(super) fn finish(
        &self,
        asked: &ThresholdSettings,
        in_use: Timeout,
        threads: usize,
    ) -> Result<WithinModel, String> {
        let estimation = self.tallies.judge(&EstimatePlan {
            in_use,
            tolerance: asked.tolerance,
            between: BETWEEN,
            threads,
        });
        let failed = estimation.gates.iter().find(|gate| !gate.passed);
        match (estimation.verdict, estimation.within) {
            (Verdict::Recommended { .. } | Verdict::Between { .. }, Some(within)) => Ok(within),
            (Verdict::Keep { reason, .. }, _) => Err(format!("the gaps do not part: {reason}")),
            _ => Err(match failed {
                Some(gate) => format!("the gaps do not part: {}", reason(gate)),
                None => "the gaps do not part".to_owned(),
            }),
        }
    }
}
