//! The families of what is written down: when waivers and attestations end.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::writer::{Kind, Writer};
use crate::catalogue::{About, Attestations};
use crate::snapshot::Snapshot;

/// The labels of both families; attestations have the first three.
const LABELS: [&str; 5] = ["rule", "service_name", "environment", "team", "tier"];

/// When what is written down ends.
pub(super) fn write(snapshot: &Snapshot, out: &mut Writer) {
    let records = &snapshot.ruleset.records;
    let waivers = records.waivers.iter().map(|waiver| {
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        let selector = &waiver.selector;
        let key = [
            waiver.rule.to_string(),
            said(&selector.service),
            said(&selector.environment),
            said(&selector.team),
            said(&selector.tier),
        ];
        (key, waiver.expires_at)
    });
    expiries(
        "manifesto_waiver_expiry_timestamp_seconds",
        "When the waiver ends; whom it concerns by service, environment, team and tier, empty where it does not say.",
        waivers,
        out,
    );
    let attestations = records.attestations.iter().flat_map(Attestations::all);
    let attestations = attestations.map(|record| {
        let (service, environment) = match &record.about {
            About::Estate => (String::new(), String::new()),
            About::Service { name, environment } => {
                (name.clone(), environment.clone().unwrap_or_default())
            }
        };
        let key = [record.rule.to_string(), service, environment];
        (key, record.expires_at)
    });
    expiries(
        "manifesto_attestation_expiry_timestamp_seconds",
        "When the last attestation for the rule ends; the estate's has no service name.",
        attestations,
        out,
    );
}

/// One family: of several records for the same, the last end.
fn expiries<const N: usize>(
    name: &str,
    help: &str,
    records: impl Iterator<Item = ([String; N], Timestamp)>,
    out: &mut Writer,
) {
    let mut ends: BTreeMap<[String; N], Timestamp> = BTreeMap::new();
    for (key, at) in records {
        let last = ends.entry(key).or_insert(at);
        *last = (*last).max(at);
    }
    let mut family = out.family(name, Kind::Gauge, help);
    for (key, at) in ends {
        let values = key.iter().map(String::as_str);
        let labels: Vec<_> = LABELS.into_iter().zip(values).collect();
        family.sample(&labels, at.as_second() as f64);
    }
}
