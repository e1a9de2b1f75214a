//! Outputs and commands as their consumers need them: code scanning, GitHub Actions, CI, people at a terminal.
//! Each test ends by saying what it showed, so that `--nocapture` prints the table.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::dashboards::types::complaints;
use super::programs::{BINARY, Program, free_address, tell, until};

/// Misses its version, violates the format twice, and has characters of several bytes.
const EXPOSITION: &str = "\
# TYPE shop_orders gauge
shop_orders{path=\"café\",odd=\"\\q\"} 3
# TYPE shop_orders counter
shop_requests_total{code=\"200\"} 5
shop_request_duration_seconds{quantile=\"0.5\"} 0.1
";

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn folder_with(body: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("metrics.txt"), body).unwrap();
    folder
}

fn shown(row: &str, result: &str) {
    tell(format_args!("{row}: {result}"));
}

fn sarif(folder: &Path, arguments: &[&str]) -> Value {
    let output = check(folder, &[arguments, &["--output=sarif"]].concat());
    serde_json::from_str(&text(&output)).unwrap()
}

#[test]
fn sarif_points_at_paths_in_the_repository_by_utf_16_columns() {
    let folder = folder_with(EXPOSITION);
    let sarif = sarif(
        folder.path(),
        &["./metrics.txt", "--service=shop", "--strict"],
    );
    let run = &sarif["runs"][0];
    assert_eq!(run["columnKind"], "utf16CodeUnits");
    let results = run["results"].as_array().unwrap();
    for result in results {
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "metrics.txt");
        assert_eq!(location["artifactLocation"]["uriBaseId"], "%SRCROOT%");
        assert!(location["region"]["startLine"].as_u64().unwrap() >= 1);
        let fingerprints = result["partialFingerprints"].as_object().unwrap();
        assert!(
            fingerprints.contains_key("primaryLocationLineHash"),
            "{result}"
        );
        let rule = result["ruleId"].as_str().unwrap();
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(rules.iter().any(|known| known["id"] == rule), "{rule}");
    }
    let odd = results
        .iter()
        .find(|result| {
            result["message"]["text"]
                .as_str()
                .unwrap()
                .contains("backslash")
        })
        .unwrap();
    let region = &odd["locations"][0]["physicalLocation"]["region"];
    // Column 32 in bytes: é has two.
    assert_eq!(region["startColumn"], 31);
    shown("SARIF: relative URIs, UTF-16 columns, fingerprints", "held");
}

/// As `@types/sarif` has them: no key that SARIF 2.1.0 does not know, no word that it does not.
#[test]
fn sarif_is_what_its_types_say() {
    let folder = folder_with(EXPOSITION);
    let saved = check(
        folder.path(),
        &["metrics.txt", "--service=shop", "--output=json"],
    );
    std::fs::write(folder.path().join("known.json"), saved.stdout).unwrap();
    let literal = |arguments: &[&str]| {
        let log = sarif(
            folder.path(),
            &[&["metrics.txt", "--service=shop"], arguments].concat(),
        );
        format!("import type {{ Log }} from 'sarif';\nexport const log: Log = {log};\n")
    };
    let wrong = literal(&[]).replace("columnKind", "columnKinds");
    let files = [
        ("plain", literal(&[])),
        ("known", literal(&["--baseline=known.json", "--strict"])),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text));
    let place = tempfile::tempdir().unwrap();
    assert_eq!(complaints(place.path(), &files), "");
    // The compiler would notice.
    let place = tempfile::tempdir().unwrap();
    let told = complaints(place.path(), &[("wrong".to_owned(), wrong)]);
    assert!(told.contains("columnKinds"), "{told}");
    shown("SARIF: types of 2.1.0", "held by tsc --strict");
}

#[test]
fn sarif_of_a_url_names_no_absolute_uri_and_says_that_nothing_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}/plugins/x/metrics", free_address());
    let sarif = sarif(folder.path(), &[&url, "--service=shop", "--timeout=1s"]);
    let run = &sarif["runs"][0];
    let location = &run["results"][0]["locations"][0];
    assert_eq!(
        location["physicalLocation"]["artifactLocation"]["uri"],
        "plugins/x/metrics"
    );
    assert_eq!(
        location["logicalLocations"][0]["fullyQualifiedName"],
        url.as_str()
    );
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    shown("SARIF: a URL", "a relative path, the address beside it");
}

