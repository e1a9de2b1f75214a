//! `rules`: changes of rules that exist, and rules of the user's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Location;

use super::embedded;
use super::rule::{Rule, Severity};
use crate::checks::Checks;
use crate::document::paths::patterns;
use crate::document::value::Day;
use crate::document::yaml::{self, At, Source};
use crate::document::{DocumentError, Origin, files, glob};
use crate::rule_id::{Category, RuleId};

/// Rules of the user's own.
const ADDED_MAX: usize = 1_000;

/// `rules`. That the ids name rules was checked when it was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RulesConfig {
    /// Rules that are not judged, each with the reason that reports give.
    pub disabled: BTreeMap<RuleId, String>,
    /// Severities other than the manifesto's.
    pub severity: BTreeMap<RuleId, Severity>,
    /// Days from which rules count.
    pub effective_from: BTreeMap<RuleId, Date>,
    /// Checks in the place of a rule's own: other thresholds, other series.
    pub checks: BTreeMap<RuleId, Checks>,
    /// Rules of the user's own.
    pub added: Vec<Rule>,
    /// The files that some of them are in, and patterns of files.
    pub files: Vec<PathBuf>,
    /// The version of the rules as a whole, where the user keeps one.
    pub version: Option<String>,
    /// When they were reviewed.
    pub reviewed: Vec<Date>,
}

/// `rules` as written.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRules {
    disabled: Option<BTreeMap<RuleId, At<String>>>,
    severity: Option<BTreeMap<RuleId, At<Severity>>>,
    effective_from: Option<BTreeMap<RuleId, At<Day>>>,
    checks: Option<BTreeMap<RuleId, At<Checks>>>,
    add: Option<Vec<At<Rule>>>,
    files: Option<Vec<At<PathBuf>>>,
    version: Option<At<String>>,
    reviewed: Option<Vec<Day>>,
}

/// Makes the rules ready.
pub(crate) fn rules(source: Source<'_>, raw: RawRules) -> Result<RulesConfig, DocumentError> {
    let mut known = embedded::ids();
    let mut config = RulesConfig {
        version: raw.version.map(|version| version.value),
        reviewed: raw
            .reviewed
            .into_iter()
            .flatten()
            .map(|day| day.0)
            .collect(),
        ..RulesConfig::default()
    };
    for rule in raw.add.unwrap_or_default() {
        add(source, rule, &mut known, &mut config.added)?;
    }
    config.files = patterns(source, raw.files)?;
    for path in config.files.clone() {
        let origin = Origin::file(&path);
        let found = glob::expand(&path)
            .map_err(|error| DocumentError::of_file(&origin, error.to_string()))?;
        for path in found {
            let origin = Origin::file(&path);
            let text = files::read(&origin, &path)?;
            let source = Source::new(&origin, &text);
            for rule in yaml::parse::<Vec<At<Rule>>>(source)? {
                add(source, rule, &mut known, &mut config.added)?;
            }
        }
    }
    for (rule, reason) in of_known_rules(source, &known, raw.disabled)? {
        if reason.value.trim().is_empty() {
            let message = format!("rule `{rule}` is disabled without a reason");
            return Err(source.error(reason.referenced, message));
        }
        config.disabled.insert(rule, reason.value);
    }
    let values = of_known_rules(source, &known, raw.severity)?.into_iter();
    config.severity = values.map(|(rule, at)| (rule, at.value)).collect();
    let values = of_known_rules(source, &known, raw.effective_from)?.into_iter();
    config.effective_from = values.map(|(rule, at)| (rule, at.value.0)).collect();
    let values = of_known_rules(source, &known, raw.checks)?.into_iter();
    config.checks = values.map(|(rule, at)| (rule, at.value)).collect();
    Ok(config)
}

/// What is written of rules, all of which exist.
fn of_known_rules<T>(
    source: Source<'_>,
    known: &[RuleId],
    raw: Option<BTreeMap<RuleId, At<T>>>,
) -> Result<BTreeMap<RuleId, At<T>>, DocumentError> {
    let raw = raw.unwrap_or_default();
    match raw.iter().find(|(rule, _)| !known.contains(rule)) {
        Some((rule, at)) => Err(unknown(source, known, *rule, at.referenced)),
        None => Ok(raw),
    }
}

fn unknown(source: Source<'_>, known: &[RuleId], rule: RuleId, at: Location) -> DocumentError {
    let all: Vec<String> = known.iter().map(RuleId::to_string).collect();
    source
        .error(at, format!("rule `{rule}` does not exist"))
        .with_hint(format!("the rules are {}", all.join(", ")))
}

fn add(
    source: Source<'_>,
    rule: At<Rule>,
    known: &mut Vec<RuleId>,
    added: &mut Vec<Rule>,
) -> Result<(), DocumentError> {
    let (at, rule) = (rule.referenced, rule.value);
    let id = rule.id;
    if id.category() != Category::Own {
        let message = format!("rule `{id}`: rules of your own are called X-1 to X-255");
        return Err(source.error(at, message).with_hint(
            "to change a rule of the manifesto, use `rules.checks` or `rules.severity`",
        ));
    }
    if known.contains(&id) {
        return Err(source.error(at, format!("rule `{id}` is defined twice")));
    }
    if added.len() == ADDED_MAX {
        return Err(source.error(at, format!("more than {ADDED_MAX} rules")));
    }
    known.push(id);
    added.push(rule);
    Ok(())
}
