//! Waivers: a rule that is openly violated, for a while, with everybody's knowledge.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::entry::Entry;
use super::files::each_file;
use super::index::Catalogue;
use crate::document::DocumentError;
use crate::document::value::{Moment, ShownUrl};
use crate::document::yaml::{self, At, Source};
use crate::rule_id::RuleId;

/// Waivers of all files.
const WAIVERS_MAX: usize = 100_000;

/// How long one may last.
const WAIVER_DAYS_MAX: i64 = 90;

/// One waiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiver {
    /// The rule that is waived.
    pub rule: RuleId,
    /// Where it is waived: for the subjects that have all that is said here.
    pub selector: WaiverScope,
    /// Why.
    pub reason: String,
    /// Where it was discussed.
    pub discussion: Url,
    /// Who fixes it.
    pub owner: String,
    /// Who agreed: somebody else.
    pub approver: String,
    /// When it began.
    pub granted_at: Timestamp,
    /// When it ends: from this second on it counts no more.
    pub expires_at: Timestamp,
    /// Where it is written.
    pub place: String,
}

/// Whom a waiver concerns: what is said must hold, what is not said may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct WaiverScope {
    /// The estate's own verdict.
    pub estate: bool,
    /// A service's name or alias.
    pub service: Option<String>,
    /// An environment.
    pub environment: Option<String>,
    /// An owning team.
    pub team: Option<String>,
    /// A tier.
    pub tier: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    waivers: Vec<At<Raw>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    rule: RuleId,
    #[serde(default)]
    estate: bool,
    service: Option<String>,
    environment: Option<String>,
    team: Option<String>,
    tier: Option<String>,
    reason: At<String>,
    discussion: ShownUrl,
    owner: At<String>,
    approver: At<String>,
    granted_at: At<Moment>,
    expires_at: At<Moment>,
}

/// Reads every file that paths and patterns name.
pub(super) fn load(
    paths: &[PathBuf],
    warnings: &mut Vec<String>,
) -> Result<Vec<Arc<Waiver>>, DocumentError> {
    let mut all = Vec::new();
    each_file("waivers", paths, warnings, |source| {
        let raw: RawFile = yaml::parse(source)?;
        for raw in raw.waivers {
            if all.len() == WAIVERS_MAX {
                let message = format!("more than {WAIVERS_MAX} waivers");
                return Err(source.error(raw.referenced, message));
            }
            all.push(Arc::new(ready(source, raw)?));
        }
        Ok(())
    })?;
    Ok(all)
}

fn ready(source: Source<'_>, raw: At<Raw>) -> Result<Waiver, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    let said = [
        ("reason", &raw.reason),
        ("owner", &raw.owner),
        ("approver", &raw.approver),
    ];
    for (key, text) in said {
        if text.value.trim().is_empty() {
            return Err(source.error(text.referenced, format!("`{key}` cannot be empty")));
        }
    }
    if raw
        .owner
        .value
        .trim()
        .eq_ignore_ascii_case(raw.approver.value.trim())
    {
        let message = format!(
            "`{}` cannot approve a waiver of their own",
            raw.approver.value
        );
        return Err(source.error(raw.approver.referenced, message));
    }
    let (granted_at, expires_at) = (raw.granted_at.value.0, raw.expires_at.value.0);
    if expires_at <= granted_at {
        let message = "`expires_at` is not after `granted_at`";
        return Err(source.error(raw.expires_at.referenced, message));
    }
    let lasts = expires_at.duration_since(granted_at);
    if lasts > SignedDuration::from_hours(24 * WAIVER_DAYS_MAX) {
        let days = (lasts.as_hours() + 23) / 24;
        let message = format!("a waiver of {days} days is longer than {WAIVER_DAYS_MAX}");
        return Err(source
            .error(raw.expires_at.referenced, message)
            .with_hint("what cannot be fixed by then calls for another rule, not for a waiver"));
    }
    let selector = WaiverScope {
        estate: raw.estate,
        service: raw.service,
        environment: raw.environment,
        team: raw.team,
        tier: raw.tier,
    };
    let of_services = WaiverScope {
        estate: false,
        ..selector.clone()
    };
    match (selector.estate, of_services == WaiverScope::default()) {
        (false, true) => Err(source
            .error(at, "a waiver names nobody")
            .with_hint("write `service`, `environment`, `team` or `tier`, or `estate: true`")),
        (true, false) => Err(source.error(at, "a waiver of the estate names no service beside it")),
        (true, true) | (false, false) => Ok(Waiver {
            rule: raw.rule,
            selector,
            reason: raw.reason.value,
            discussion: raw.discussion.0,
            owner: raw.owner.value,
            approver: raw.approver.value,
            granted_at,
            expires_at,
            place: format!("{}:{}", source.origin.name, at.line()),
        }),
    }
}

/// Who might be waived something.
#[derive(Debug, Clone, Copy)]
pub enum Waived<'a> {
    /// The estate.
    Estate,
    /// A service.
    Service {
        /// Its name.
        name: &'a str,
        /// Where it runs.
        environment: &'a str,
        /// Who owns it.
        team: &'a str,
        /// What is written down of it.
        entry: Option<&'a Entry>,
    },
}

impl Waiver {
    /// Whether it counts at a moment.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.granted_at <= now && now < self.expires_at
    }

    /// Whether it concerns somebody.
    pub fn concerns(&self, subject: Waived<'_>, catalogue: &Catalogue) -> bool {
        let Waived::Service {
            name,
            environment,
            team,
            entry,
        } = subject
        else {
            return self.selector.estate;
        };
        let selector = &self.selector;
        let is = |wanted: &Option<String>, said: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == said)
        };
        let named = selector.service.as_deref().is_none_or(|wanted| {
            wanted == name
                || catalogue
                    .find(wanted)
                    .is_some_and(|found| entry.is_some_and(|entry| entry.name == found.name))
        });
        !selector.estate
            && named
            && is(&selector.environment, environment)
            && is(&selector.team, team)
            && is(&selector.tier, entry.map_or("", |entry| &entry.tier))
    }
}
