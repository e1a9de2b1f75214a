//! The page: complete without JavaScript, every figure from the snapshot.

use std::collections::HashSet;
use std::time::SystemTime;

use askama::Template;

use super::telemetry::VERSION;
use crate::checks::Reason;
use crate::checks::scraped::instrumentation::{Instrumentation, RULES_TOTAL};
use crate::manifesto::{Rule, Scope};
use crate::snapshot::{
    RuleStatus, Score, ServiceSeries, ServiceState, ServiceVerdict, Snapshot, advice,
};

/// Rows of one table at the most; a search narrows them down.
pub(super) const ROWS_MAX: usize = 500;

#[derive(Template)]
#[template(path = "services.html")]
struct Services<'a> {
    version: &'a str,
    at: String,
    query: &'a str,
    ruleset: &'a str,
    total: usize,
    hidden: usize,
    rules: Vec<RuleHead<'a>>,
    services: Vec<ServiceRow<'a>>,
    estate: Vec<VerdictCell<'a>>,
    estate_score: String,
    estate_coverage: String,
    next_steps: Vec<NextStepRow<'a>>,
    missing: Vec<MissingRow<'a>>,
    missing_total: usize,
}

/// A catalogued service that no discovery finds.
struct MissingRow<'a> {
    name: &'a str,
    environment: &'a str,
    team: &'a str,
    tier: &'a str,
    place: &'a str,
}

struct RuleHead<'a> {
    id: String,
    title: &'a str,
}

/// What to configure next.
struct NextStepRow<'a> {
    setup: String,
    rules: Vec<RuleHead<'a>>,
    verdicts: usize,
}

impl<'a> RuleHead<'a> {
    fn new(rule: &'a Rule) -> Self {
        Self {
            id: rule.id.to_string(),
            title: &rule.title,
        }
    }
}

/// Rules that nobody is judged by, for want of what would prove them.
fn unproved(snapshot: &Snapshot) -> HashSet<usize> {
    let judged: HashSet<usize> = snapshot
        .verdicts()
        .filter(|verdict| !verdict.is_not_configured())
        .map(|verdict| verdict.rule)
        .collect();
    let seen = snapshot.verdicts().map(|verdict| verdict.rule);
    seen.filter(|rule| !judged.contains(rule)).collect()
}

struct ServiceRow<'a> {
    anchor: String,
    name: &'a str,
    environment: &'a str,
    team: &'a str,
    tier: &'a str,
    is_catalogued: bool,
    version: &'a str,
    score: String,
    coverage: String,
    series: Vec<SeriesCell<'a>>,
    verdicts: Vec<VerdictCell<'a>>,
    has_findings: bool,
    /// The Instrumentation Score in words; empty where there is none.
    instrumentation: String,
    /// Rules judged for others and not for this one, for want of what would prove them.
    unproved: usize,
}

/// One of version, availability, latency and identity.
struct SeriesCell<'a> {
    name: &'static str,
    class: &'static str,
    mark: char,
    shown: &'static str,
    message: &'a str,
}

impl<'a> From<&'a ServiceSeries> for SeriesCell<'a> {
    fn from(found: &'a ServiceSeries) -> Self {
        let (class, mark, shown) = match found.is_present() {
            Some(true) => ("pass", '✓', "exposed"),
            Some(false) => ("fail", '✗', "not exposed"),
            None => ("unknown", '?', "not measured"),
        };
        Self {
            name: found.series.as_str(),
            class,
            mark,
            shown,
            message: &found.finding.message,
        }
    }
}

struct VerdictCell<'a> {
    rule: String,
    title: &'a str,
    /// How it is coloured: by status, what nobody configured apart.
    class: &'static str,
    /// The status for people: a pass with a warning says so.
    shown: &'static str,
    mark: char,
    reason: &'static str,
    message: &'a str,
    evidence: &'a [String],
    /// What to do about it; empty where there is nothing to do but wait.
    advice: &'a str,
    /// The deciding instance; empty where other evidence than scrapes decides.
    target: String,
    basis: &'static str,
    waiver: String,
    since: String,
    /// What the score rests on while the rule cannot be measured; empty where that is its status.
    carried: String,
    is_finding: bool,
}