#[test]
fn fingerprints_outlive_moved_lines() {
    let prints = |body: &str| -> Vec<String> {
        let folder = folder_with(body);
        let sarif = sarif(folder.path(), &["metrics.txt", "--service=shop"]);
        let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
        let hash = |result: &Value| {
            let prints = &result["partialFingerprints"];
            prints["primaryLocationLineHash"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        results.iter().map(hash).collect()
    };
    let before = prints(EXPOSITION);
    let after = prints(&format!("# a comment\n# another\n{EXPOSITION}"));
    assert_eq!(before, after);
    let mut alone = before.clone();
    alone.sort();
    alone.dedup();
    assert_eq!(alone.len(), before.len(), "each finding has its own");
    shown("SARIF: fingerprints when lines move", "the same");
}

#[test]
fn github_gets_no_more_annotations_than_it_shows() {
    let body: String = (0..30)
        .map(|nth| format!("# TYPE a{nth} gauge\n# TYPE a{nth} counter\n"))
        .collect();
    let folder = folder_with(&format!("{body}{EXPOSITION}"));
    let output = check(
        folder.path(),
        &["metrics.txt", "--service=shop", "--output=github"],
    );
    let shown_text = text(&output);
    for level in ["error", "warning", "notice"] {
        let start = format!("::{level} ");
        let count = shown_text
            .lines()
            .filter(|line| line.starts_with(&start))
            .count();
        assert!(count <= 10, "{level}: {count}");
    }
    assert!(shown_text.contains("more of this level"), "{shown_text}");
    assert!(
        !shown_text.contains("col=0") && !shown_text.contains("line=0"),
        "{shown_text}"
    );
    assert!(
        !shown_text.contains("compliant"),
        "no annotation for a pass: {shown_text}"
    );
    shown(
        "GitHub: annotations",
        "ten a level, the rest counted, none for a pass",
    );
}

#[test]
fn bad_escapes_fail_where_strict_is_asked_for() {
    let compliant = "shop_build_info{version=\"1.0.0\",odd=\"\\q\"} 1\n# HELP shop_x C:\\users\n";
    let more = "shop_requests_total{code=\"200\"} 5\nshop_request_duration_seconds{quantile=\"0.5\"} 0.1\n";
    let folder = folder_with(&format!("{compliant}{more}"));
    let code = |more: &[&str]| {
        let arguments = [&["metrics.txt", "--service=shop"], more].concat();
        check(folder.path(), &arguments).status.code()
    };
    assert_eq!((code(&[]), code(&["--strict"])), (Some(0), Some(3)));
    shown("text format: \\q and \\u", "violations");
}

#[test]
fn who_leaves_out_the_scheme_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (input, hint) in [
        (
            "localhost:8067/metrics",
            Some("http://localhost:8067/metrics"),
        ),
        ("shop:8067", Some("http://shop:8067")),
        ("shop.example/metrics", Some("http://shop.example/metrics")),
        ("//shop/metrics", Some("http://shop/metrics")),
        ("http:/shop/metrics", Some("http://shop/metrics")),
        ("metrics.txt", None),
        ("./shop.example/metrics", None),
        ("/nowhere/metrics", None),
    ] {
        let output = check(folder.path(), &[input]);
        assert_eq!(output.status.code(), Some(2), "{input}");
        let said = String::from_utf8(output.stderr).unwrap();
        match hint {
            Some(hint) => assert!(
                said.contains(&format!("hint: for a URL, write {hint}\n")),
                "{said}"
            ),
            None => assert!(!said.contains("hint"), "{said}"),
        }
    }
    shown("check localhost:8067/metrics", "hints at http://");
}

#[tokio::test]
async fn healthcheck_knows_an_exporter_from_another_program() {
    let address = free_address();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let app = axum::Router::new().fallback(async || "<html>something else</html>");
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let health = |url: String| async move {
        let run = move || {
            Command::new(BINARY)
                .args(["healthcheck", &url])
                .output()
                .unwrap()
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let foreign = health(format!("http://{address}")).await;
    assert_eq!(foreign.status.code(), Some(1));
    assert_eq!(text(&foreign), "");
    let said = String::from_utf8(foreign.stderr).unwrap();
    assert!(said.contains("is no manifesto-exporter"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let ours = free_address();
    let listen = format!("--web.listen-address={ours}");
    std::fs::write(folder.path().join("c.yaml"), "scrape_configs: []\n").unwrap();
    let _daemon = Program::start(BINARY, &["--config.file=c.yaml", &listen], folder.path());
    until(&format!("http://{ours}/-/ready"), |body| {
        body.contains("is ready")
    })
    .await;
    assert_eq!(
        health(format!("http://{ours}")).await.status.code(),
        Some(0)
    );
    shown("healthcheck of another program", "fails");
}

#[tokio::test]
async fn the_demo_takes_a_free_port_where_its_own_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever holds it: this, or another test's exporter.
    let _held = tokio::net::TcpListener::bind("127.0.0.1:8067").await;
    let demo = Program::start(BINARY, &["demo"], folder.path());
    demo.until_log("the demo takes a free port").await;
    demo.signal("INT");
    demo.wait();
    let wanted = Command::new(BINARY)
        .args(["demo", "--web.listen-address=127.0.0.1:8067"])
        .output()
        .unwrap();
    assert_eq!(
        wanted.status.code(),
        Some(2),
        "an address that somebody wants is not given up"
    );
    shown("a port in use", "the demo takes another");
}

#[test]
fn tables_break_between_words() {
    let folder = folder_with("shop_azure_api_duration_seconds{quantile=\"0.5\"} 0.1\n");
    let run = |arguments: &[&str]| {
        let output = Command::new(BINARY)
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        text(&output)
    };
    for arguments in [
        &["check", "metrics.txt", "--service=shop"][..],
        &["rules", "list"][..],
        &["rules", "explain", "O-9"][..],
        &["demo", "--once"][..],
    ] {
        for line in run(arguments).lines() {
            let width = line.chars().count();
            let word = line
                .trim_start()
                .split(' ')
                .map(|word| word.chars().count())
                .max();
            // A series or a URL stays whole, that it can be copied.
            assert!(
                width <= 80 || word > Some(40),
                "{arguments:?}: {width}: {line}"
            );
        }
    }
    shown("tables at 80 columns", "break between words");
}

#[test]
fn who_violates_a_rule_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let config = format!(
        "scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{address}']}}]}}]\n"
    );
    std::fs::write(folder.path().join("c.yaml"), config).unwrap();
    let listener = std::net::TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 2048];
            drop(stream.read(&mut request));
            let body = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(stream.write_all(body.as_bytes()));
        }
    });
    let output = Command::new(BINARY)
        .args(["rules", "list", "--judge", "--config.file=c.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        text(&output).contains("violated by shop"),
        "{}",
        text(&output)
    );
    shown("rules list --judge", "names who violates a rule");
}

