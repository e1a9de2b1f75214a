//! Every query of every panel, variable and annotation, asked of a real Prometheus that scrapes the
//! real daemon, which watches an estate with something for each panel to show. What each returns is
//! written down in `tests/dashboards`: with every variable at all of its values, and what is
//! different with one and with several. `UPDATE_EXPECTED=1` writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{committed, lint, root};
use crate::evidence::server::serve;
use crate::programs::{Daemon, Program, client, free_address, tell, until};

/// An instance of the estate: its service, environment, team, and what it exposes beside its version.
const INSTANCES: &[(&str, &str, &str, &str)] = &[
    ("127.0.72.1:8067", "checkout", "production", "payments"),
    ("127.0.72.2:8067", "billing", "production", "payments"),
    ("127.0.72.3:8067", "mailer", "staging", "growth"),
    // Nobody listens there.
    ("127.0.72.4:8067", "stock", "production", "growth"),
];

/// What an instance exposes: billing never times its requests, checkout only later; mailer tells its
/// version only at first.
fn exposition(name: &str, is_later: bool) -> String {
    let version = match (name, is_later) {
        ("mailer", true) => "unknown",
        _ => "1.4.2",
    };
    let started = Timestamp::now().as_second() - 24 * 3600;
    let mut text = format!(
        "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {started}\n\
         # TYPE {name}_build_info gauge\n{name}_build_info{{version=\"{version}\"}} 1\n\
         # TYPE target_info gauge\ntarget_info{{service_name=\"{name}\",service_instance_id=\"a\"}} 1\n\
         # TYPE {name}_requests_total counter\n{name}_requests_total{{code=\"200\"}} 7\n"
    );
    if name != "billing" && (is_later || name != "checkout") {
        text += &format!(
            "# TYPE {name}_request_duration_seconds summary\n\
             {name}_request_duration_seconds_sum{{method=\"GET\"}} 1\n\
             {name}_request_duration_seconds_count{{method=\"GET\"}} 7\n"
        );
    }
    text
}

/// The running estate and who watches it.
struct Estate {
    _daemon: Daemon,
    _prometheus: Program,
    prometheus: String,
    exporter: String,
}

impl Estate {
    async fn start(folder: &Path) -> Self {
        let is_later = Arc::new(AtomicBool::new(false));
        for (address, name, _, _) in INSTANCES.iter().filter(|instance| instance.1 != "stock") {
            let listener = TcpListener::bind(address).await.unwrap();
            let is_later = Arc::clone(&is_later);
            let answer = async move || {
                let text = exposition(name, is_later.load(Relaxed));
                ([("content-type", "text/plain; version=0.0.4")], text)
            };
            let app = axum::Router::new().route("/metrics", axum::routing::get(answer));
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        }
        let source = json!({"queries": [{"holds": "trivy_image_vulnerabilities", "series": [
            [{"namespace": "checkout"}, 0], [{"namespace": "mailer"}, 2],
        ]}]});
        let source = serve(source).await;
        let configuration = written(folder, &source.to_string());
        let daemon = Daemon::start(
            &configuration,
            folder,
            &["--web.external-url=http://manifesto.example"],
        );
        let key = |name: &str, environment: &str| {
            format!("service_name=\"{name}\",environment=\"{environment}\"")
        };
        for line in [
            format!(
                "manifesto_rule_compliant{{{},rule=\"O-9\"}} 0",
                key("billing", "production")
            ),
            format!(
                "manifesto_rule_compliant{{{},rule=\"O-8\"}} 1",
                key("mailer", "staging")
            ),
            format!(
                "manifesto_rule_waived{{{},rule=\"S-6\"}} 1",
                key("mailer", "staging")
            ),
        ] {
            daemon.until_metric(&line).await;
        }
        let exporter = daemon.base.trim_start_matches("http://").to_owned();
        let (program, prometheus) = prometheus(folder, &exporter).await;
        let estate = Self {
            _daemon: daemon,
            _prometheus: program,
            prometheus,
            exporter,
        };
        // Two change before everybody's eyes.
        let (version, latency) = (
            r#"manifesto_rule_compliant{service_name="mailer",rule="O-8"}"#,
            r#"manifesto_rule_compliant{service_name="checkout",rule="O-9"}"#,
        );
        estate.until(&format!("{version} == 1")).await;
        estate.until(&format!("{latency} == 0")).await;
        is_later.store(true, Relaxed);
        estate.until(&format!("{version} == 0")).await;
        estate.until(&format!("{latency} == 1")).await;
        // Rates need some scrapes.
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        estate
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let url = format!("{}/api/v1/{path}", self.prometheus);
        let url = reqwest::Url::parse_with_params(&url, parameters).unwrap();
        let body = client()
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["status"], "success", "{parameters:?}: {body}");
        answer["data"].clone()
    }

    async fn until(&self, query: &str) {
        let start = std::time::Instant::now();
        while self.get("query", &[("query", query)]).await["result"]
            .as_array()
            .unwrap()
            .is_empty()
        {
            assert!(
                start.elapsed() < crate::programs::PATIENCE,
                "{query} never returned anything"
            );
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
}

/// Configuration, catalogue and records in a folder.
fn written(folder: &Path, source: &str) -> String {
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = |days: i64| today.checked_add(days.days()).unwrap();
    std::fs::write(
        folder.join("catalogue.yaml"),
        "services:\n- {name: checkout, team: payments, tier: critical, environments: [production]}\n\
         - {name: billing, team: payments, environments: [production]}\n\
         - {name: ledger, team: books, environments: [production]}\n",
    )
    .unwrap();
    let url = "http://chat.example/1";
    let waiver = format!(
        "waivers: [{{rule: S-6, service: mailer, reason: later, discussion: '{url}', owner: ann, approver: bob, granted_at: {}, expires_at: {}}}]\n",
        day(-3),
        day(30)
    );
    std::fs::write(folder.join("waivers.yaml"), waiver).unwrap();
    let attestations = format!(
        "attestations:\n- {{rule: D-1, service: checkout, owner: sre, statement: reviewed, evidence_url: '{url}', signed_at: {0}, expires_at: {1}}}\n\
         - {{rule: F-3, estate: true, owner: sre, statement: reviewed, evidence_url: '{url}', signed_at: {0}, expires_at: {1}}}\n",
        day(-3),
        day(300)
    );
    std::fs::write(folder.join("attestations.yaml"), attestations).unwrap();
    let targets = INSTANCES.iter().map(|(address, name, environment, team)| {
        format!("    - {{targets: ['{address}'], labels: {{service: {name}, environment: {environment}, team: {team}}}}}\n")
    });
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\ncatalogue: [catalogue.yaml]\nwaivers: [waivers.yaml]\nattestations: [attestations.yaml]\n\
         sources: [{{kind: prometheus, url: 'http://{source}', interval: 1s, timeout: 1s}}]\n\
         scrape_configs:\n- job_name: estate\n  static_configs:\n{}",
        targets.collect::<String>()
    )
}

