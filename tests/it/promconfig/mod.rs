//! Configurations of Prometheus: ours beside what the real promtool says of the same files.
//!
//! The fast suite holds ours to the answers that are kept in `tests/recorded/promtool.json`; `./tests/run real`
//! builds the real program, holds its answers to those, and with `UPDATE_EXPECTED=1` writes them anew.

mod decisions;
mod generate;
mod targets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use manifesto_exporter::config::Config;
use manifesto_exporter::document::Origin;
use serde::{Deserialize, Serialize};

use self::decisions::decided;
use self::generate::Made;
use super::programs::tell;

/// What promtool said of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    accepted: bool,
    /// The configuration that it was asked about: an answer to another is none.
    config: String,
    /// Its complaint, for whoever reads the difference.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answers {
    version: String,
    answers: BTreeMap<String, Said>,
}

#[derive(Deserialize)]
struct Written {
    name: String,
    config: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The version of Prometheus that is built: the program itself, built from its module, does not know.
fn module_version() -> String {
    let module = std::fs::read_to_string(root().join("tests/real/prometheus/go.mod")).unwrap();
    let mut words = module
        .split_whitespace()
        .skip_while(|word| *word != "github.com/prometheus/prometheus");
    words.nth(1).unwrap().to_owned()
}

fn recorded() -> PathBuf {
    root().join("tests/recorded/promtool.json")
}

/// Every configuration: generated, and written by hand.
fn corpus() -> Vec<Made> {
    let written = std::fs::read_to_string(root().join("tests/promconfig/written.yaml")).unwrap();
    let written: Vec<Written> = serde_saphyr::from_str(&written).unwrap();
    let written = written.into_iter().map(|case| Made {
        name: format!("written {}", case.name),
        config: case.config,
    });
    let mut all: Vec<Made> = generate::all().into_iter().chain(written).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    for pair in all.windows(2) {
        assert_ne!(pair[0].name, pair[1].name);
    }
    all
}

/// What ours makes of a file that `scrape_config_files` names: its warnings, or its complaint.
fn ours(folder: &Path, made: &Made) -> Result<Vec<String>, String> {
    std::fs::write(folder.join("prometheus.yml"), &made.config).unwrap();
    let own = "scrape_config_files: [prometheus.yml]\n";
    let origin = Origin::file(&folder.join("own.yaml"));
    let config = Config::parse(own, &origin).map_err(|error| error.to_string())?;
    Ok(config.warnings)
}

/// Whether ours is as good as what Prometheus does: the same, or a warning that names what is not looked at.
fn agrees(said: &Said, ours: &Result<Vec<String>, String>) -> bool {
    match (said.accepted, ours) {
        (true, Ok(_)) | (false, Err(_)) => true,
        (true, Err(_)) => false,
        (false, Ok(warnings)) => warnings.iter().any(|warning| {
            warning.contains("passed over, and not checked") || warning.contains("is skipped")
        }),
    }
}

#[test]
fn what_prometheus_accepts_loads_and_what_it_refuses_does_not() {
    let text = std::fs::read_to_string(recorded()).unwrap();
    let answers: Answers = serde_json::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut agreed, mut exempt, mut wrong) = (0, 0, Vec::new());
    let corpus = corpus();
    for made in &corpus {
        let said = answers.answers.get(&made.name);
        let said = said.filter(|said| said.config == made.config);
        let said = said
            .unwrap_or_else(|| panic!("{}: promtool was not asked: ./tests/run real", made.name));
        let ours = ours(folder.path(), made);
        match (agrees(said, &ours), decided(&made.name)) {
            (true, None) => agreed += 1,
            (false, Some(_)) => exempt += 1,
            (true, Some(reason)) => wrong.push(format!(
                "{}: agrees, decided otherwise: {reason}",
                made.name
            )),
            (false, None) => wrong.push(format!(
                "{}\n  promtool: {}\n  ours: {}",
                made.name,
                if said.accepted { "accepted" } else { &said.why },
                match &ours {
                    Ok(warnings) => format!("accepted {warnings:?}"),
                    Err(error) => error.lines().next().unwrap_or_default().to_owned(),
                }
            )),
        }
    }
    tell(format_args!(
        "promtool {}: {agreed} of {} configurations agree, {exempt} decided otherwise, {} wrong",
        answers.version,
        corpus.len(),
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(corpus.len() > 300);
}

/// What strangers' files showed, each with the configurations of the corpus that hold it: printed, so that a reader
/// sees that none is left out.
const ROWS: &[(&str, &[&str])] = &[
    (
        "comments in a row",
        &[
            "written 300 comments before a list",
            "written 300 comments before a key",
        ],
    ),
    (
        "the default interval is 1 m",
        &[
            "job interval ~ timeout 45s",
            "global interval ~ timeout 45s",
        ],
    ),
    (
        "null values",
        &[
            "job static_configs [{targets: ['a:1'], labels: {b: ~}}]",
            "job params {a: ~}",
        ],
    ),
    (
        "0s",
        &[
            "job scrape_interval 0s",
            "job scrape_timeout 0s",
            "job file_sd_configs [{files: [a.json], refresh_interval: 0s}]",
        ],
    ),
    (
        "HTTP, Bearer alone, an empty login",
        &[
            "job scheme HTTP",
            "job authorization {type: Bearer}",
            "job basic_auth {}",
        ],
    ),
    (
        "empty strings",
        &[
            "job tls_config {ca_file: ''}",
            "job bearer_token_file ''",
            "job proxy_url ''",
        ],
    ),
    ("an empty list of a mechanism", &["job dns_sd_configs []"]),
    (
        "classes, numbers and sizes of expressions",
        &[
            "regex keep '\\p{L}'",
            "regex keep '\\P{Lu}'",
            "regex keep '\\x{1F600}'",
            "regex keep '\\012'",
            "regex keep '[\\p{L}\\p{N}]{1,200}'",
            "regex keep (?P<a>b)(?P<a>c)",
        ],
    ),
    (
        "a warning instead of a refusal",
        &[
            "job metrics_path /m?x=y",
            "job tls_config {min_version: TLS10}",
            "job fallback_scrape_protocol PrometheusProto",
        ],
    ),
    ("several documents", &["written two documents"]),
    (
        "sizes",
        &[
            "job body_size_limit 1.5MB",
            "job sample_limit 1e3",
            "job body_size_limit 100",
        ],
    ),
    ("socks5", &["job proxy_url socks5://p:1"]),
    (
        "a wildcard in a folder",
        &["job file_sd_configs [{files: ['a/?/b.json']}]"],
    ),
    (
        "a login in a URL",
        &["job http_sd_configs [{url: 'http://u:s@x'}]"],
    ),
    (
        "keys of 3.x",
        &[
            "job basic_auth {username_ref: a, password_ref: b}",
            "job oauth2 {client_id: a, client_secret: b, token_url: 'http://x', grant_type: client_credentials}",
            "job oauth2 {client_id: a, client_secret: b, token_url: 'http://x', audience: d}",
        ],
    ),
    (
        "action null",
        &["job relabel_configs [{action: ~, target_label: b}]"],
    ),
    (
        "quoted numbers and booleans",
        &["job sample_limit '5'", "job follow_redirects 'true'"],
    ),
    ("an empty target", &["job static_configs [{targets: ['']}]"]),
    (
        "expressions that RE2 refuses",
        &[
            "regex keep a**",
            "regex keep a{1001}",
            "regex keep (?x)a",
            "regex keep [[:foo:]]",
        ],
    ),
    (
        "null replacement and separator",
        &[
            "job relabel_configs [{target_label: b, replacement: ~}]",
            "job relabel_configs [{source_labels: [a], target_label: b, separator: ~}]",
        ],
    ),
    (
        "a job by a mechanism that is not supported",
        &[
            "written a job by kubernetes",
            "written a job by dns beside a static one",
        ],
    ),
    (
        "keys of old times and at the wrong place",
        &[
            "job target_groups [{targets: ['a:1']}]",
            "written static_configs at the top",
        ],
    ),
];

#[test]
fn what_strangers_wrote_is_in_the_corpus() {
    let text = std::fs::read_to_string(recorded()).unwrap();
    let answers: Answers = serde_json::from_str(&text).unwrap();
    let corpus = corpus();
    let folder = tempfile::tempdir().unwrap();
    for (row, names) in ROWS {
        for name in *names {
            let made = corpus.iter().find(|made| made.name == *name);
            let made = made.unwrap_or_else(|| panic!("{row}: {name} is not in the corpus"));
            let (said, ours) = (&answers.answers[*name], ours(folder.path(), made));
            assert!(agrees(said, &ours), "{row}: {name}: {ours:?}");
            tell(format_args!(
                "{row}: {name}: Prometheus {}, ours {}",
                if said.accepted { "accepts" } else { "refuses" },
                match &ours {
                    Ok(warnings) if warnings.is_empty() => "accepts",
                    Ok(_) => "accepts with a warning",
                    Err(_) => "refuses",
                }
            ));
        }
    }
}

/// Asks the real promtool; the path to it is in `PROMTOOL`.
#[test]
#[ignore = "needs a current promtool: ./tests/run real"]
fn real_prometheus_says_what_is_recorded() {
    let promtool =
        std::env::var_os("PROMTOOL").expect("PROMTOOL names the program: ./tests/run real");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    let ask = |made: &Made| {
        std::fs::write(&path, &made.config).unwrap();
        let output = Command::new(&promtool)
            .args(["check", "config", "--syntax-only"])
            .arg(&path)
            .output()
            .unwrap();
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.replace(path.to_str().unwrap(), "prometheus.yml");
        Said {
            accepted: output.status.success(),
            config: made.config.clone(),
            why: match output.status.success() {
                true => String::new(),
                false => why.trim().chars().take(300).collect(),
            },
        }
    };
    let answers = Answers {
        version: module_version(),
        answers: corpus()
            .iter()
            .map(|made| (made.name.clone(), ask(made)))
            .collect(),
    };
    let text = serde_json::to_string_pretty(&answers).unwrap() + "\n";
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(recorded(), text).unwrap();
        return;
    }
    let kept: Answers =
        serde_json::from_str(&std::fs::read_to_string(recorded()).unwrap()).unwrap();
    for (name, said) in &answers.answers {
        assert_eq!(
            Some(said.accepted),
            kept.answers.get(name).map(|kept| kept.accepted),
            "{name}"
        );
    }
}
