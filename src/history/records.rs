//! What people wrote down, and the rules in force, as they are stored: JSON of a format of its own, so that
//! what the program calls things may change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::codes::{Digest, digest_of};
use super::stored::{StoredInitiative, StoredObjective};
use crate::catalogue::{About, Attestation, Attestations, Slo, Waiver};
use crate::manifesto::Level;
use crate::rule_id::RuleId;
use crate::snapshot::Ruleset;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum RecordKind {
    /// A waiver.
    Waiver,
    /// An attestation.
    Attestation,
    /// An objective.
    Objective,
    /// An initiative.
    Initiative,
    /// An SLO.
    Slo,
}

impl RecordKind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A record as it is written to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) kind: RecordKind,
    pub(super) digest: Digest,
    pub(super) json: String,
}

impl Body {
    pub(super) fn of(kind: RecordKind, stored: &impl Serialize) -> Self {
        // These types hold text, numbers and lists: nothing that cannot be written.
        let json = serde_json::to_string(stored).unwrap_or_default();
        Self {
            kind,
            digest: digest_of(&json),
            json,
        }
    }
}

/// A waiver, as stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoredWaiver {
    /// The rule.
    pub rule: String,
    /// Whether it is of the estate.
    pub estate: bool,
    /// The service that it names.
    pub service: Option<String>,
    /// The environment that it names.
    pub environment: Option<String>,
    /// The team that it names.
    pub team: Option<String>,
    /// The tier that it names.
    pub tier: Option<String>,
    /// Why.
    pub reason: String,
    /// Where it was discussed.
    pub discussion: String,
    /// Who fixes it.
    pub owner: String,
    /// Who agreed.
    pub approver: String,
    /// When it began.
    pub granted_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl StoredWaiver {
    pub(super) fn of(waiver: &Waiver) -> Self {
        let selector = &waiver.selector;
        Self {
            rule: waiver.rule.to_string(),
            estate: selector.estate,
            service: selector.service.clone(),
            environment: selector.environment.clone(),
            team: selector.team.clone(),
            tier: selector.tier.clone(),
            reason: waiver.reason.clone(),
            discussion: waiver.discussion.to_string(),
            owner: waiver.owner.clone(),
            approver: waiver.approver.clone(),
            granted_at: waiver.granted_at,
            expires_at: waiver.expires_at,
        }
    }

    pub(super) fn body(waiver: &Waiver) -> Body {
        Body::of(RecordKind::Waiver, &Self::of(waiver))
    }
}

/// An attestation, as stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoredAttestation {
    /// The rule.
    pub rule: String,
    /// The service, `""` for the estate.
    pub service: String,
    /// Where.
    pub environment: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// What is stated.
    pub statement: String,
    /// Where it can be looked up.
    pub evidence_url: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl StoredAttestation {
    fn of(record: &Attestation) -> Self {
        let (service, environment) = match &record.about {
            About::Estate => (String::new(), None),
            About::Service { name, environment } => (name.clone(), environment.clone()),
        };
        Self {
            rule: record.rule.to_string(),
            service,
            environment,
            owner: record.owner.clone(),
            statement: record.statement.clone(),
            evidence_url: record.evidence_url.to_string(),
            signed_at: record.signed_at,
            expires_at: record.expires_at,
        }
    }
}

/// An SLO, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSlo {
    /// The service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// What is to be reached, 0 to 1.
    pub target: f64,
}

impl StoredSlo {
    fn of(slo: &Slo) -> Self {
        Self {
            service: slo.service.clone(),
            name: slo.name.clone(),
            target: slo.objective,
        }
    }
}

/// A rule, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRule {
    /// Its id.
    pub id: String,
    /// A few words.
    pub title: String,
    /// Its category.
    pub category: String,
    /// Its severity.
    pub severity: String,
    /// Its weight.
    pub weight: u32,
    /// Whom it is judged for.
    pub scope: String,
    /// How it is judged.
    pub definition: u32,
    /// From which day it counts.
    #[serde(default)]
    pub effective_from: Option<Date>,
}

/// The rules in force, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoredRuleset {
    /// Their version.
    pub version: String,
    /// The version of this program.
    pub exporter: String,
    /// For how long the last measured outcome counts, in seconds.
    pub carried_for_s: i64,
    /// The rules, in order.
    pub rules: Vec<StoredRule>,
    /// Those that are not judged, each with the reason.
    pub disabled: Vec<(String, String)>,
    /// Levels, the lowest first.
    #[serde(default)]
    pub levels: Vec<StoredLevel>,
}

/// A level, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLevel {
    /// Its name.
    pub name: String,
    /// What it asks of everybody.
    pub rules: Vec<String>,
    /// What it asks of a tier beside that.
    pub tiers: BTreeMap<String, Vec<String>>,
}

impl StoredLevel {
    fn of(level: &Level) -> Self {
        let named = |rules: &[RuleId]| rules.iter().map(RuleId::to_string).collect();
        let tiers = level.tiers.iter();
        Self {
            name: level.name.clone(),
            rules: named(&level.rules),
            tiers: tiers
                .map(|(tier, rules)| (tier.clone(), named(rules)))
                .collect(),
        }
    }
}

impl StoredRuleset {
    pub(super) fn of(ruleset: &Ruleset) -> Self {
        let manifesto = &ruleset.manifesto;
        let rules = manifesto.rules().iter().enumerate();
        let rules = rules.map(|(place, rule)| StoredRule {
            id: rule.id.to_string(),
            title: rule.title.clone(),
            category: rule.id.category().as_str().to_owned(),
            severity: rule.severity.as_str().to_owned(),
            weight: rule.severity.weight(),
            scope: rule.scope.as_str().to_owned(),
            definition: manifesto.definition(place).0,
            effective_from: rule.effective_from.map(|day| day.0),
        });
        let disabled = manifesto.disabled().iter();
        Self {
            version: manifesto.version().to_owned(),
            exporter: env!("CARGO_PKG_VERSION").to_owned(),
            carried_for_s: ruleset.carried_for.as_secs(),
            rules: rules.collect(),
            disabled: disabled
                .map(|(rule, reason)| (rule.to_string(), reason.clone()))
                .collect(),
            levels: ruleset.levels.iter().map(StoredLevel::of).collect(),
        }
    }
}

/// Everything that is written down now.
pub(super) fn bodies(ruleset: &Ruleset) -> Vec<Body> {
    let records = &ruleset.records;
    let waivers = records.waivers.iter();
    let waivers = waivers.map(|waiver| StoredWaiver::body(waiver));
    let attestations = records.attestations.iter().flat_map(Attestations::all);
    let attestations = attestations
        .map(|record| Body::of(RecordKind::Attestation, &StoredAttestation::of(record)));
    let objectives = records.objectives.iter().flatten();
    let objectives =
        objectives.map(|one| Body::of(RecordKind::Objective, &StoredObjective::of(one)));
    let initiatives = records.initiatives.iter();
    let initiatives =
        initiatives.map(|one| Body::of(RecordKind::Initiative, &StoredInitiative::of(one)));
    let slos = records.slos.iter().flatten();
    let slos = slos.map(|slo| Body::of(RecordKind::Slo, &StoredSlo::of(slo)));
    let mut bodies: Vec<Body> = waivers
        .chain(attestations)
        .chain(objectives)
        .chain(initiatives)
        .chain(slos)
        .collect();
    // The same may be written twice.
    bodies.sort_by_key(|body| (body.kind, body.digest));
    bodies.dedup();
    bodies
}
