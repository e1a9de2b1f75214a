//! Checks: evidence in, findings out. One kind of check, one file: what it looks for, what it keeps
//! of a scrape, how it judges. Pure: no I/O, no clock.
//!
//! To add one: a file here, an arm in [`Check`] and in `judge`, and (where it reads scrapes) a
//! field in [`Observation`]; the compiler points at the rest.

pub mod availability;
pub mod endpoint;
pub mod family;
pub mod identity;
pub mod latency;
mod observer;
mod subject;
mod verdict;
pub mod version;
pub mod warmup;
mod words;

use std::sync::Arc;

use serde::Deserialize;

pub use observer::{FAULTS_MAX, Observation, Observer};
pub use subject::{SeriesOverrides, Subject};
pub use verdict::{Finding, Reason, Status};

use crate::discovery::target::TargetUrl;
use crate::manifesto::{Manifesto, Rule, RuleId};

/// A kind of judgement with its settings, as a rule names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Check {
    /// The exposition names the service.
    Identity,
    /// The exposition is served on this port.
    Endpoint {
        /// The port asked for.
        port: u16,
    },
    /// The exposition carries the application's version.
    Version,
    /// The exposition carries availability.
    Availability,
    /// The exposition carries latency.
    Latency,
}

impl Check {
    /// As written in a rule.
    pub fn as_str(&self) -> &'static str {
        match self {
            Check::Identity => "identity",
            Check::Endpoint { .. } => "endpoint",
            Check::Version => "version",
            Check::Availability => "availability",
            Check::Latency => "latency",
        }
    }
}

/// One judged rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// The rule.
    pub rule: RuleId,
    /// What was found, shared by those of whom the same was found.
    pub finding: Arc<Finding>,
}

/// One good scrape, with what its judgement depends on.
#[derive(Debug, Clone, Copy)]
pub struct Scraped<'a> {
    /// What the scrape taught.
    pub observation: &'a Observation,
    /// Whom it concerns.
    pub subject: &'a Subject,
    /// Where it was scraped; `None` for a file.
    pub url: Option<&'a TargetUrl>,
}

/// Judges every rule on one scrape.
pub fn judge_all(manifesto: &Manifesto, scraped: Scraped<'_>) -> Vec<Verdict> {
    manifesto
        .rules()
        .iter()
        .map(|rule| judge_rule(rule, scraped))
        .collect()
}

/// The same finding for every rule: the scrape failed, or has not happened yet.
pub fn all_unknown(manifesto: &Manifesto, reason: Reason, message: &str) -> Vec<Verdict> {
    let finding = Arc::new(Finding::unknown(reason, message));
    manifesto
        .rules()
        .iter()
        .map(|rule| Verdict {
            rule: rule.id,
            finding: Arc::clone(&finding),
        })
        .collect()
}

/// Judges one rule: the worst of its checks, with the sentences of all.
fn judge_rule(rule: &Rule, scraped: Scraped<'_>) -> Verdict {
    if let Some(fault) = scraped.observation.error() {
        let message = format!(
            "nothing was measured: Prometheus would fail this scrape at line {}, column {}: {}",
            fault.line, fault.column, fault.message
        );
        return Verdict {
            rule: rule.id,
            finding: Arc::new(Finding::unknown(Reason::BadExposition, message)),
        };
    }
    let finding = rule
        .checks
        .iter()
        .map(|check| judge(check, scraped))
        .reduce(worst)
        .unwrap_or_else(|| Finding::not_applicable(Reason::Missing, "the rule names no check"));
    Verdict {
        rule: rule.id,
        finding: Arc::new(finding),
    }
}

/// Judges one check.
fn judge(check: &Check, scraped: Scraped<'_>) -> Finding {
    let Scraped {
        observation,
        subject,
        url,
    } = scraped;
    match check {
        Check::Identity => observation
            .identity
            .judge(subject, url.map(TargetUrl::path)),
        Check::Endpoint { port } => endpoint::judge(url, *port),
        Check::Version => observation.version.judge(subject),
        Check::Availability => observation.availability.judge(subject),
        Check::Latency => observation.latency.judge(subject),
    }
}

/// The worse finding decides status and reason; both sentences are kept.
fn worst(first: Finding, second: Finding) -> Finding {
    let badness = |finding: &Finding| (finding.status, finding.reason == Reason::ProvenWeakly);
    let (status, reason) = if badness(&second) > badness(&first) {
        (second.status, second.reason)
    } else {
        (first.status, first.reason)
    };
    let mut evidence = first.evidence;
    evidence.extend(second.evidence);
    Finding {
        status,
        reason,
        message: format!("{}; {}", first.message, second.message),
        evidence,
    }
}
