//! Objectives: what teams want to reach in a quarter, and how that is measured.

use std::path::PathBuf;

use serde::Deserialize;

use super::files::each_file;
use super::filter::ServiceFilter;
use crate::calendar::{FiscalCalendar, Quarter};
use crate::document::DocumentError;
use crate::document::yaml::{self, At, Source};
use crate::rule_id::RuleId;

/// Objectives of all files.
const OBJECTIVES_MAX: usize = 10_000;

/// The largest target or baseline: differences of them are exact enough.
const VALUE_MAX: f64 = 1e15;

/// Key results of one.
const KEY_RESULTS_MAX: usize = 100;

/// What a team wants to reach in a quarter.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The team.
    pub team: String,
    /// When.
    pub quarter: Quarter,
    /// What its figures are kept by: its title, where nobody names it otherwise.
    pub id: String,
    /// In words.
    pub title: String,
    /// Who answers for it, `""` where nobody is named.
    pub owner: String,
    /// How one can tell.
    pub key_results: Vec<KeyResult>,
    /// Where it is written.
    pub place: String,
}

/// One key result.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyResult {
    /// What its figures are kept by: its title, where nobody names it otherwise.
    pub id: String,
    /// In words.
    pub title: String,
    /// Who answers for it: the objective's owner where nobody else is named.
    pub owner: String,
    /// How much is expected of it.
    pub commitment: Commitment,
    /// What is measured.
    pub measure: Measure,
    /// Of whom, where the measure is of services.
    pub services: ServiceFilter,
    /// Where it began; what was measured when the quarter began, where nobody says.
    pub baseline: Option<f64>,
    /// Where it should end.
    pub target: f64,
    /// Which way that lies.
    pub better: Better,
    /// What its values count, `""` for a share.
    pub unit: String,
}

/// How much is expected of a key result.
///
/// Google's OKR playbook: committed ones are expected to be reached in full, aspirational ones to 70 % on
/// average (<https://www.whatmatters.com/resources/google-okr-playbook>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[derive(strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "snake_case")]
pub enum Commitment {
    /// To be reached in full.
    #[default]
    Committed,
    /// To be reached in good part.
    Aspirational,
}

