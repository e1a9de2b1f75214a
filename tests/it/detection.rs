//! What a scrape proves of O-6, O-8 and O-9: cases as data, one file a check.

use std::sync::Arc;

use manifesto_exporter::catalogue::SeriesNames;
use manifesto_exporter::checks::{Finding, Subject};
use manifesto_exporter::discovery::settings::ScrapeLimits;
use manifesto_exporter::exposition::Format;
use manifesto_exporter::ingest::read_body;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    series: Series,
    #[serde(default = "metrics")]
    path: String,
    body: String,
    status: String,
    reason: String,
    #[serde(default)]
    says: String,
}

#[derive(Deserialize, Default)]
struct Series {
    version: Option<String>,
    availability: Option<String>,
    latency: Option<String>,
}

fn metrics() -> String {
    "/metrics".to_owned()
}

/// Judges one case with one check.
fn check(case: &Case, kind: &str) -> Finding {
    let series = SeriesNames {
        version: case.series.version.clone(),
        availability: case.series.availability.clone(),
        latency: case.series.latency.clone(),
    };
    let subject = Arc::new(Subject::new(&case.service, &case.aliases, series));
    let body = format!("{}\n", case.body.trim_end());
    let observation = read_body(
        Arc::clone(&subject),
        Format::Text,
        &ScrapeLimits::default(),
        10,
        body.as_bytes(),
    );
    assert_eq!(
        observation.error(),
        None,
        "{kind}: {}: the case itself is broken",
        case.name
    );
    match kind {
        "version" => observation.version.judge(&subject, &observation.namespaces),
        "availability" => observation
            .availability
            .judge(&subject, &observation.namespaces),
        "latency" => observation.latency.judge(&subject, &observation.namespaces),
        "identity" => observation.identity.judge(&subject, Some(&case.path)),
        other => panic!("no check named {other}"),
    }
}

fn all_of(kind: &str, text: &str) {
    let cases: Vec<Case> = serde_saphyr::from_str(text).unwrap();
    assert!(cases.len() > 15, "{kind} has {} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let finding = check(case, kind);
            let got = (finding.status.as_str(), finding.reason.as_str());
            let right =
                got == (&*case.status, &*case.reason) && finding.message.contains(&case.says);
            (!right).then(|| format!("{kind}: {}: {got:?}: {}", case.name, finding.message))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn version_cases() {
    all_of("version", include_str!("../detection/version.yaml"));
}

#[test]
fn availability_cases() {
    all_of(
        "availability",
        include_str!("../detection/availability.yaml"),
    );
}

#[test]
fn latency_cases() {
    all_of("latency", include_str!("../detection/latency.yaml"));
}

#[test]
fn identity_cases() {
    all_of("identity", include_str!("../detection/identity.yaml"));
}
