//! The compliance families: a snapshot in, an exposition out. Nothing here is published that the
//! snapshot does not hold, so nothing stale stays exported.

use super::writer::{Kind, Writer};
use super::{instrumentation, objectives, records, targets};
use crate::exposition::Format;
use crate::okr::Progress;
use crate::publish::writer::{key, unix_seconds};
use crate::snapshot::{
    RuleStatus, Score, ServiceState, ServiceVerdict, Snapshot, count_not_configured,
};

/// Writes every compliance family. Past `series_max` series the families of single targets give
/// way to counts per service: the rest is what alerts and dashboards stand on.
pub fn write(
    snapshot: &Snapshot,
    progress: &Progress,
    format: Format,
    series_max: usize,
) -> Vec<u8> {
    let mut out = Writer::new(format);
    rules(snapshot, &mut out);
    services(snapshot, &mut out);
    records::write(snapshot, &mut out);
    objectives::levels(snapshot, &mut out);
    objectives::write(progress, &mut out);
    targets::counts(snapshot, &mut out);
    instrumentation::write(snapshot, &mut out);
    if snapshot.ruleset.catalogue.is_configured {
        catalogue(snapshot, &mut out);
    }
    out.family(
        "manifesto_snapshot_timestamp_seconds",
        Kind::Gauge,
        "When the published verdicts were put together.",
    )
    .sample(&[], unix_seconds(snapshot.at));
    let summarised = out.within(series_max, |out| targets::each(snapshot, out));
    let gauges = [
        (
            "manifesto_exporter_series",
            "Compliance series that the snapshot makes, those that are summarised included.",
            out.samples() as f64,
        ),
        (
            "manifesto_exporter_series_budget",
            "Compliance series past which single targets are summarised, as configured.",
            series_max as f64,
        ),
        (
            "manifesto_exporter_series_summarised",
            "1 while the families of single targets are left out to stay within the budget of series.",
            f64::from(u8::from(summarised)),
        ),
    ];
    for (name, help, value) in gauges {
        out.family(name, Kind::Gauge, help).sample(&[], value);
    }
    out.into_part()
}

/// Writes the verdicts alone, whole: what `/probe` found of one target.
pub(super) fn write_verdicts(snapshot: &Snapshot, format: Format) -> Vec<u8> {
    let mut out = Writer::new(format);
    rules(snapshot, &mut out);
    services(snapshot, &mut out);
    targets::each(snapshot, &mut out);
    out.into_end()
}

fn rules(snapshot: &Snapshot, out: &mut Writer) {
    let mut family = out.family(
        "manifesto_rule_info",
        Kind::Info,
        "The rules in force: title, category, severity and scope.",
    );
    for rule in snapshot.manifesto().rules() {
        let labels = [
            ("rule", &*rule.id.to_string()),
            ("title", &*rule.title),
            ("category", rule.id.category().as_str()),
            ("severity", rule.severity.as_str()),
            ("scope", rule.scope.as_str()),
        ];
        family.sample(&labels, 1.0);
    }
    let mut family = out.family(
        "manifesto_ruleset_info",
        Kind::Info,
        "The version of the rules in force, and the day of their last review where somebody says so.",
    );
    let manifesto = snapshot.manifesto();
    let reviewed = manifesto.last_reviewed();
    let reviewed = reviewed.map_or_else(String::new, |day| day.to_string());
    let labels = [("version", manifesto.version()), ("reviewed", &*reviewed)];
    family.sample(&labels, 1.0);
}

