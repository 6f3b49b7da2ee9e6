//! Takes users one by one, in any order and on any thread, and gives the scores.

use crate::agreement::{AgreementPlan, Choice, Chosen, Coverage, Scores, UserCase};

/// What has been seen of some users. All sums are whole numbers, so that order and threads do not
/// matter.
#[derive(Clone, Debug)]
pub struct Agreement {
    plan: AgreementPlan,
}

impl Agreement {
    /// Of no user yet.
    pub fn new(plan: &AgreementPlan) -> Self {
        Self { plan: plan.clone() }
    }

    /// Adds one user. Each user comes once.
    pub fn user(&mut self, case: &UserCase<'_>) {
        let _ = case;
    }

    /// Adds what another one with the same plan has seen.
    pub fn merge(&mut self, other: Agreement) {
        let _ = other;
    }

    /// The scores of all users.
    pub fn finish(self) -> Scores {
        Scores {
            timeout: self.plan.timeout,
            tolerance: self.plan.tolerance,
            coverage: Coverage::default(),
            measures: Vec::new(),
            curve: Vec::new(),
            choice: Choice {
                highest_f1: Chosen::default(),
                no_bias: Chosen::default(),
            },
        }
    }
}
