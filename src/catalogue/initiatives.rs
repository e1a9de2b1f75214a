//! Initiatives: rules that a set of services is to comply with by a date.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::Deserialize;

use super::files::each_file;
use super::filter::ServiceFilter;
use crate::document::DocumentError;
use crate::document::value::Day;
use crate::document::yaml::{self, At, Source};
use crate::rule_id::RuleId;

/// Initiatives of all files.
const INITIATIVES_MAX: usize = 1_000;

/// Rules that a set of services is to comply with by a date.
#[derive(Debug, Clone, PartialEq)]
pub struct Initiative {
    /// In words; no two have the same.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// What is to be complied with.
    pub rules: Vec<RuleId>,
    /// By whom.
    pub services: ServiceFilter,
    /// From which day on.
    pub started: Date,
    /// By which day, it included.
    pub due: Date,
    /// Since which day it is over: it is shown in reports of its time alone.
    pub archived: Option<Date>,
    /// Where it is written.
    pub place: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    initiatives: Vec<At<Raw>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    title: At<String>,
    owner: At<String>,
    reason: At<String>,
    rules: At<Vec<RuleId>>,
    #[serde(default)]
    services: ServiceFilter,
    started: Day,
    due: At<Day>,
    archived: Option<At<Day>>,
}

/// Reads every file that paths and patterns name.
pub(super) fn load(
    paths: &[PathBuf],
    warnings: &mut Vec<String>,
) -> Result<Vec<Initiative>, DocumentError> {
    let mut all: Vec<Initiative> = Vec::new();
    each_file("initiatives", paths, warnings, |source| {
        let raw: RawFile = yaml::parse(source)?;
        for raw in raw.initiatives {
            let at = raw.referenced;
            if all.len() == INITIATIVES_MAX {
                let message = format!("more than {INITIATIVES_MAX} initiatives");
                return Err(source.error(at, message));
            }
            let initiative = ready(source, raw)?;
            if let Some(known) = all.iter().find(|known| known.title == initiative.title) {
                let (title, place) = (&initiative.title, &known.place);
                let message = format!("initiative `{title}` is written twice: {place}");
                return Err(source.error(at, message));
            }
            all.push(initiative);
        }
        Ok(())
    })?;
    Ok(all)
}

fn ready(source: Source<'_>, raw: At<Raw>) -> Result<Initiative, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    let texts = [
        ("title", &raw.title),
        ("owner", &raw.owner),
        ("reason", &raw.reason),
    ];
    for (key, text) in texts {
        if text.value.trim().is_empty() {
            return Err(source.error(text.referenced, format!("`{key}` cannot be empty")));
        }
    }
    if raw.rules.value.is_empty() {
        return Err(source.error(
            raw.rules.referenced,
            "an initiative without rules asks nothing",
        ));
    }
    let (started, due) = (raw.started.0, raw.due.value.0);
    if due < started {
        let message = format!("`due` {due} is before `started` {started}");
        return Err(source.error(raw.due.referenced, message));
    }
    if let Some(archived) = &raw.archived
        && archived.value.0 < started
    {
        let message = format!(
            "`archived` {} is before `started` {started}",
            archived.value.0
        );
        return Err(source.error(archived.referenced, message));
    }
    Ok(Initiative {
        title: raw.title.value,
        owner: raw.owner.value,
        reason: raw.reason.value,
        rules: raw.rules.value,
        services: raw.services,
        started,
        due,
        archived: raw.archived.map(|day| day.value.0),
        place: format!("{}:{}", source.origin.name, at.line()),
    })
}

impl Initiative {
    /// Whether it goes on at a day: begun, and not put away.
    pub fn is_on(&self, day: Date) -> bool {
        self.started <= day && self.archived.is_none_or(|archived| day < archived)
    }
}
