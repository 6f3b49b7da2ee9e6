//! How a run ends whose result was held against rules.

use crate::commands::Ending;
use crate::error::{self, Failure};
use crate::report::judgement::{check_line, holding};
use crate::threshold::check::CheckResult;

/// The ending of a run that published its report: with a failure where a rule does not hold.
pub(super) fn checked(ending: Ending, checks: Option<&CheckResult>) -> Ending {
    let Some(checks) = checks.filter(|checks| !checks.passed()) else {
        return ending;
    };
    let failure = Failure::new(error::CHECK_FAILED, holding(checks));
    let failure = checks
        .failed()
        .fold(failure, |failure, check| failure.detail(check_line(check)));
    Ending::CheckFailed {
        failure: Box::new(failure),
        is_partial: matches!(ending, Ending::Partial),
    }
}
