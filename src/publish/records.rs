//! The families of what is written down: when waivers and attestations end.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::writer::{Kind, Writer};
use crate::catalogue::{About, Attestations};
use crate::snapshot::Snapshot;

/// When what is written down ends: of several for the same, the last.
pub(super) fn write(snapshot: &Snapshot, out: &mut Writer) {
    let mut ends: BTreeMap<[String; 5], Timestamp> = BTreeMap::new();
    for waiver in &snapshot.law.records.waivers {
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        let selector = &waiver.selector;
        let key = [
            waiver.rule.to_string(),
            said(&selector.service),
            said(&selector.environment),
            said(&selector.team),
            said(&selector.tier),
        ];
        let last = ends.entry(key).or_insert(waiver.expires_at);
        *last = (*last).max(waiver.expires_at);
    }
    let name = "manifesto_waiver_expiry_timestamp_seconds";
    out.family(
        name,
        Kind::Gauge,
        "When the waiver ends; whom it concerns by service, environment, team and tier, empty where it does not say.",
    );
    let names = ["rule", "service_name", "environment", "team", "tier"];
    for (key, at) in ends {
        let labels: Vec<_> = names
            .into_iter()
            .zip(key.iter().map(String::as_str))
            .collect();
        out.sample(name, &labels, at.as_second() as f64);
    }
    let mut ends: BTreeMap<[String; 3], Timestamp> = BTreeMap::new();
    let attestations = snapshot.law.records.attestations.iter();
    for record in attestations.flat_map(Attestations::all) {
        let (service, environment) = match &record.about {
            About::Estate => (String::new(), String::new()),
            About::Service { name, environment } => {
                (name.clone(), environment.clone().unwrap_or_default())
            }
        };
        let key = [record.rule.to_string(), service, environment];
        let last = ends.entry(key).or_insert(record.expires_at);
        *last = (*last).max(record.expires_at);
    }
    let name = "manifesto_attestation_expiry_timestamp_seconds";
    out.family(
        name,
        Kind::Gauge,
        "When the last attestation for the rule ends; the estate's has no service name.",
    );
    for (key, at) in ends {
        let labels: Vec<_> = names
            .into_iter()
            .zip(key.iter().map(String::as_str))
            .collect();
        out.sample(name, &labels, at.as_second() as f64);
    }
}
