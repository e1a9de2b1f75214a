//! What to do about a verdict: advice that fits the reason. Who is down need not be told how to instrument.

use super::score::RuleStatus;
use crate::checks::Reason;
use crate::manifesto::Rule;

/// What to do; empty where nothing is to be done but wait.
pub fn advice(rule: &Rule, status: RuleStatus, reason: Reason) -> &str {
    match status {
        RuleStatus::Pass | RuleStatus::NotApplicable => "",
        RuleStatus::Fail | RuleStatus::Waived if is_elsewhere(reason) => advice_on_target(reason),
        RuleStatus::Fail | RuleStatus::Waived => &rule.remediation,
        RuleStatus::Unknown => for_unknown(rule, reason),
    }
}

/// What to do about a target that has no metrics to judge.
pub fn advice_on_target(reason: Reason) -> &'static str {
    if is_elsewhere(reason) {
        "Serve metrics where they are looked for, or correct the path that is asked (`metrics_path` of the job)."
    } else if reason == Reason::BadExposition {
        "Mend the exposition at the place named: Prometheus cannot read it either."
    } else {
        "Start the service, or tell discovery that it is gone; where it answers, mend what the message names."
    }
}

/// Whether the target answers, and has no metrics where they are looked for.
fn is_elsewhere(reason: Reason) -> bool {
    matches!(reason, Reason::NotFound | Reason::Gone)
}

fn for_unknown(rule: &Rule, reason: Reason) -> &str {
    match reason {
        Reason::TargetDown | Reason::NotFound | Reason::Gone | Reason::BadExposition => {
            advice_on_target(reason)
        }
        Reason::SourceDown => {
            "Mend the source of evidence, or its entry under `sources` of the configuration."
        }
        // Time tells.
        Reason::WarmingUp | Reason::NotScrapedYet | Reason::NotAskedYet | Reason::TooEarly => "",
        Reason::NotConfigured => {
            "Configure what would tell (`sources`, `attestations`, the catalogue: docs/evidence.md), or disable the rule with its reason."
        }
        Reason::Proven
        | Reason::ProvenWeakly
        | Reason::Missing
        | Reason::Placeholder
        | Reason::NotTheService
        | Reason::Ambiguous
        | Reason::ErrorsOnly
        | Reason::NoOutcome
        | Reason::Unnamed
        | Reason::OtherName
        | Reason::RuntimeOnly
        | Reason::OtherPort
        | Reason::OtherPath
        | Reason::NoPort
        | Reason::ServedByAnother
        | Reason::NoData
        | Reason::NotDocumented
        | Reason::Threshold
        | Reason::NotAttested
        | Reason::Expired
        | Reason::Overdue
        | Reason::TooLate
        | Reason::Incomplete
        | Reason::TooFew
        | Reason::Unreachable
        | Reason::Exposed
        | Reason::Unprotected
        | Reason::StaticCredentials
        | Reason::Untracked
        | Reason::Bypassed
        | Reason::NotConcerned
        | Reason::NotInForce => &rule.remediation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifesto::{Manifesto, RulesConfig};

    #[test]
    fn advice_fits_the_reason() {
        let manifesto = Manifesto::load(&RulesConfig::default()).unwrap();
        let rule = &manifesto.rules()[0];
        let (fail, unknown) = (RuleStatus::Fail, RuleStatus::Unknown);
        for (status, reason, says) in [
            (fail, Reason::Missing, rule.remediation.as_str()),
            (RuleStatus::Waived, Reason::Missing, &rule.remediation),
            (fail, Reason::NotFound, "correct the path"),
            (fail, Reason::Gone, "correct the path"),
            (unknown, Reason::NotFound, "correct the path"),
            (unknown, Reason::TargetDown, "Start the service"),
            (unknown, Reason::BadExposition, "Mend the exposition"),
            (unknown, Reason::SourceDown, "Mend the source"),
            (unknown, Reason::NotConfigured, "Configure what would tell"),
            (unknown, Reason::NotDocumented, &rule.remediation),
        ] {
            let found = advice(rule, status, reason);
            assert!(found.contains(says), "{status:?} {reason:?}: {found}");
        }
        for (status, reason) in [
            (RuleStatus::Pass, Reason::Proven),
            (RuleStatus::NotApplicable, Reason::NoPort),
            (unknown, Reason::WarmingUp),
            (unknown, Reason::NotScrapedYet),
        ] {
            assert_eq!(advice(rule, status, reason), "", "{status:?} {reason:?}");
        }
    }
}