/// `/`: every service, worst first, and what is wrong with it.
pub(super) fn services(snapshot: &Snapshot, query: &str) -> Result<String, askama::Error> {
    let matches = |service: &&ServiceState| {
        let key = &service.key;
        [&key.name, &key.environment, &service.team]
            .iter()
            .any(|text| text.contains(query))
    };
    let mut worst_first: Vec<&ServiceState> = snapshot
        .services
        .iter()
        .map(AsRef::as_ref)
        .filter(matches)
        .collect();
    worst_first.sort_by_key(|service| {
        std::cmp::Reverse((
            service.count(RuleStatus::Fail),
            service.count(RuleStatus::Unknown),
        ))
    });
    let hidden = worst_first.len().saturating_sub(ROWS_MAX);
    worst_first.truncate(ROWS_MAX);
    let unproved = unproved(snapshot);
    let heads = |wanted: &dyn Fn(usize, &Rule) -> bool| -> Vec<RuleHead<'_>> {
        let rules = snapshot.manifesto().rules().iter().enumerate();
        rules
            .filter(|(place, rule)| wanted(*place, rule))
            .map(|(_, rule)| RuleHead::new(rule))
            .collect()
    };
    let shown =
        |place: usize, rule: &Rule| rule.scope == Scope::Service && !unproved.contains(&place);
    Services {
        version: VERSION,
        at: time(snapshot.at),
        query,
        ruleset: snapshot.manifesto().version(),
        total: snapshot.services.len(),
        hidden,
        rules: heads(&shown),
        estate: snapshot
            .estate
            .verdicts
            .iter()
            .filter(|verdict| !unproved.contains(&verdict.rule))
            .map(|verdict| cell(snapshot, verdict))
            .collect(),
        estate_score: score(snapshot.estate.score),
        estate_coverage: percent(snapshot.estate.score.coverage()),
        next_steps: snapshot
            .next_steps()
            .into_iter()
            .map(|step| NextStepRow {
                setup: step.setup.to_string(),
                rules: step
                    .rules
                    .iter()
                    .map(|place| RuleHead::new(&snapshot.manifesto().rules()[*place]))
                    .collect(),
                verdicts: step.verdicts,
            })
            .collect(),
        services: worst_first
            .into_iter()
            .map(|service| row(snapshot, service, &unproved))
            .collect(),
        missing: snapshot
            .missing
            .iter()
            .take(ROWS_MAX)
            .map(|missing| MissingRow {
                name: &missing.entry.name,
                environment: &missing.environment,
                team: &missing.entry.team,
                tier: &missing.entry.tier,
                place: &missing.entry.place,
            })
            .collect(),
        missing_total: snapshot.missing.len(),
    }
    .render()
}

fn row<'a>(
    snapshot: &'a Snapshot,
    service: &'a ServiceState,
    unproved: &HashSet<usize>,
) -> ServiceRow<'a> {
    let verdicts: Vec<VerdictCell<'_>> = service
        .verdicts
        .iter()
        .filter(|verdict| !unproved.contains(&verdict.rule))
        .map(|verdict| cell(snapshot, verdict))
        .collect();
    ServiceRow {
        anchor: anchor(&service.key),
        name: &service.key.name,
        environment: &service.key.environment,
        team: &service.team,
        tier: service.entry.as_ref().map_or("", |entry| &entry.tier),
        is_catalogued: service.entry.is_some() || !snapshot.ruleset.catalogue.is_configured,
        version: &service.version,
        score: score(service.score),
        coverage: percent(service.score.coverage()),
        instrumentation: service
            .instrumentation
            .as_ref()
            .map_or_else(String::new, instrumentation),
        series: service.series.iter().map(SeriesCell::from).collect(),
        has_findings: verdicts.iter().any(|verdict| verdict.is_finding),
        unproved: verdicts
            .iter()
            .filter(|verdict| verdict.reason == Reason::NotConfigured.as_str())
            .count(),
        verdicts,
    }
}

fn instrumentation(score: &Instrumentation) -> String {
    let failed = match score.failed.is_empty() {
        true => String::new(),
        false => format!(", violated: {}", score.failed.join(", ")),
    };
    format!(
        "Instrumentation Score {:.0}, of {} of the specification's {RULES_TOTAL} rules{failed}",
        score.ratio() * 100.0,
        score.judged
    )
}

fn score(score: Score) -> String {
    score.ratio().map_or_else(|| "–".to_owned(), percent)
}