async fn prometheus(folder: &Path, exporter: &str) -> (Program, String) {
    let configuration = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\n\
         scrape_configs: [{{job_name: manifesto-exporter, honor_labels: true, static_configs: [{{targets: ['{exporter}']}}]}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), configuration).unwrap();
    let address = free_address();
    let listen = format!("--web.listen-address={address}");
    let arguments = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=tsdb",
        &listen,
    ];
    let program = Program::start("prometheus", &arguments, folder);
    let base = format!("http://{address}");
    until(&format!("{base}/-/ready"), |_| true).await;
    (program, base)
}

/// Variables by name, as Grafana writes them into an expression.
type Setting = BTreeMap<String, String>;

fn interpolated(text: &str, setting: &Setting) -> String {
    let mut text = text.to_owned();
    for (name, value) in [
        ("$__rate_interval", "5s"),
        ("$__range", "1h"),
        ("$__interval", "1s"),
    ] {
        text = text.replace(name, value);
    }
    // Longer names first: `$service_name` is no `$service`.
    for (name, value) in setting.iter().rev() {
        text = text.replace(&format!("${name}"), value);
    }
    assert!(
        !text.contains('$') || text.contains("\"$1\""),
        "a variable is left in {text}"
    );
    text
}

/// The variables that are chosen, each with the values that Prometheus knows, asked as Grafana asks.
async fn variables(estate: &Estate, dashboard: &Value) -> Vec<(String, String, Vec<String>)> {
    let mut all = Setting::new();
    let mut variables = Vec::new();
    for variable in dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .skip(1)
    {
        let query = interpolated(variable["definition"].as_str().unwrap(), &all);
        let inner = query
            .strip_prefix("label_values(")
            .unwrap()
            .strip_suffix(')')
            .unwrap();
        let (selector, label) = inner.rsplit_once(", ").unwrap();
        let values = estate
            .get(&format!("label/{label}/values"), &[("match[]", selector)])
            .await;
        let values: Vec<String> = values
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap().to_owned())
            .collect();
        assert!(!values.is_empty(), "{query} knows nothing");
        let name = variable["name"].as_str().unwrap().to_owned();
        let everything = variable["allValue"].as_str().unwrap_or("").to_owned();
        all.insert(name.clone(), everything.clone());
        if name != "page" {
            variables.push((name, everything, values));
        } else {
            assert_eq!(values, ["http://manifesto.example"]);
        }
    }
    variables
}

/// Values that differ from run to run: ages, durations, moments, rates, sizes.
fn is_steady(panel: &Value, reference: &str) -> bool {
    const UNSTEADY: &[&str] = &["s", "dtdurations", "dateTimeAsIso", "bytes", "cps", "none"];
    let unit = |of: &Value| of.as_str().map(|unit| !UNSTEADY.contains(&unit));
    let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap();
    let names = [format!("Value #{reference}"), "Value".to_owned()];
    let of_column = overrides
        .iter()
        .find(|o| panel["type"] == "table" && names.iter().any(|n| o["matcher"]["options"] == **n));
    let of_column = of_column.and_then(|found| {
        let properties = found["properties"].as_array().unwrap();
        unit(&properties.iter().find(|p| p["id"] == "unit")?["value"])
    });
    let of_panel = unit(&panel["fieldConfig"]["defaults"]["unit"]);
    let counts_itself = panel["title"].as_str().is_some_and(|title| {
        [
            "In flight",
            "Series and their budget",
            "Threads and age",
            "File descriptors",
        ]
        .contains(&title)
    });
    of_column.or(of_panel).unwrap_or(true) && !counts_itself
}

