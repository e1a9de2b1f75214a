//! The public test suite for OpenMetrics parsers, run from a clone of it.

use std::path::Path;

use manifesto_exporter::exposition::{Event, Format, Limits, scan};

/// Every case of the suite is judged, violations included, as the suite says.
///
/// ```text
/// git clone --depth 1 https://github.com/prometheus/OpenMetrics /tmp/openmetrics
/// OPENMETRICS_SUITE=/tmp/openmetrics/tests/testdata/parsers cargo test --test it openmetrics_suite -- --ignored
/// ```
#[test]
#[ignore = "needs a clone of the OpenMetrics suite, named by OPENMETRICS_SUITE"]
fn the_openmetrics_suite_is_judged_as_it_says() {
    let suite =
        std::env::var("OPENMETRICS_SUITE").expect("OPENMETRICS_SUITE names tests/testdata/parsers");
    let mut cases = 0;
    let mut wrong = Vec::new();
    for entry in Path::new(&suite).read_dir().unwrap() {
        let case = entry.unwrap().path();
        let Ok(description) = std::fs::read_to_string(case.join("test.json")) else {
            continue;
        };
        let description: serde_json::Value = serde_json::from_str(&description).unwrap();
        let valid = description["shouldParse"].as_bool().unwrap();
        let body = std::fs::read(case.join("metrics")).unwrap();
        let mut faults = Vec::new();
        scan(
            Format::OpenMetrics,
            Limits::default(),
            &body,
            &mut |event| {
                if let Event::Fault(fault) = event {
                    faults.push(fault.to_string());
                }
            },
        );
        cases += 1;
        if faults.is_empty() != valid {
            wrong.push(format!(
                "{}: {}",
                case.display(),
                if valid {
                    faults.join("; ")
                } else {
                    "no fault".to_owned()
                }
            ));
        }
    }
    assert_eq!(cases, 211, "cases in {suite}");
    assert!(
        wrong.is_empty(),
        "{} cases judged otherwise:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
