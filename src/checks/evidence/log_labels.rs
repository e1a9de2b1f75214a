//! `log_labels`: the service's log streams carry its name. `log_format`: its lines are of the common
//! format, or of one that is declared.

use std::sync::Arc;

use serde::Deserialize;

use super::facts::{Facts, unexpected_answer};
use super::measured::Measured;
use crate::checks::verdict::{Basis, Finding, Reason};
use crate::labels::Labels;
use crate::sources::{Answer, Query};

/// Which streams, and how they should name whose they are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLabels {
    /// Which streams are looked at.
    pub selector: Arc<str>,
    /// Labels that should name the service.
    pub labels: Vec<String>,
    /// Labels by which a workload is known that does not.
    pub workload: Vec<String>,
}

impl LogLabels {
    /// Judges the streams of the service.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let Some(subject) = facts.subject() else {
            return Finding::not_applicable(Reason::NotConcerned, "judged service by service");
        };
        let answers = match facts.ask(&Query::LogStreams(Arc::clone(&self.selector))) {
            Ok(answers) => answers,
            Err(finding) => return finding,
        };
        let by = |labels: &[String], stream: &Labels| {
            let mut named = labels.iter().map(|label| stream.get(label));
            named.any(|name| !name.is_empty() && subject.is(name))
        };
        let (mut named, mut unnamed) = (Vec::new(), Vec::new());
        for (source, answer) in answers {
            let Answer::Streams(streams) = answer else {
                return unexpected_answer(source);
            };
            for stream in streams.naming(subject.names()) {
                let shown = || {
                    let pairs = stream
                        .iter()
                        .map(|(name, value)| format!("{name}={value:?}"));
                    format!(
                        "{}: {{{}}}",
                        source.name,
                        pairs.collect::<Vec<_>>().join(",")
                    )
                };
                if by(&self.labels, stream) {
                    named.push(shown());
                } else if by(&self.workload, stream) {
                    unnamed.push(shown());
                }
            }
        }
        let labels = self.labels.join(" or ");
        match (named.is_empty(), unnamed.is_empty()) {
            (true, true) => {
                let message = format!(
                    "no log stream of the last hour belongs to `{}`",
                    subject.display()
                );
                Finding::unknown(Reason::NoData, message)
            }
            (_, false) => {
                let message = format!(
                    "{} log streams do not name the service by {labels}",
                    unnamed.len()
                );
                Finding::fail(Reason::Unnamed, message, Vec::new()).citing(unnamed)
            }
            (false, true) => Finding::pass(
                format!("all {} log streams name the service", named.len()),
                "",
            )
            .citing(named),
        }
        .on(Basis::Measured)
    }
}

/// Judges the share of lines of the common format, unless the catalogue declares another.
pub(super) fn judge_format(measured: &Measured, facts: &Facts<'_>) -> Finding {
    let declared = facts
        .entry()
        .filter(|entry| !entry.log_format.trim().is_empty());
    match declared {
        Some(entry) => {
            let cited = [format!("{}: log_format", entry.place)];
            Finding::pass(
                format!("lines are text of the declared format {}", entry.log_format),
                "",
            )
            .on(Basis::Declared)
            .citing(cited)
        }
        None => measured.judge(facts, &Query::Logql(Arc::clone(&measured.expression))),
    }
}
