//! Single cases as data, one file a check.

use manifesto_exporter::catalogue::SeriesNames;
use manifesto_exporter::checks::Finding;
use serde::Deserialize;

use super::{PATH, Scrape};

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
    PATH.to_owned()
}

/// Judges one case with one check.
fn check(case: &Case, kind: &str) -> Finding {
    let series = SeriesNames {
        version: case.series.version.clone(),
        availability: case.series.availability.clone(),
        latency: case.series.latency.clone(),
    };
    Scrape::new(&case.service, &case.aliases, series, &case.body).judge(kind, &case.path)
}

/// The cases of one check.
fn cases(kind: &str) -> Vec<Case> {
    let text = match kind {
        "version" => include_str!("../../detection/version.yaml"),
        "availability" => include_str!("../../detection/availability.yaml"),
        "latency" => include_str!("../../detection/latency.yaml"),
        "identity" => include_str!("../../detection/identity.yaml"),
        other => panic!("no cases of {other}"),
    };
    serde_saphyr::from_str(text).unwrap()
}

/// What is right and what was found, for each case of one check: `true` is a pass.
pub(super) fn outcomes(kind: &str) -> Vec<(bool, bool)> {
    cases(kind)
        .iter()
        .map(|case| {
            (
                case.status == "pass",
                check(case, kind).status.as_str() == "pass",
            )
        })
        .collect()
}

/// The status and reason that are right of a case, and what is found.
pub(super) fn found(kind: &str, name: &str) -> ((String, String), Finding) {
    let cases = cases(kind);
    let case = cases.iter().find(|case| case.name == name);
    let case = case.unwrap_or_else(|| panic!("{kind} has no case {name:?}"));
    let right = (case.status.clone(), case.reason.clone());
    (right, check(case, kind))
}

fn all_of(kind: &str) {
    let cases = cases(kind);
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
    all_of("version");
}

#[test]
fn availability_cases() {
    all_of("availability");
}

#[test]
fn latency_cases() {
    all_of("latency");
}

#[test]
fn identity_cases() {
    all_of("identity");
}

/// More families than are followed hide no proof, wherever it stands among them.
#[test]
fn a_flood_of_families_hides_no_proof() {
    let each = |line: &str| -> String {
        let lines = (0..300).map(|place| line.replace('#', &place.to_string()));
        lines.collect::<Vec<_>>().join("\n")
    };
    let bounds = "_bucket{le=\"0.1\"} 1\n+_bucket{le=\"+Inf\"} 2\n+_sum 1\n+_count 2";
    let histogram = |name: &str| format!("{name}{}", bounds.replace('+', name));
    for (kind, proof, flood) in [
        (
            "version",
            "shop_build_info{version=\"1.2.3\"} 1".to_owned(),
            each("x#_build_info{version=\"2.0.#\"} 1"),
        ),
        (
            "version",
            "shop_build_info{version=\"1.2.3\"} 1".to_owned(),
            each("shop_part#_build_info{version=\"dev\"} 1"),
        ),
        (
            "version",
            "store_build_info{service=\"shop\",version=\"1.2.3\"} 1".to_owned(),
            each("x#_build_info{version=\"2.0.#\"} 1"),
        ),
        (
            "availability",
            "shop_requests_total{code=\"200\"} 1".to_owned(),
            each("x#_requests_total 1"),
        ),
        (
            "availability",
            "shop_ready 1".to_owned(),
            each("shop#_ready 7"),
        ),
        (
            "latency",
            histogram("shop_request_duration_seconds"),
            each(&histogram("x#_loading_seconds")),
        ),
        (
            "identity",
            "target_info{service_name=\"shop\"} 1".to_owned(),
            each("x#_orders_total{service=\"s#\"} 1"),
        ),
    ] {
        for body in [
            format!("{proof}\n{flood}"),
            format!("{flood}\n{proof}"),
            format!("{flood}\n{proof}\n{}", flood.replace("x", "y")),
        ] {
            let scrape = Scrape::new("shop", &[], SeriesNames::default(), &body);
            let finding = scrape.judge(kind, PATH);
            let got = (finding.status.as_str(), finding.reason.as_str());
            let first = body.lines().next().unwrap_or_default();
            assert_eq!(got, ("pass", "proven"), "{kind}, {first}: {finding:?}");
        }
    }
}

/// A label longer than names are is no name.
#[test]
fn a_name_has_its_limit() {
    for (bytes, status) in [(256, "pass"), (257, "fail")] {
        let name = "x".repeat(bytes);
        let body = format!("orders_total{{service=\"{name}\"}} 1");
        let scrape = Scrape::new(&name, &[], SeriesNames::default(), &body);
        let finding = scrape.judge("identity", PATH);
        assert_eq!(finding.status.as_str(), status, "{bytes} bytes");
    }
}

/// A version longer than versions are is none, whether its series is configured or not.
#[test]
fn a_version_has_its_limit() {
    let configured = SeriesNames {
        version: Some("shop_build_info".to_owned()),
        ..SeriesNames::default()
    };
    for series in [SeriesNames::default(), configured] {
        for (bytes, status) in [(128, "pass"), (129, "fail")] {
            let version = format!("1.{}", "2".repeat(bytes - 2));
            let body = format!("shop_build_info{{version=\"{version}\"}} 1");
            let scrape = Scrape::new("shop", &[], series.clone(), &body);
            let finding = scrape.judge("version", PATH);
            assert_eq!(finding.status.as_str(), status, "{bytes} bytes");
        }
    }
}

/// What the pass rests on is what `manifesto_service_info{version}` shows.
#[test]
fn the_version_that_passes_is_known() {
    for (body, version) in [
        ("shop_build_info{version=\"1.2.0\"} 1", Some("1.2.0")),
        ("shop_build_info{version=\"dev\"} 1", None),
        (
            "shop_info{version=\"1.1.0\"} 1\nshop_build_info{version=\"1.2.0\"} 1",
            Some("1.2.0"),
        ),
    ] {
        let scrape = Scrape::new("shop", &[], SeriesNames::default(), body);
        let found = &scrape.observation;
        assert_eq!(found.version(), version, "{body}");
    }
}
