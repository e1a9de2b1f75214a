//! Attestations: what somebody signs for where no machine can tell.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::files::each_file;
use crate::document::DocumentError;
use crate::document::value::{Moment, ShownUrl};
use crate::document::yaml::{self, At, Source};
use crate::labels::snake;
use crate::rule_id::RuleId;

/// Attestations of all files.
const ATTESTATIONS_MAX: usize = 100_000;

/// Whom an attestation is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// The estate as a whole.
    Estate,
    /// A service, in one environment or in all (`None`).
    Service {
        /// Its name or an alias.
        name: String,
        /// Where.
        environment: Option<String>,
    },
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Attestation {
    /// The rule that it supports.
    pub rule: RuleId,
    /// Whom it is about.
    pub about: About,
    /// Who answers for it.
    pub owner: String,
    /// What is stated.
    pub statement: String,
    /// Where it can be looked up.
    pub evidence_url: Url,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// When it ends: from this second on it proves nothing.
    pub expires_at: Timestamp,
    /// What a rule asks beside: `impact`, `proposal`, `component`.
    pub facts: BTreeMap<String, String>,
    /// Where it is written.
    pub place: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    attestations: Vec<At<Raw>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    rule: RuleId,
    service: Option<At<String>>,
    environment: Option<At<String>>,
    #[serde(default)]
    estate: bool,
    owner: At<String>,
    statement: At<String>,
    evidence_url: ShownUrl,
    signed_at: At<Moment>,
    expires_at: At<Moment>,
    #[serde(default)]
    facts: BTreeMap<String, String>,
}

/// Reads every file that paths and patterns name.
pub(super) fn load(
    paths: &[PathBuf],
    warnings: &mut Vec<String>,
) -> Result<Vec<Attestation>, DocumentError> {
    let mut all = Vec::new();
    each_file("attestations", paths, warnings, |source| {
        let raw: RawFile = yaml::parse(source)?;
        for raw in raw.attestations {
            if all.len() == ATTESTATIONS_MAX {
                let message = format!("more than {ATTESTATIONS_MAX} attestations");
                return Err(source.error(raw.referenced, message));
            }
            all.push(ready(source, raw)?);
        }
        Ok(())
    })?;
    Ok(all)
}

fn ready(source: Source<'_>, raw: At<Raw>) -> Result<Attestation, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    let about = about(source, at, raw.estate, raw.service, raw.environment)?;
    for (key, text) in [("owner", &raw.owner), ("statement", &raw.statement)] {
        if text.value.trim().is_empty() {
            return Err(source.error(text.referenced, format!("`{key}` cannot be empty")));
        }
    }
    if raw.expires_at.value <= raw.signed_at.value {
        let message = "`expires_at` is not after `signed_at`";
        return Err(source.error(raw.expires_at.referenced, message));
    }
    Ok(Attestation {
        rule: raw.rule,
        about,
        owner: raw.owner.value,
        statement: raw.statement.value,
        evidence_url: raw.evidence_url.0,
        signed_at: raw.signed_at.value.0,
        expires_at: raw.expires_at.value.0,
        facts: raw.facts,
        place: format!("{}:{}", source.origin.name, at.line()),
    })
}

/// Either the estate or a service.
fn about(
    source: Source<'_>,
    at: serde_saphyr::Location,
    estate: bool,
    service: Option<At<String>>,
    environment: Option<At<String>>,
) -> Result<About, DocumentError> {
    match (estate, service) {
        (true, Some(service)) => {
            let message = "an attestation is about the estate or about a service, not both";
            Err(source.error(service.referenced, message))
        }
        (true, None) => match environment {
            None => Ok(About::Estate),
            Some(environment) => {
                let message = "an attestation of the whole estate names no environment";
                Err(source.error(environment.referenced, message))
            }
        },
        (false, Some(service)) => Ok(About::Service {
            name: service.value,
            environment: environment.map(|environment| environment.value),
        }),
        (false, None) => Err(source
            .error(at, "an attestation names nobody")
            .with_hint("write `service: NAME`, or `estate: true`")),
    }
}

/// Every attestation, found by rule and by whom it is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attestations {
    all: Vec<Attestation>,
    /// By rule and the service's name in snake_case, `""` for the estate.
    index: HashMap<(RuleId, String), Vec<usize>>,
}

impl Attestations {
    fn key(record: &Attestation) -> (RuleId, String) {
        let name = match &record.about {
            About::Estate => String::new(),
            About::Service { name, .. } => snake(name).into_owned(),
        };
        (record.rule, name)
    }

    /// Of records as they were read.
    pub fn new(all: Vec<Attestation>) -> Self {
        let mut index: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, record) in all.iter().enumerate() {
            index.entry(Self::key(record)).or_default().push(place);
        }
        Self { all, index }
    }

    /// Every one.
    pub fn all(&self) -> impl Iterator<Item = &Attestation> {
        self.all.iter()
    }

    /// Those for a rule about the service of one of these names (in snake_case), or the estate where
    /// none is given.
    pub fn of(&self, rule: RuleId, names: &[String]) -> impl Iterator<Item = &Attestation> {
        let estate = [String::new()];
        let names = if names.is_empty() { &estate } else { names };
        let mut places: Vec<usize> = names
            .iter()
            .filter_map(|name| self.index.get(&(rule, name.clone())))
            .flatten()
            .copied()
            .collect();
        // Aliases may be spelt so that they are one.
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| &self.all[place])
    }
}

impl Attestation {
    /// Whether it counts at a moment.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.signed_at <= now && now < self.expires_at
    }
}
