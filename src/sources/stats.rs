//! How asking goes: counted here, published by the exporter's own telemetry.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use strum::VariantArray as _;

use super::answers::Answered;
use super::error::SourceErrorKind;

/// What is counted of each source, by its name.
#[derive(Debug, Default)]
pub struct SourceStats(Mutex<BTreeMap<String, SourceTotals>>);

/// Of one source, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SourceTotals {
    /// Questions answered.
    pub answered: u64,
    /// Questions not answered, in the order of `SourceErrorKind::VARIANTS`.
    pub refused: [u64; SourceErrorKind::VARIANTS.len()],
    /// Time spent waiting for answers.
    pub waited: Duration,
    /// When it last answered.
    pub last_success: Option<SystemTime>,
    /// Whether it answered everything it was asked last.
    pub is_up: bool,
}

impl SourceStats {
    /// Counts the outcomes of one round of questions to a source.
    pub(super) fn round(&self, source: &str, outcomes: &[Answered], waited: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = all.entry(source.to_owned()).or_default();
        totals.is_up = outcomes.iter().all(|answered| answered.outcome.is_ok());
        totals.waited += waited;
        for answered in outcomes {
            match &answered.outcome {
                Ok(_) => {
                    totals.answered += 1;
                    totals.last_success = Some(answered.at);
                }
                Err(error) => totals.refused[error.reason as usize] += 1,
            }
        }
    }

    /// Forgets sources that a reload removed.
    pub(super) fn keep(&self, names: &[&str]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|name, _| names.contains(&name.as_str()));
    }

    /// Every source, by name.
    pub fn totals(&self) -> BTreeMap<String, SourceTotals> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