#[test]
fn every_page_that_a_man_page_names_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().display().to_string();
    let written = Command::new(BINARY)
        .args(["man", "--directory", &pages])
        .output()
        .unwrap();
    assert!(written.status.success(), "{written:?}");
    let mut named = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let page = std::fs::read_to_string(entry.unwrap().path())
            .unwrap()
            .replace('\\', "");
        for word in page
            .split_whitespace()
            .filter_map(|word| word.strip_suffix("(1)"))
        {
            assert!(
                folder.path().join(format!("{word}.1")).exists(),
                "{word}(1) is not there"
            );
            named += 1;
        }
    }
    assert!(named > 5, "{named}");
    let one = Command::new(BINARY)
        .args(["man", "rules", "list"])
        .output()
        .unwrap();
    assert!(text(&one).contains("rules"));
    let none = Command::new(BINARY)
        .args(["man", "nothing"])
        .output()
        .unwrap();
    assert_eq!(none.status.code(), Some(2));
    shown("man", "every page that is named is printed");
}

#[test]
fn a_baseline_fails_on_what_is_new_alone() {
    let folder = folder_with(EXPOSITION);
    let service = "--service=shop";
    let save = |name: &str| {
        let saved = check(folder.path(), &["metrics.txt", service, "--output=json"]);
        std::fs::write(folder.path().join(name), saved.stdout).unwrap();
    };
    let code = |more: &[&str]| {
        let arguments = [&["metrics.txt", service], more].concat();
        check(folder.path(), &arguments).status.code()
    };
    assert_eq!(code(&[]), Some(1));
    save("known.json");
    let with = "--baseline=known.json";
    assert_eq!(code(&[with]), Some(0), "O-8 was known");
    assert_eq!(
        code(&[with, "--strict"]),
        Some(3),
        "faults are of no baseline"
    );
    let table = text(&check(folder.path(), &["metrics.txt", service, with]));
    assert!(table.contains("✗ known"), "{table}");
    for (format, marked) in [
        ("json", "\"known\": true"),
        ("junit", "<skipped message=\"known: "),
        ("sarif", "\"baselineState\": \"unchanged\""),
        ("markdown", "violated (known)"),
        ("github", "::notice title=O-8"),
    ] {
        let output = format!("--output={format}");
        let written = text(&check(
            folder.path(),
            &["metrics.txt", service, with, &output],
        ));
        assert!(written.contains(marked), "{format}: {written}");
    }

    // The same rule for another reason is new; what is mended is said.
    let path = folder.path().join("metrics.txt");
    std::fs::write(
        &path,
        format!("{EXPOSITION}shop_build_info{{version=\"dev\"}} 1\n"),
    )
    .unwrap();
    assert_eq!(code(&[with]), Some(1), "a placeholder is another finding");
    std::fs::write(
        &path,
        format!("{EXPOSITION}shop_build_info{{version=\"1.2\"}} 1\n"),
    )
    .unwrap();
    let table = text(&check(folder.path(), &["metrics.txt", service, with]));
    assert!(table.contains("✓ resolved"), "{table}");

    // A second series that is missing is news, though its rule was violated for the first already.
    let latency = "shop_request_duration_seconds_sum 1\nshop_request_duration_seconds_count 1\n";
    std::fs::write(&path, "shop_requests_total{code=\"200\"} 3\n").unwrap();
    save("without_latency.json");
    std::fs::write(&path, "shop_orders 3\n").unwrap();
    let with_it = "--baseline=without_latency.json";
    assert_eq!(code(&[with_it]), Some(1), "availability was exposed");
    std::fs::write(
        &path,
        format!("shop_requests_total{{code=\"200\"}} 3\n{latency}"),
    )
    .unwrap();
    let sarif = sarif(folder.path(), &["metrics.txt", service, with_it]);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results.iter().all(|result| result["ruleId"] != "O-9"),
        "code scanning closes what is named no more"
    );

    // Unknown stays unknown and is not mended, and what is no such report is refused.
    std::fs::write(&path, "shop{\n").unwrap();
    assert_eq!(code(&[with]), Some(3));
    let table = text(&check(folder.path(), &["metrics.txt", service, with]));
    assert!(!table.contains("resolved"), "{table}");
    let refused = |arguments: &[&str], says: &str| {
        let output = check(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says), "{said}");
    };
    refused(
        &["metrics.txt", "--service=cart", with],
        "is of service \"shop\", not of \"cart\"",
    );
    refused(
        &["metrics.txt", service, "--baseline=metrics.txt"],
        "is no report of this command",
    );
    refused(
        &["metrics.txt", service, "--baseline=none.json"],
        "No such file",
    );
    refused(&["metrics.txt", with], "--service");

    // Older PowerShells redirect as UTF-16; a report without its series would let what is missing pass as known.
    let known = std::fs::read_to_string(folder.path().join("known.json")).unwrap();
    std::fs::write(&path, EXPOSITION).unwrap();
    let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let marked = std::iter::once('\u{feff}').chain(known.chars());
        let text: String = marked.collect();
        text.encode_utf16().flat_map(unit).collect()
    };
    for bytes in [
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        format!("\u{feff}{known}").into_bytes(),
    ] {
        std::fs::write(folder.path().join("marked.json"), bytes).unwrap();
        assert_eq!(code(&["--baseline=marked.json"]), Some(0));
    }
    let mut cut = utf16(u16::to_le_bytes);
    cut.pop();
    std::fs::write(folder.path().join("cut.json"), cut).unwrap();
    refused(&["metrics.txt", service, "--baseline=cut.json"], "UTF-16");
    let mut report: Value = serde_json::from_str(&known).unwrap();
    report["series"].as_object_mut().unwrap().remove("latency");
    std::fs::write(folder.path().join("few.json"), report.to_string()).unwrap();
    refused(
        &["metrics.txt", service, "--baseline=few.json"],
        "says nothing of the series \"latency\"",
    );
    shown(
        "--baseline",
        "known findings pass, new ones fail, unknown exits 3",
    );
}