fn services(snapshot: &Snapshot, out: &mut Writer) {
    let rules = snapshot.manifesto().rules().iter();
    let ids: Vec<String> = rules.map(|rule| rule.id.to_string()).collect();
    let mut family = out.family(
        "manifesto_rule_compliant",
        Kind::Gauge,
        "1 where the service complies with the rule, 0 where it does not; absent where it was not measured or does not apply; 0 while waived.",
    );
    for ([name, environment], verdict) in verdicts(snapshot) {
        let value = match verdict.status {
            RuleStatus::Pass => 1.0,
            RuleStatus::Fail | RuleStatus::Waived => 0.0,
            RuleStatus::Unknown | RuleStatus::NotApplicable => continue,
        };
        let rule = ("rule", &*ids[verdict.rule]);
        family.sample(&[name, environment, rule], value);
    }
    let mut family = out.family(
        "manifesto_rule_waived",
        Kind::Gauge,
        "1 while a rule that is violated is waived. Waived is not compliant: manifesto_rule_compliant is 0.",
    );
    for ([name, environment], verdict) in verdicts(snapshot) {
        if verdict.status == RuleStatus::Waived {
            let rule = ("rule", &*ids[verdict.rule]);
            family.sample(&[name, environment, rule], 1.0);
        }
    }
    let mut family = out.family(
        "manifesto_rule_unknown",
        Kind::Gauge,
        "1 while the rule could not be measured, with the reason. Unknown is never a pass.",
    );
    for ([name, environment], verdict) in verdicts(snapshot) {
        if verdict.status == RuleStatus::Unknown {
            let reason = ("reason", verdict.finding.reason.as_str());
            let rule = ("rule", &*ids[verdict.rule]);
            family.sample(&[name, environment, rule, reason], 1.0);
        }
    }
    let mut family = out.family(
        "manifesto_rule_carried",
        Kind::Gauge,
        "1 while the score rests on an earlier outcome of the rule, which cannot be measured now; manifesto_rule_compliant is absent meanwhile.",
    );
    for ([name, environment], verdict) in verdicts(snapshot) {
        if verdict.carried.is_some() {
            let rule = ("rule", &*ids[verdict.rule]);
            family.sample(&[name, environment, rule], 1.0);
        }
    }
    violations(snapshot, &ids, out);
    let mut family = out.family(
        "manifesto_service_rules",
        Kind::Gauge,
        "How many rules have each status for the service, zeros included.",
    );
    for labelled in judged(snapshot) {
        let [name, environment] = labelled.key;
        for status in RuleStatus::ALL {
            let labels = [name, environment, ("status", status.as_str())];
            let verdicts = labelled.verdicts.iter();
            let with_status = verdicts.filter(|verdict| verdict.status == status);
            family.sample(&labels, with_status.count() as f64);
        }
    }
    let mut family = out.family(
        "manifesto_service_rules_not_configured",
        Kind::Gauge,
        "How many of the unknown rules are so because nobody configured what would tell.",
    );
    for labelled in judged(snapshot) {
        let count = count_not_configured(labelled.verdicts);
        family.sample(&labelled.key, count as f64);
    }
    let mut family = out.family(
        "manifesto_service_series_present",
        Kind::Gauge,
        "1 where the service exposes its version, availability, latency or identity, 0 where it does not; absent where that was not measured.",
    );
    for service in &snapshot.services {
        let [name, environment] = key(service);
        for found in &service.series {
            if let Some(is_present) = found.is_present() {
                let labels = [name, environment, ("series", found.series.as_str())];
                family.sample(&labels, f64::from(u8::from(is_present)));
            }
        }
    }
    let mut family = out.family(
        "manifesto_service_score_ratio",
        Kind::Gauge,
        "Passed over counted weight of rules, 0 to 1: what is measured now, or carried over; absent where nothing is. Read it with the coverage.",
    );
    for labelled in judged(snapshot) {
        if let Some(score) = labelled.score.ratio() {
            family.sample(&labelled.key, score);
        }
    }
    let mut family = out.family(
        "manifesto_service_coverage_ratio",
        Kind::Gauge,
        "Weight of the rules that are measured now over applicable weight, 0 to 1.",
    );
    for labelled in judged(snapshot) {
        family.sample(&labelled.key, labelled.score.coverage());
    }
    let mut family = out.family(
        "manifesto_service_info",
        Kind::Info,
        "Who owns the service and the version that most of its instances expose.",
    );
    for service in &snapshot.services {
        let [name, environment] = key(service);
        let labels = [
            name,
            environment,
            ("team", &*service.team),
            ("tier", tier(service)),
            ("version", &*service.version),
        ];
        family.sample(&labels, 1.0);
    }
}

/// Since when rules are violated, and until when that is waived.
fn violations(snapshot: &Snapshot, ids: &[String], out: &mut Writer) {
    let mut family = out.family(
        "manifesto_rule_failing_since_timestamp_seconds",
        Kind::Gauge,
        "Since when the rule is violated, waived or not, as far back as history goes; absent where it is not violated now.",
    );
    for ([name, environment], verdict) in verdicts(snapshot) {
        let is_violated = matches!(verdict.status, RuleStatus::Fail | RuleStatus::Waived);
        if let (true, Some(failing)) = (is_violated, verdict.failing) {
            let rule = ("rule", &*ids[verdict.rule]);
            family.sample(&[name, environment, rule], failing.since.as_second() as f64);
        }
    }
    let mut family = out.family(
        "manifesto_rule_waived_until_timestamp_seconds",
        Kind::Gauge,
        "When the waiver ends under which the rule is violated; absent where it is not waived.",
    );
    for ([name, environment], verdict) in verdicts(snapshot) {
        if let (RuleStatus::Waived, Some(waiver)) = (verdict.status, &verdict.waiver) {
            let rule = ("rule", &*ids[verdict.rule]);
            let until = waiver.expires_at.as_second() as f64;
            family.sample(&[name, environment, rule], until);
        }
    }
}

/// What the catalogue and discovery know of each other.
fn catalogue(snapshot: &Snapshot, out: &mut Writer) {
    let mut family = out.family(
        "manifesto_service_catalogued",
        Kind::Gauge,
        "1 where the discovered service is in the service catalogue, 0 where it is not.",
    );
    for service in &snapshot.services {
        let known = f64::from(u8::from(service.entry.is_some()));
        family.sample(&key(service), known);
    }
    let mut family = out.family(
        "manifesto_service_missing",
        Kind::Gauge,
        "1 for each service in the catalogue that no discovery finds in an environment where it should run.",
    );
    for missing in &snapshot.missing {
        let labels = [
            ("service_name", &*missing.entry.name),
            ("environment", &*missing.environment),
            ("team", &*missing.entry.team),
            ("tier", &*missing.entry.tier),
        ];
        family.sample(&labels, 1.0);
    }
}

/// Somebody whom rules are judged for.
struct Labelled<'a> {
    key: [(&'a str, &'a str); 2],
    verdicts: &'a [ServiceVerdict],
    score: Score,
}

/// Every service; then the estate, which has no name, where rules judge it.
fn judged(snapshot: &Snapshot) -> impl Iterator<Item = Labelled<'_>> {
    let services = snapshot.services.iter().map(|service| Labelled {
        key: key(service),
        verdicts: &service.verdicts,
        score: service.score,
    });
    let estate = Some(&snapshot.estate).filter(|estate| !estate.verdicts.is_empty());
    services.chain(estate.map(|estate| Labelled {
        key: [("service_name", ""), ("environment", "")],
        verdicts: &estate.verdicts,
        score: estate.score,
    }))
}

fn verdicts(snapshot: &Snapshot) -> impl Iterator<Item = ([(&str, &str); 2], &ServiceVerdict)> {
    judged(snapshot).flat_map(|labelled| {
        labelled
            .verdicts
            .iter()
            .map(move |verdict| (labelled.key, verdict))
    })
}

fn tier(service: &ServiceState) -> &str {
    service.entry.as_ref().map_or("", |entry| &entry.tier)
}