/// Each series in a line, its last value behind it.
async fn answer(estate: &Estate, panel: &Value, target: &Value, setting: &Setting) -> Vec<String> {
    let expression = interpolated(target["expr"].as_str().unwrap(), setting);
    let now = Timestamp::now().as_second();
    let is_instant = target["instant"] == true;
    let data = match is_instant {
        true => estate.get("query", &[("query", &expression)]).await,
        false => {
            let (start, end) = ((now - 3).to_string(), now.to_string());
            let range = [
                ("query", expression.as_str()),
                ("start", &start),
                ("end", &end),
                ("step", "1"),
            ];
            estate.get("query_range", &range).await
        }
    };
    let is_steady = is_steady(panel, target["refId"].as_str().unwrap());
    let mut lines: Vec<String> = Vec::new();
    for series in data["result"].as_array().unwrap() {
        let last = if is_instant {
            &series["value"]
        } else {
            series["values"].as_array().unwrap().last().unwrap()
        };
        let value: f64 = last[1].as_str().unwrap().parse().unwrap();
        assert!(!value.is_infinite(), "{expression}: {series}");
        let value = if is_steady {
            format!("{}", (value * 1000.0).round() / 1000.0)
        } else {
            "~".to_owned()
        };
        let labels = series["metric"].as_object().unwrap().iter();
        let labels: Vec<String> = labels
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        lines.push(format!("{} : {value}", labels.join(" ")).replace(&estate.exporter, "EXPORTER"));
    }
    lines.sort();
    lines
}

/// What every query of a dashboard returns under a setting: by panel and query.
async fn answers(
    estate: &Estate,
    dashboard: &Value,
    setting: &Setting,
) -> BTreeMap<String, Vec<String>> {
    let mut answers = BTreeMap::new();
    for panel in lint::panels(dashboard) {
        for target in panel["targets"].as_array().unwrap() {
            let name = format!(
                "{} / {}",
                panel["title"].as_str().unwrap(),
                target["refId"].as_str().unwrap()
            );
            answers.insert(name, answer(estate, panel, target, setting).await);
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        let expression = interpolated(annotation["expr"].as_str().unwrap(), setting);
        estate.get("query", &[("query", &expression)]).await;
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_returns_what_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let estate = Estate::start(folder.path()).await;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (name, dashboard) in committed() {
        let variables = variables(&estate, &dashboard).await;
        let all: Setting = variables
            .iter()
            .map(|(name, all, _)| (name.clone(), all.clone()))
            .collect();
        let whole = answers(&estate, &dashboard, &all).await;
        asked += whole.len();
        let mut text = "# All: every variable at all of its values.\n".to_owned();
        write_answers(&mut text, &whole);
        for (variable, _, values) in &variables {
            let one = values[0].replace('.', "\\\\.");
            let several = format!(
                "({})",
                values[..values.len().min(2)]
                    .join("|")
                    .replace('.', "\\\\.")
            );
            for value in [one, several] {
                let mut setting = all.clone();
                setting.insert(variable.clone(), value.clone());
                let mut changed = answers(&estate, &dashboard, &setting).await;
                asked += changed.len();
                changed.retain(|name, lines| whole[name] != *lines);
                let value = value
                    .replace("\\\\", "")
                    .replace(&estate.exporter, "EXPORTER");
                writeln!(
                    text,
                    "\n# {variable} = {value}: {} of {} queries answer otherwise.",
                    changed.len(),
                    whole.len()
                )
                .unwrap();
                write_answers(&mut text, &changed);
            }
        }
        let path = root().join(format!("tests/dashboards/{name}.txt"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let (expected, found): (Vec<&str>, Vec<&str>) =
            (expected.lines().collect(), text.lines().collect());
        let place = expected.iter().zip(&found).position(|(a, b)| a != b);
        if let Some(place) =
            place.or((expected.len() != found.len()).then_some(expected.len().min(found.len())))
        {
            let around = |lines: &[&str]| {
                lines
                    .iter()
                    .skip(place.saturating_sub(3))
                    .take(8)
                    .copied()
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            wrong.push(format!(
                "{}:{}:\nexpected\n{}\nfound\n{}",
                path.display(),
                place + 1,
                around(&expected),
                around(&found)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    tell(format_args!(
        "Prometheus: {asked} queries of panels answered as written down"
    ));
}

fn write_answers(text: &mut String, answers: &BTreeMap<String, Vec<String>>) {
    for (name, lines) in answers {
        writeln!(text, "\n{name}").unwrap();
        if lines.is_empty() {
            text.push_str("  nothing\n");
        }
        for line in lines {
            writeln!(text, "  {line}").unwrap();
        }
    }
}
