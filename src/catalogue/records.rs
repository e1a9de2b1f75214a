//! Everything that is kept in files beside the catalogue.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::attestations::{self, Attestations};
use super::initiatives::{self, Initiative};
use super::objectives::{self, Measure, Objective};
use super::settings::RecordFiles;
use super::slos::{self, Slo};
use super::waivers::{self, Waiver};
use crate::calendar::FiscalCalendar;
use crate::document::DocumentError;
use crate::rule_id::RuleId;

/// What the files say. A kind that is not configured is `None`: nothing is missing from it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    /// Attestations.
    pub attestations: Option<Attestations>,
    /// Waivers; none where none are configured.
    pub waivers: Vec<Arc<Waiver>>,
    /// Objectives.
    pub objectives: Option<Vec<Objective>>,
    /// Initiatives; none where none are configured.
    pub initiatives: Vec<Initiative>,
    /// How quarters are cut and named.
    pub calendar: FiscalCalendar,
    /// SLOs.
    pub slos: Option<Vec<Slo>>,
    /// What was passed over, a sentence each.
    pub warnings: Vec<String>,
}

/// A rule that a record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleNamed {
    /// What names it, and where that is written.
    pub by: String,
    /// The rule.
    pub rule: RuleId,
    /// Whether services are to be measured by it.
    pub of_services: bool,
}

impl Records {
    /// Reads every file.
    pub fn load(files: &RecordFiles, calendar: &FiscalCalendar) -> Result<Self, DocumentError> {
        let mut warnings = Vec::new();
        let kept = |paths: &[PathBuf]| !paths.is_empty();
        let attestations = attestations::load(&files.attestations, &mut warnings)?;
        let waivers = waivers::load(&files.waivers, &mut warnings)?;
        let objectives = objectives::load(&files.objectives, calendar, &mut warnings)?;
        let initiatives = initiatives::load(&files.initiatives, &mut warnings)?;
        let slos = slos::load(&files.slos, &mut warnings)?;
        Ok(Self {
            attestations: kept(&files.attestations).then(|| Attestations::new(attestations)),
            waivers,
            objectives: kept(&files.objectives).then_some(objectives),
            initiatives,
            calendar: calendar.clone(),
            slos: kept(&files.slos).then_some(slos),
            warnings,
        })
    }

    /// Every rule that is named here.
    pub fn rules_named(&self) -> Vec<RuleNamed> {
        let attestations = self.attestations.iter().flat_map(Attestations::all);
        let attested = attestations.map(|one| RuleNamed {
            by: format!("attestation at {}", one.place),
            rule: one.rule,
            of_services: false,
        });
        let waived = self.waivers.iter().map(|one| RuleNamed {
            by: format!("waiver at {}", one.place),
            rule: one.rule,
            of_services: false,
        });
        let of_services = |by: String, rules: &[RuleId]| {
            let rules = rules.iter().map(|rule| RuleNamed {
                by: by.clone(),
                rule: *rule,
                of_services: true,
            });
            rules.collect::<Vec<_>>()
        };
        let promised = self.objectives.iter().flatten().flat_map(|objective| {
            let results = objective.key_results.iter();
            results.flat_map(|result| match &result.measure {
                Measure::Compliance(rules) => {
                    let by = format!("key result `{}` at {}", result.title, objective.place);
                    of_services(by, rules)
                }
                Measure::Score | Measure::Coverage | Measure::Promql(_) => Vec::new(),
            })
        });
        let asked = self.initiatives.iter().flat_map(|initiative| {
            let by = format!("initiative `{}` at {}", initiative.title, initiative.place);
            of_services(by, &initiative.rules)
        });
        attested
            .chain(waived)
            .chain(promised)
            .chain(asked)
            .collect()
    }

    /// Key results that are queries, and where they are written.
    pub fn queries(&self) -> Vec<String> {
        let objectives = self.objectives.iter().flatten();
        let results = objectives.flat_map(|one| one.key_results.iter().map(move |r| (one, r)));
        let queries = results.filter(|(_, result)| matches!(result.measure, Measure::Promql(_)));
        queries
            .map(|(one, result)| format!("key result `{}` at {}", result.title, one.place))
            .collect()
    }

    /// The next moment at which something written here begins or ends.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let attestations = self.attestations.iter().flat_map(Attestations::all);
        let attested = attestations.flat_map(|record| [record.signed_at, record.expires_at]);
        let waived = self
            .waivers
            .iter()
            .flat_map(|waiver| [waiver.granted_at, waiver.expires_at]);
        attested.chain(waived).filter(|at| *at > now).min()
    }
}