impl Commitment {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Which values are better. A share is better the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[derive(strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "snake_case")]
pub enum Better {
    /// Higher ones.
    Higher,
    /// Lower ones.
    Lower,
}

impl Better {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a key result measures: a share from 0 to 1, or what a query yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// The share of services that comply with these rules.
    Compliance(Vec<RuleId>),
    /// The score of the services together.
    Score,
    /// How much of what applies to the services is measured.
    Coverage,
    /// What a query yields.
    Promql(String),
}

impl Measure {
    /// In words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Compliance(rules) => {
                let rules: Vec<String> = rules.iter().map(RuleId::to_string).collect();
                format!("share of services compliant with {}", rules.join(", "))
            }
            Self::Score => "score of the services".to_owned(),
            Self::Coverage => "share of the rules' weight that is measured".to_owned(),
            Self::Promql(query) => query.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    objectives: Vec<At<Raw>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    team: At<String>,
    quarter: At<String>,
    id: Option<At<String>>,
    title: At<String>,
    #[serde(default)]
    owner: String,
    key_results: Vec<At<RawKeyResult>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeyResult {
    id: Option<At<String>>,
    title: At<String>,
    owner: Option<String>,
    #[serde(default)]
    kind: Commitment,
    measure: At<RawMeasure>,
    services: Option<At<ServiceFilter>>,
    baseline: Option<At<f64>>,
    target: At<f64>,
    better: Option<At<Better>>,
    unit: Option<At<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeasure {
    compliance: Option<Vec<RuleId>>,
    #[serde(default)]
    score: bool,
    #[serde(default)]
    coverage: bool,
    promql: Option<String>,
}

/// Reads every file that paths and patterns name.
pub(super) fn load(
    paths: &[PathBuf],
    calendar: &FiscalCalendar,
    warnings: &mut Vec<String>,
) -> Result<Vec<Objective>, DocumentError> {
    let mut all: Vec<Objective> = Vec::new();
    each_file("objectives", paths, warnings, |source| {
        let raw: RawFile = yaml::parse(source)?;
        for raw in raw.objectives {
            let at = raw.referenced;
            if all.len() == OBJECTIVES_MAX {
                let message = format!("more than {OBJECTIVES_MAX} objectives");
                return Err(source.error(at, message));
            }
            let objective = ready(source, calendar, raw)?;
            // What is measured of it is kept by its names.
            let is_same = |known: &&Objective| {
                (&known.team, &known.quarter, &known.id)
                    == (&objective.team, &objective.quarter, &objective.id)
            };
            if let Some(known) = all.iter().find(is_same) {
                let (id, place) = (&objective.id, &known.place);
                let message = format!("objective `{id}` is written twice: {place}");
                return Err(source.error(at, message));
            }
            all.push(objective);
        }
        Ok(())
    })?;
    Ok(all)
}

fn ready(
    source: Source<'_>,
    calendar: &FiscalCalendar,
    raw: At<Raw>,
) -> Result<Objective, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    let id = raw.id.as_ref().unwrap_or(&raw.title);
    for (key, text) in [("team", &raw.team), ("title", &raw.title), ("id", id)] {
        said(source, key, text)?;
    }
    let quarter = calendar.quarter(&raw.quarter.value).map_err(|error| {
        let place = raw.quarter.referenced;
        let refused = source.error(place, error.message());
        match error.hint() {
            Some(hint) => refused.with_hint(hint),
            None => refused,
        }
    })?;
    if raw.key_results.is_empty() {
        return Err(source.error(at, "an objective without key results cannot be measured"));
    }
    if raw.key_results.len() > KEY_RESULTS_MAX {
        let found = raw.key_results.len();
        let message =
            format!("{found} key results of one objective are more than {KEY_RESULTS_MAX}");
        return Err(source.error(at, message));
    }
    let mut key_results: Vec<KeyResult> = Vec::with_capacity(raw.key_results.len());
    for result in raw.key_results {
        let at = result.referenced;
        let result = key_result(source, &raw.team.value, &raw.owner, result.value)?;
        if key_results.iter().any(|known| known.id == result.id) {
            let message = format!("key result `{}` is written twice", result.id);
            return Err(source.error(at, message));
        }
        key_results.push(result);
    }
    Ok(Objective {
        team: raw.team.value,
        quarter,
        id: id.value.clone(),
        title: raw.title.value,
        owner: raw.owner,
        key_results,
        place: format!("{}:{}", source.origin.name, at.line()),
    })
}

fn said(source: Source<'_>, key: &str, text: &At<String>) -> Result<(), DocumentError> {
    match text.value.trim().is_empty() {
        true => Err(source.error(text.referenced, format!("`{key}` cannot be empty"))),
        false => Ok(()),
    }
}

fn key_result(
    source: Source<'_>,
    team: &str,
    owner: &str,
    raw: RawKeyResult,
) -> Result<KeyResult, DocumentError> {
    let id = raw.id.as_ref().unwrap_or(&raw.title);
    said(source, "title", &raw.title)?;
    said(source, "id", id)?;
    let numbers = raw.baseline.iter().chain([&raw.target]);
    if let Some(number) = numbers.into_iter().find(|number| !number.value.is_finite()) {
        let message = format!("`{}` is not a finite number", number.value);
        return Err(source.error(number.referenced, message));
    }
    let numbers = raw.baseline.iter().chain([&raw.target]);
    if let Some(number) = numbers.into_iter().find(|n| n.value.abs() > VALUE_MAX) {
        let message = format!("`{:e}` is not in -1e15..=1e15", number.value);
        return Err(source.error(number.referenced, message));
    }
    if let Some(baseline) = &raw.baseline
        && baseline.value == raw.target.value
    {
        let message = "`baseline` and `target` are the same: nothing is to be reached";
        return Err(source.error(baseline.referenced, message));
    }
    let is_query = raw.measure.value.promql.is_some();
    let better = better(source, is_query, &raw)?;
    let measure = measure(source, raw.measure)?;
    if let (Some(services), true) = (&raw.services, is_query) {
        let message = "`services` has no effect on a query: its own labels choose";
        return Err(source.error(services.referenced, message));
    }
    if let (Some(unit), false) = (&raw.unit, is_query) {
        let message = "`unit` is of a query's values: other measures are shares";
        return Err(source.error(unit.referenced, message));
    }
    let shares = [
        ("baseline", raw.baseline.as_ref()),
        ("target", Some(&raw.target)),
    ];
    for (key, number) in shares {
        let Some(number) = number.filter(|number| !(0.0..=1.0).contains(&number.value)) else {
            continue;
        };
        let value = number.value;
        let error = match (is_query, &raw.unit) {
            (false, _) => {
                let message = format!("`{key}` {value} of a share is not in 0..=1");
                source.error(number.referenced, message)
            }
            (true, None) => {
                let message = format!("`{key}` {value} is not a share, and its unit is not said");
                source
                    .error(number.referenced, message)
                    .with_hint("say it with `unit`, such as `unit: minutes`")
            }
            (true, Some(_)) => continue,
        };
        return Err(error);
    }
    Ok(KeyResult {
        id: id.value.clone(),
        title: raw.title.value,
        owner: raw.owner.unwrap_or_else(|| owner.to_owned()),
        commitment: raw.kind,
        measure,
        services: match raw.services {
            Some(services) => services.value,
            None => ServiceFilter::of_team(team),
        },
        baseline: raw.baseline.map(|baseline| baseline.value),
        target: raw.target.value,
        better,
        unit: raw.unit.map(|unit| unit.value).unwrap_or_default(),
    })
}

/// Which way the target lies: of a query, from its baseline, or as it says where that is not known yet.
fn better(source: Source<'_>, is_query: bool, raw: &RawKeyResult) -> Result<Better, DocumentError> {
    let target = raw.target.value;
    let by_baseline = raw
        .baseline
        .as_ref()
        .map(|baseline| match baseline.value < target {
            true => Better::Higher,
            false => Better::Lower,
        });
    match (is_query, &raw.better, by_baseline) {
        (false, Some(better), _) => {
            let message = "a share is better the higher: `better` is for queries";
            Err(source.error(better.referenced, message))
        }
        (false, None, Some(Better::Lower)) => {
            let message = format!("`target` {target} of a share is below its `baseline`");
            Err(source.error(raw.target.referenced, message))
        }
        (false, None, Some(Better::Higher) | None) => Ok(Better::Higher),
        (true, Some(said), Some(known)) if said.value != known => {
            let message = format!(
                "`better: {}` contradicts `baseline` and `target`",
                said.value.as_str()
            );
            Err(source.error(said.referenced, message))
        }
        (true, _, Some(known)) => Ok(known),
        (true, Some(said), None) => Ok(said.value),
        (true, None, None) => Err(source
            .error(
                raw.target.referenced,
                "which way the target lies is not said",
            )
            .with_hint("a query without `baseline` says `better: higher` or `better: lower`")),
    }
}

fn measure(source: Source<'_>, raw: At<RawMeasure>) -> Result<Measure, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    let mut measures = Vec::new();
    measures.extend(
        raw.compliance
            .filter(|rules| !rules.is_empty())
            .map(Measure::Compliance),
    );
    measures.extend(raw.score.then_some(Measure::Score));
    measures.extend(raw.coverage.then_some(Measure::Coverage));
    measures.extend(raw.promql.map(Measure::Promql));
    match measures.pop().filter(|_| measures.is_empty()) {
        Some(measure) => Ok(measure),
        None => Err(source.error(at, "a measure is one thing").with_hint(
            "`compliance: [O-8, O-9]`, `score: true`, `coverage: true` or `promql: QUERY`",
        )),
    }
}
