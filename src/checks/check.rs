//! The checks of a rule, and how they are read.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use strum::VariantNames as _;

use super::evidence::{EvidenceCheck, Facts};
use super::scraped::{Place, ScrapeCheck, SeriesFindings};
use super::verdict::{Finding, Reason, worst};
use crate::catalogue::{Catalogue, Records};
use crate::sources::Query;

/// What proves a rule: one check at least, of one sort. All of them must hold.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(try_from = "Vec<Check>")]
pub enum Checks {
    /// Scrapes, target by target.
    Scraped(Vec<ScrapeCheck>),
    /// Other evidence, for a service or the estate as a whole.
    Evidence(Vec<EvidenceCheck>),
}

impl Checks {
    /// The kinds of the checks, those within others included, each once.
    pub fn kinds(&self) -> Vec<&'static str> {
        let all: Vec<&'static str> = match self {
            Checks::Scraped(checks) => checks.iter().map(ScrapeCheck::as_str).collect(),
            Checks::Evidence(checks) => {
                let alternatives = checks.iter().flat_map(EvidenceCheck::alternatives);
                alternatives.map(EvidenceCheck::as_str).collect()
            }
        };
        let mut seen = BTreeSet::new();
        all.into_iter().filter(|kind| seen.insert(*kind)).collect()
    }

    /// Whether they judge by what was found of the other rules: such a rule comes last.
    pub(crate) fn look_at_others(&self) -> bool {
        match self {
            Checks::Scraped(_) => false,
            Checks::Evidence(checks) => {
                let mut all = checks.iter().flat_map(EvidenceCheck::alternatives);
                all.any(|check| matches!(check, EvidenceCheck::Bypass(_)))
            }
        }
    }

    /// The port that they ask for, where they do.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Checks::Scraped(checks) => checks.iter().find_map(ScrapeCheck::port),
            Checks::Evidence(_) => None,
        }
    }

    /// What they want to know of servers.
    pub(crate) fn queries(&self, catalogue: &Catalogue, records: &Records) -> Vec<Query> {
        match self {
            Checks::Scraped(_) => Vec::new(),
            Checks::Evidence(checks) => {
                let queries = checks.iter().map(|check| check.queries(catalogue, records));
                queries.flatten().collect()
            }
        }
    }
}

/// Judges a rule by one scrape: the worst of its checks, with the sentences of all. What one check found is
/// shared, not copied.
pub(crate) fn judge_scrape(
    checks: &[ScrapeCheck],
    found: &SeriesFindings,
    place: Place<'_>,
) -> Arc<Finding> {
    let finding = match checks {
        [only] => only.judge(found, place),
        checks => {
            let judged = checks.iter().map(|check| check.judge(found, place));
            Arc::new(worst_of(judged.map(Arc::unwrap_or_clone)))
        }
    };
    place.noted(finding)
}

/// Judges a rule by other evidence: the worst of its checks, with the sentences of all.
pub(crate) fn judge_evidence(checks: &[EvidenceCheck], facts: &Facts<'_>) -> Finding {
    worst_of(checks.iter().map(|check| check.judge(facts)))
}

/// Reading makes sure that there is one at least.
fn worst_of(findings: impl Iterator<Item = Finding>) -> Finding {
    let nothing = || Finding::unknown(Reason::NotConfigured, "the rule names no check");
    findings.reduce(worst).unwrap_or_else(nothing)
}

/// Every kind, of either sort.
static KINDS: LazyLock<Vec<&str>> =
    LazyLock::new(|| [ScrapeCheck::VARIANTS, EvidenceCheck::VARIANTS].concat());

/// A check as read, of either sort.
enum Check {
    Scrape(ScrapeCheck),
    Evidence(EvidenceCheck),
}

impl TryFrom<Vec<Check>> for Checks {
    type Error = String;

    fn try_from(checks: Vec<Check>) -> Result<Self, String> {
        let (mut scraped, mut evidence) = (Vec::new(), Vec::new());
        for check in checks {
            match check {
                Check::Scrape(check) => scraped.push(check),
                Check::Evidence(check) => {
                    check.validate()?;
                    evidence.push(check);
                }
            }
        }
        match (scraped.is_empty(), evidence.is_empty()) {
            (true, true) => Err("a rule needs a check".to_owned()),
            (false, true) => Ok(Checks::Scraped(scraped)),
            (true, false) => Ok(Checks::Evidence(evidence)),
            (false, false) => {
                Err("a rule is proved by scrapes or by other evidence, not by both".to_owned())
            }
        }
    }
}

/// `kind` says which sort it is, and may come after the settings: they are held until it is known.
impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Map::deserialize(deserializer)?;
        let kind = written.get("kind").and_then(Value::as_str).unwrap_or("");
        let is_scraped = ScrapeCheck::VARIANTS.contains(&kind);
        if !kind.is_empty() && !KINDS.contains(&kind) {
            return Err(D::Error::unknown_variant(kind, &KINDS));
        }
        let written = Written(Value::Object(written), PhantomData);
        match is_scraped {
            true => ScrapeCheck::deserialize(written).map(Check::Scrape),
            false => EvidenceCheck::deserialize(written).map(Check::Evidence),
        }
    }
}

/// A value that was read, to be read again with the errors of the first reader.
struct Written<E>(Value, PhantomData<E>);

impl<'de, E: Error> IntoDeserializer<'de, E> for Written<E> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de, E: Error> Deserializer<'de> for Written<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        let again = |value| Written(value, PhantomData);
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(values) => {
                visitor.visit_seq(SeqDeserializer::new(values.into_iter().map(again)))
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(key, value)| (key, again(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
