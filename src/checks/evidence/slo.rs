//! `slo`: the service has an objective of its own, stricter than what customers were promised.

use std::sync::Arc;

use serde::Deserialize;

use super::facts::{Facts, unexpected_answer};
use super::measured::{figure, no_external_slo};
use crate::checks::verdict::{Basis, Finding, Reason};
use crate::sources::{Answer, Query};

/// Where objectives are found beside files.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Queries that yield objectives, 0 to 1: of Sloth, of Pyrra.
    pub queries: Vec<SloQuery>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SloQuery {
    /// An instant query.
    pub expression: Arc<str>,
    /// The labels of which one names the service.
    pub by: Vec<String>,
}

impl Slo {
    /// What it wants to know.
    pub(super) fn queries(&self) -> impl Iterator<Item = Query> {
        let texts = self.queries.iter().map(|query| &query.expression);
        texts.map(|text| Query::Promql(Arc::clone(text)))
    }

    /// Judges every objective of the service against the promise.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let Some(subject) = facts.subject() else {
            return Finding::not_applicable(Reason::NotConcerned, "an estate has no SLO");
        };
        let mut found: Vec<(f64, String, Basis)> = Vec::new();
        let (mut failed, mut others) = (None, false);
        for query in &self.queries {
            match facts.ask(&Query::Promql(Arc::clone(&query.expression))) {
                Err(finding) => failed = Some(finding),
                Ok(answers) => {
                    for (source, answer) in answers {
                        let Answer::Vector(vector) = answer else {
                            return unexpected_answer(source);
                        };
                        others |= !vector.samples().is_empty();
                        let own = vector.naming(subject.names()).filter(|sample| {
                            let mut named = query.by.iter().map(|label| sample.labels.get(label));
                            named.any(|name| !name.is_empty() && subject.is(name))
                        });
                        found.extend(own.map(|sample| {
                            let cited = format!(
                                "{}: query {} = {}",
                                source.name, query.expression, sample.value
                            );
                            (sample.value, cited, Basis::Measured)
                        }));
                    }
                }
            }
        }
        let files = facts.records.slos.as_deref();
        let of_files = files.unwrap_or_default().iter();
        found.extend(of_files.filter(|slo| subject.is(&slo.service)).map(|slo| {
            let cited = format!(
                "{}: SLO `{}` of {}",
                slo.place,
                slo.name,
                figure(slo.objective)
            );
            (slo.objective, cited, Basis::Declared)
        }));
        match (found.is_empty(), failed) {
            // What a source that is silent would tell might be laxer than what others do.
            (_, Some(finding)) if !finding.reason.leaves_it_open() => finding,
            (true, Some(finding)) if files.is_none() => finding,
            // Nobody's SLO is to be found there: perhaps they are kept elsewhere.
            (true, _) if files.is_none() && !others => {
                let message =
                    "no SLO of any service is found in Prometheus, and `slos` names no files";
                Finding::unknown(Reason::NoData, message).on(Basis::Measured)
            }
            (true, _) => Finding::fail(
                Reason::Missing,
                "no SLO of the service is found in Prometheus or in files",
                Vec::new(),
            )
            .on(Basis::Measured),
            (false, _) => against(facts, &found),
        }
    }
}

fn against(facts: &Facts<'_>, found: &[(f64, String, Basis)]) -> Finding {
    let cited = || found.iter().map(|(_, cited, _)| cited.clone());
    let Some(promised) = facts.entry().and_then(|entry| entry.external_slo) else {
        return no_external_slo().citing(cited());
    };
    let lowest = found.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((objective, _, basis)) = lowest else {
        return Finding::unknown(Reason::NoData, "no SLO is found");
    };
    let (own, external) = (figure(*objective), figure(promised));
    // A percentage divided is a hair off: equal is not stricter.
    match *objective - promised > 1e-9 {
        true => Finding::pass(
            format!("own SLO {own} is stricter than the promised {external}"),
            "",
        ),
        false => {
            let message = format!("own SLO {own} is not stricter than the promised {external}");
            Finding::fail(Reason::Threshold, message, Vec::new())
        }
    }
    .on(*basis)
    .citing(cited())
}