#[test]
fn an_alias_names_the_service_too() {
    let folder = folder_with("store_build_info{version=\"1.2\"} 1\nstore_orders_total 3\n");
    let verdicts = |more: &[&str]| {
        let arguments = [&["metrics.txt", "--service=shop", "--output=json"], more].concat();
        let json: Value = serde_json::from_str(&text(&check(folder.path(), &arguments))).unwrap();
        let status = |rule: usize| {
            json["verdicts"][rule]["status"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        (status(0), status(2))
    };
    let (fail, pass) = ("fail".to_owned(), "pass".to_owned());
    assert_eq!(verdicts(&[]), (fail.clone(), fail));
    assert_eq!(verdicts(&["--alias=store"]), (pass.clone(), pass));
    shown("--alias", "counts as the service's name");
}

#[test]
fn what_one_look_cannot_tell_of_a_young_process_is_said() {
    let now = jiff::Timestamp::now().as_second();
    for (started, says) in [
        (
            Some(now - 40),
            Some("old, and client libraries expose nothing before the first event"),
        ),
        (Some(now - 3600), None),
        (None, Some("nothing tells how old the process is")),
    ] {
        let started = started.map_or_else(String::new, |at| {
            format!("process_start_time_seconds {at}\n")
        });
        let folder = folder_with(&format!("{started}shop_orders 3\n"));
        for format in ["table", "json", "junit", "sarif", "markdown", "github"] {
            let output = format!("--output={format}");
            let written = text(&check(
                folder.path(),
                &["metrics.txt", "--service=shop", &output],
            ));
            // Tables fold at words.
            let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
            match says {
                Some(says) => assert!(written.contains(says), "{format}: {written}"),
                None => assert!(!written.contains("client libraries"), "{format}: {written}"),
            }
        }
    }
    shown("a young process", "said in every format");
}