fn cell<'a>(snapshot: &'a Snapshot, verdict: &'a ServiceVerdict) -> VerdictCell<'a> {
    let rule = snapshot.rule(verdict);
    let finding = &verdict.finding;
    let weak = finding.reason == Reason::ProvenWeakly;
    let is_unconfigured = verdict.is_not_configured();
    let is_open = matches!(
        verdict.status,
        RuleStatus::Fail | RuleStatus::Waived | RuleStatus::Unknown
    );
    VerdictCell {
        rule: rule.id.to_string(),
        title: &rule.title,
        shown: match (weak, is_unconfigured) {
            (true, _) => "compliant (weakly proven)",
            (false, true) => "not configured",
            (false, false) => verdict.status.in_words(),
        },
        class: match is_unconfigured {
            true => "not_configured",
            false => verdict.status.as_str(),
        },
        mark: match is_unconfigured {
            true => '·',
            false => mark(verdict.status),
        },
        reason: finding.reason.as_str(),
        message: &finding.message,
        evidence: &finding.evidence,
        advice: advice(rule, verdict.status, finding.reason),
        target: verdict
            .target
            .as_ref()
            .map_or_else(String::new, |target| target.url.to_string()),
        basis: finding.basis.as_str(),
        waiver: verdict.waiver.as_ref().map_or_else(String::new, |waiver| {
            format!(
                "waived until {} ({}; owner {}, approved by {}): {}",
                waiver.expires_at, waiver.reason, waiver.owner, waiver.approver, waiver.discussion
            )
        }),
        since: verdict.failing.map_or_else(String::new, |failing| {
            let or_longer = if failing.is_exact { "" } else { " or longer" };
            format!("violated since {:.0}{or_longer}", failing.since)
        }),
        carried: verdict.carried.map_or_else(String::new, |carried| {
            format!(
                "carried over: {} when last measured, at {:.0}; counts in the score until {:.0}",
                carried.status.in_words(),
                carried.since,
                carried.until
            )
        }),
        // What nobody configured is said once, not for each.
        is_finding: weak || is_open && !is_unconfigured,
    }
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Rules<'a> {
    version: &'a str,
    at: String,
    ruleset: &'a str,
    reviewed: String,
    rules: Vec<RuleRow<'a>>,
    disabled: Vec<(String, &'a str)>,
}

struct RuleRow<'a> {
    id: String,
    rule: &'a Rule,
    severity: &'static str,
    scope: &'static str,
    evidence: String,
    from: String,
    counts: [(&'static str, usize); 5],
}

/// `/rules`: what is asked, how it is proved, and how many comply with it.
pub(super) fn rules(snapshot: &Snapshot) -> Result<String, askama::Error> {
    let manifesto = snapshot.manifesto();
    let counts = snapshot.rule_counts();
    let rows = manifesto
        .rules()
        .iter()
        .zip(counts)
        .map(|(rule, counts)| RuleRow {
            id: rule.id.to_string(),
            rule,
            severity: rule.severity.as_str(),
            scope: rule.scope.as_str(),
            evidence: rule.checks.kinds().join(", "),
            from: rule
                .effective_from
                .map_or_else(String::new, |day| day.0.to_string()),
            counts: RuleStatus::ALL.map(|status| (status.as_str(), counts[status as usize])),
        });
    let disabled = manifesto.disabled().iter();
    Rules {
        version: VERSION,
        at: time(snapshot.at),
        ruleset: manifesto.version(),
        reviewed: manifesto
            .last_reviewed()
            .map_or_else(|| "nobody says when".to_owned(), |day| day.to_string()),
        rules: rows.collect(),
        disabled: disabled
            .map(|(id, reason)| (id.to_string(), reason.as_str()))
            .collect(),
    }
    .render()
}

/// A fragment that needs no escaping, whatever the service is called.
fn anchor(key: &crate::discovery::target::ServiceKey) -> String {
    let plain = |text: &str| -> String {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect()
    };
    format!("{}--{}", plain(&key.name), plain(&key.environment))
}

/// Status is never told by colour alone.
fn mark(status: RuleStatus) -> char {
    match status {
        RuleStatus::Pass => '✓',
        RuleStatus::Fail => '✗',
        RuleStatus::Waived => '~',
        RuleStatus::Unknown => '?',
        RuleStatus::NotApplicable => '–',
    }
}

/// A ratio as whole per cent, shown to people only. Rounded down: 100 % is nothing less.
pub fn percent(ratio: f64) -> String {
    // 0.29 * 100 is a hair below 29.
    format!("{:.0} %", (ratio * 100.0 + 1e-9).floor())
}

/// RFC 3339 in UTC, to the second.
pub(super) fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| format!("{at:.0}"))
        .unwrap_or_else(|_| "an unknown time".to_owned())
}
