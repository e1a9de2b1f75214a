//! The commands as a service team's CI runs them: output, exit code, messages.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::programs::BINARY;

/// Misses its version, and violates the format once: `shop_orders` has two types.
const EXPOSITION: &str = "\
# TYPE shop_orders gauge
shop_orders 3
# TYPE shop_orders counter
shop_requests_total{code=\"200\"} 5
shop_request_duration_seconds{quantile=\"0.5\"} 0.1
";

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(arguments)
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn check_writes_json_as_the_contract_says() {
    let output = run(
        &["check", "-", "--service=shop", "--output=json"],
        EXPOSITION,
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "");
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let verdicts = json["verdicts"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = verdicts
        .iter()
        .map(|v| {
            assert!(
                v["message"]
                    .as_str()
                    .is_some_and(|message| !message.is_empty())
            );
            assert!(v["evidence"].is_array());
            (
                v["rule"].as_str().unwrap(),
                v["status"].as_str().unwrap(),
                v["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("O-6", "pass", "proven"),
            ("O-7", "not_applicable", "no_port"),
            ("O-8", "fail", "missing"),
            ("O-9", "pass", "proven"),
        ]
    );
    let fault = &json["faults"][0];
    assert_eq!(
        (fault["severity"].as_str(), fault["line"].as_u64()),
        (Some("violation"), Some(3))
    );
}

#[test]
fn strict_fails_on_violations_and_errors_fail_always() {
    let compliant = format!("{EXPOSITION}shop_build_info{{version=\"1.0.0\"}} 1\n");
    let code = |arguments: &[&str], input: &str| run(arguments, input).status.code();
    assert_eq!(code(&["check", "-", "--service=shop"], &compliant), Some(0));
    assert_eq!(
        code(&["check", "-", "--service=shop", "--strict"], &compliant),
        Some(3)
    );
    assert_eq!(code(&["check", "-", "--service=shop"], "shop{\n"), Some(3));
    assert_eq!(code(&["check", "-"], ""), Some(3));

    let output = run(&["check", "-", "--output=json"], "a 1\n{b}0\nc{\nd 1\n");
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        json["faults"].as_array().unwrap().len(),
        2,
        "every fault is listed: {json}"
    );
    assert_eq!(json["verdicts"][0]["status"], "unknown");
}

/// Every format shows the same verdicts; each has a file that says how.
#[test]
fn every_output_format_is_as_it_was() {
    // What is refused is answered with all that there are.
    let refused = stderr(&run(&["check", "-", "--output", "none"], ""));
    let listed = refused.split_once("possible values: ").unwrap().1;
    let formats: Vec<&str> = listed.split(']').next().unwrap().split(", ").collect();
    assert!(formats.len() >= 6, "{formats:?}");
    for format in formats {
        let output = run(
            &["check", "-", "--service=shop", "--output", format],
            EXPOSITION,
        );
        assert_eq!(output.status.code(), Some(1), "{format}");
        insta::assert_snapshot!(format, stdout(&output));
    }
}

#[test]
fn what_a_target_sends_is_inert_in_every_format() {
    let hostile =
        "# TYPE shop_info gauge\nshop_info{version=\"<script>\u{1b}[31m::error::|x\"} 1\n";
    for format in ["table", "junit", "markdown"] {
        let shown = stdout(&run(
            &["check", "-", "--service=shop", "--output", format],
            hostile,
        ));
        assert!(!shown.contains('\u{1b}'), "{format}: {shown}");
        assert!(
            format == "table" || !shown.contains("<script>"),
            "{format}: {shown}"
        );
    }
}

/// A report that is lost must not look like a good one.
#[test]
fn what_cannot_be_written_is_exit_3() {
    for arguments in [
        &["rules", "list"][..],
        &["config", "example"][..],
        &["man"][..],
        &["completions", "bash"][..],
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = Command::new(BINARY)
            .args(arguments)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("stdout: No space left on device"), "{told}");
    }
}

#[test]
fn wrong_usage_is_told_with_exit_2() {
    for (arguments, told) in [
        (&["chekc"][..], "unrecognized subcommand"),
        (&["check"][..], "URL|FILE|-"),
        (
            &["check", "/nowhere/metrics.txt"][..],
            "/nowhere/metrics.txt: No such file",
        ),
        (
            &["check", "http://user:secret@localhost/metrics"][..],
            "credentials do not belong into a URL",
        ),
        (
            &["check", "-", "--content-type=text/html"][..],
            "unsupported Content-Type",
        ),
        (&["check", "-", "--timeout=soon"][..], "--timeout"),
        (&["--web.listen-address=everywhere"][..], "is no address"),
        (&["--config.file=/nowhere.yaml"][..], "/nowhere.yaml"),
        (&["rules", "explain", "Y-1"][..], "is no rule id"),
        (&["rules", "explain", "O-99"][..], "rule O-99 is not judged"),
    ] {
        let output = run(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains(told),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_target_that_cannot_be_measured_is_exit_3() {
    let output = run(
        &["check", "http://127.0.0.1:1/metrics", "--output=json"],
        "",
    );
    assert_eq!(output.status.code(), Some(3));
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(json["down"]["reason"], "connect");
    assert_eq!(json["verdicts"][0]["reason"], "target_down");
}

#[test]
fn the_demo_judges_every_service_as_built() {
    let output = run(&["demo", "--once"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let table = stdout(&output);
    assert!(table.lines().count() > 12, "{table}");
    for line in [
        "checkout       pass      pass      pass      pass      100 %",
        "sessions       unknown   unknown   unknown   unknown       –      0 %",
    ] {
        assert!(table.contains(line), "{table}");
    }
}

#[test]
fn rules_are_listed_and_explained() {
    let list = stdout(&run(&["rules", "list"], ""));
    for rule in ["O-6", "O-7", "O-8", "O-9"] {
        assert!(list.contains(rule), "{list}");
        let explained = stdout(&run(&["rules", "explain", rule], ""));
        for part in ["What it asks", "How it is proved", "How to fix it"] {
            assert!(explained.contains(part), "{explained}");
        }
    }
}

#[test]
fn configuration_is_checked_without_running() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (
        folder.path().join("good.yaml"),
        folder.path().join("bad.yaml"),
    );
    std::fs::write(&good, "scrape_configs: []\n").unwrap();
    std::fs::write(&bad, "scrape_configs: []\nrules: {severity: {S-99: low}}\n").unwrap();
    let check = |files: &[&str]| run(&[&["config", "check"], files].concat(), "");
    let good = good.to_str().unwrap();
    assert_eq!(check(&[good]).status.code(), Some(0));
    let output = check(&[bad.to_str().unwrap(), good]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("rule `S-99` does not exist"),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("good.yaml: ok"),
        "the second file is checked all the same"
    );
}

#[test]
fn completions_and_man_page_are_generated() {
    assert!(stdout(&run(&["completions", "bash"], "")).contains("complete -F"));
    assert!(stdout(&run(&["man"], "")).contains(".TH manifesto-exporter"));
}
