//! The families of single targets, and how many of them each service has.

use super::writer::{Kind, Writer, key, unix_seconds};
use crate::checks::Finding;
use crate::manifesto::Rule;
use crate::snapshot::{Scrape, Snapshot, TargetState};

/// Down targets by reason would be lost with the single targets: counts per service stay.
pub(super) fn counts(snapshot: &Snapshot, out: &mut Writer) {
    let mut family = out.family(
        "manifesto_service_targets",
        Kind::Gauge,
        "How many targets of the service are up, down, or pending: not scraped yet, or of a server that does not say.",
    );
    for service in &snapshot.services {
        let mut counts = [0u32; 3];
        for at in &service.targets {
            counts[match &snapshot.targets[*at].scrape {
                Some(scrape) if scrape.outcome.failure().is_none() => 0,
                Some(_) => 1,
                None => 2,
            }] += 1;
        }
        let [name, environment] = key(service);
        for (state, count) in ["up", "down", "pending"].into_iter().zip(counts) {
            let state = ("state", state);
            family.sample(&[name, environment, state], f64::from(count));
        }
    }
}

/// The families of single targets.
pub(super) fn each(snapshot: &Snapshot, out: &mut Writer) {
    let scraped = || {
        snapshot
            .targets
            .iter()
            .filter_map(|state| state.scrape.as_ref().map(|s| (state, s)))
    };
    // The URL of a target is written out once, not once a family.
    let urls: Vec<String> = scraped()
        .map(|(state, _)| state.target.url.to_string())
        .collect();

    let mut family = out.family(
        "manifesto_target_up",
        Kind::Gauge,
        "1 if the target answered the last scrape, with metrics or with word that it has none; 0 if the scrape failed.",
    );
    for ((state, scrape), url) in scraped().zip(&urls) {
        let is_up = f64::from(u8::from(scrape.outcome.failure().is_none()));
        family.sample(&target_key(state, url), is_up);
    }
    let mut family = out.family(
        "manifesto_target_down",
        Kind::Gauge,
        "1 while the target is down, with the reason.",
    );
    for ((state, scrape), url) in scraped().zip(&urls) {
        if let Some((reason, _)) = scrape.outcome.failure() {
            let [service, environment, target] = target_key(state, url);
            let reason = ("reason", reason.as_str());
            family.sample(&[service, environment, target, reason], 1.0);
        }
    }
    let mut family = out.family(
        "manifesto_target_rule_failed",
        Kind::Gauge,
        "1 for each target for which a rule is violated, with the reason; of rules that scrapes prove.",
    );
    for (rule, state, finding) in failed(snapshot) {
        let url = state.target.url.to_string();
        let [service, environment, target] = target_key(state, &url);
        let rule = ("rule", &*rule.id.to_string());
        let reason = ("reason", finding.reason.as_str());
        family.sample(&[service, environment, target, rule, reason], 1.0);
    }
    type Figure = fn(&Scrape) -> f64;
    let figures: [(&str, &str, Figure); 4] = [
        (
            "manifesto_target_scrape_duration_seconds",
            "How long the last scrape took, from DNS to the last byte.",
            |scrape| scrape.duration.as_secs_f64(),
        ),
        (
            "manifesto_target_samples",
            "Samples that the last scrape read.",
            |scrape| scrape.samples as f64,
        ),
        (
            "manifesto_target_body_bytes",
            "Decompressed bytes that the last scrape read.",
            |scrape| scrape.body_bytes as f64,
        ),
        (
            "manifesto_target_last_scrape_timestamp_seconds",
            "When the last scrape began.",
            |scrape| unix_seconds(scrape.at),
        ),
    ];
    for (name, help, figure) in figures {
        let mut family = out.family(name, Kind::Gauge, help);
        for ((state, scrape), url) in scraped().zip(&urls) {
            family.sample(&target_key(state, url), figure(scrape));
        }
    }
}

/// The targets for which a rule is violated.
fn failed(snapshot: &Snapshot) -> impl Iterator<Item = (&Rule, &TargetState, &Finding)> {
    let verdicts = snapshot.services.iter().flat_map(|service| {
        let verdicts = service.verdicts.iter();
        verdicts.map(move |verdict| (service, verdict))
    });
    verdicts.flat_map(|(service, verdict)| {
        let failing = snapshot.failing_instances(service, verdict).into_iter();
        failing.map(|(state, finding)| (snapshot.rule(verdict), state, finding))
    })
}

fn target_key<'a>(state: &'a TargetState, url: &'a str) -> [(&'a str, &'a str); 3] {
    let service = &state.target.service;
    [
        ("service_name", &service.name),
        ("environment", &service.environment),
        ("target", url),
    ]
}
