//! Configurations: good ones are read, bad ones are refused with the exact message.

use std::path::{Path, PathBuf};

use manifesto_exporter::calendar::FiscalCalendar;
use manifesto_exporter::catalogue::{RecordFiles, Records};
use manifesto_exporter::config::{self, Config};
use manifesto_exporter::discovery::DiscoveryConfig;
use manifesto_exporter::document::secret::SecretSource;
use manifesto_exporter::document::{DocumentError, Origin, duration, glob};
use manifesto_exporter::http_client::settings::Auth;

/// The `*.yaml` of a folder, in order.
fn cases(folder: &str) -> Vec<PathBuf> {
    glob::expand(&Path::new(folder).join("*.yaml")).unwrap()
}

/// Each `NAME.yaml` of a folder is refused with the message in `NAME.expected`.
/// `UPDATE_EXPECTED=1` writes what is said now; read the difference before committing it.
fn refused(folder: &str, cases_min: usize, said: impl Fn(&Path) -> Result<(), DocumentError>) {
    let mut wrong = Vec::new();
    let cases = cases(folder);
    assert!(cases.len() >= cases_min, "{} cases", cases.len());
    for case in cases {
        let said = match said(&case) {
            Ok(()) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        let file = case.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&file, format!("{said}\n")).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if said != expected.trim_end_matches('\n') || said == "accepted" {
            wrong.push(format!(
                "--- {}\n{said}\n+++ expected\n{expected}",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bad_configurations_are_refused_with_the_exact_message() {
    refused("tests/config/bad", 30, |case| {
        config::load(case).map(|_| ())
    });
}

/// Files of records, whose kind their names begin with.
#[test]
fn bad_records_are_refused_with_the_exact_message() {
    refused("tests/records/bad", 30, |case| {
        let file = vec![case.to_owned()];
        let name = case.file_name().unwrap().to_str().unwrap();
        let files = match name.split_once('_').unwrap().0 {
            "objectives" => RecordFiles {
                objectives: file,
                ..RecordFiles::default()
            },
            "initiatives" => RecordFiles {
                initiatives: file,
                ..RecordFiles::default()
            },
            other => panic!("{other}"),
        };
        Records::load(&files, &FiscalCalendar::default()).map(|_| ())
    });
}

#[test]
fn good_configurations_are_read() {
    let cases = cases("tests/config/good");
    assert!(cases.len() >= 2, "{} cases", cases.len());
    for case in cases {
        if let Err(error) = config::load(&case) {
            panic!("{error}");
        }
    }
}

#[test]
fn the_embedded_configuration_judges_the_exporter_itself() {
    let config = config::embedded().unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    let [job] = &config.discovery.jobs[..] else {
        panic!("{} jobs", config.discovery.jobs.len());
    };
    assert_eq!(job.job.name, "manifesto-exporter");
    assert_eq!(job.job.interval.as_secs(), 15);
    let [DiscoveryConfig::Static(groups)] = &job.discovery[..] else {
        panic!("{:?}", job.discovery);
    };
    assert_eq!(
        groups[0].targets[0].own.get("__address__"),
        "localhost:8067"
    );
}

/// The commented-out examples are configuration too: each `#  ` removed, the file still parses,
/// and every top-level key is shown.
#[test]
fn the_examples_in_the_embedded_configuration_parse() {
    let uncommented: String = config::EMBEDDED
        .lines()
        .map(|line| line.strip_prefix("#  ").unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let origin = Origin::file(Path::new("tests/config/good/uncommented.yaml"));
    let config = Config::parse(&uncommented, &origin).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = config
        .discovery
        .jobs
        .iter()
        .map(|job| &job.job.name[..])
        .collect();
    assert_eq!(names[..3], ["manifesto-exporter", "services", "inventory"]);
    assert!(!config.services.is_empty() && !config.rules.disabled.is_empty());
    assert!(!config.dial.allow.is_empty() && config.scrape_concurrency.is_some());
}

/// A realistic `prometheus.yml` is read as it is: what means nothing here is one warning a job.
#[test]
fn a_prometheus_configuration_is_read_as_it_is() {
    let config = config::load(Path::new("tests/config/good/scrape_config_files.yaml"))
        .unwrap_or_else(|error| panic!("{error}"));
    let shown: Vec<String> = config
        .discovery
        .jobs
        .iter()
        .map(|job| {
            let mechanisms: Vec<&str> = job.discovery.iter().map(|d| d.mechanism()).collect();
            format!(
                "{} {}/{} {} rules, {}",
                job.job.name,
                duration::display(job.job.interval),
                duration::display(job.job.timeout),
                job.relabel.len(),
                mechanisms.join(" ")
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "prometheus 15s/10s 0 rules, static",
            "node 15s/10s 3 rules, file",
            "blackbox 1m/30s 3 rules, static",
            "api 15s/10s 8 rules, static file http",
        ]
    );
    let blackbox = &config.discovery.jobs[2].job;
    assert_eq!(
        blackbox.params,
        [("module".to_owned(), vec!["http_2xx".to_owned()])]
    );
    let api = &config.discovery.jobs[3];
    assert!(
        matches!(&api.job.http.auth, Auth::Basic { password: SecretSource::File(path), .. }
        if path == Path::new("tests/config/good/prometheus/secrets/password"))
    );
    assert_eq!(api.job.limits.body_bytes_max, 10 * 1024 * 1024);
    assert_eq!(api.job.limits.samples_max, 20_000);
    assert_eq!(api.target_limit, Some(500));
    let own = "tests/config/good/prometheus/prometheus.yml";
    assert_eq!(
        config.warnings,
        [
            format!(
                "{own}: passed over, and not checked: `alerting`, `remote_write`, `rule_files`, `storage`"
            ),
            format!(
                "{own}: `global`: accepted without effect: `external_labels`, `evaluation_interval`"
            ),
            format!("{own}: job `prometheus`: accepted without effect: `honor_labels`"),
            format!("{own}: job `node`: accepted without effect: `metric_relabel_configs`"),
            format!(
                "{own}: job `api`: accepted without effect: `metric_relabel_configs`, \
                 `honor_timestamps`, `scrape_protocols`, `enable_http2`"
            ),
        ]
    );
}

#[test]
fn secrets_are_not_shown() {
    let folder = Path::new("tests/config/good/scrape_config_files.yaml");
    let shown = format!("{:?}", config::load(folder).unwrap());
    assert!(!shown.contains("hunter2"));
    for case in cases("tests/config/bad") {
        let said = config::load(&case).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_large_configuration_is_within_the_budgets() {
    let mut text = "scrape_configs:\n".to_owned();
    for job in 0..2_000 {
        text.push_str(&format!(
            "  - job_name: job{job}\n    static_configs:\n      - targets: [{}]\n",
            vec!["a.example:8067"; 50].join(", ")
        ));
    }
    let config = Config::parse(&text, &Origin::embedded()).unwrap();
    assert_eq!(config.discovery.jobs.len(), 2_000);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// A configuration cut or patched anywhere is read or refused with a place in it; never a panic.
    #[test]
    fn a_damaged_configuration_is_refused_in_words(
        at in 0usize..4_000,
        cut in 0usize..60,
        patch in "[ -~\t\n\u{1b}é]{0,8}",
    ) {
        let mut text = std::fs::read_to_string("tests/config/good/prometheus/prometheus.yml").unwrap();
        let from = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let to = (from + cut).min(text.len());
        let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
        text.replace_range(from..to, &patch);
        if let Err(error) = Config::parse(&text, &Origin::embedded()) {
            let lines = text.lines().count() as u64 + 1;
            assert!(error.position().is_none_or(|at| at.line <= lines), "{error}");
            let printed = error.to_string();
            assert!(!printed.contains(|c: char| c.is_control() && c != '\n'), "{printed:?}");
        }
    }
}

#[test]
fn a_file_of_jobs_takes_our_defaults_and_its_own_includes_are_warned_of() {
    let config = config::load(Path::new("tests/config/good/nested.yaml")).unwrap();
    assert_eq!(config.discovery.jobs[0].job.limits.samples_max, 7);
    assert_eq!(config.warnings.len(), 1);
    assert!(config.warnings[0].contains("`scrape_config_files` is not followed"));
}

/// What the configuration itself lists and nobody would scrape is said before it runs.
#[test]
fn targets_that_would_be_lost_are_warned_of() {
    let text = "scrape_configs:
  - job_name: one
    static_configs:
      - {targets: ['a:8067', 'b:8067', 'c:99999'], labels: {service: shop}}
      - {targets: ['b:8067'], labels: {service: shop, zone: eu}}
    relabel_configs:
      - {source_labels: [__address__], regex: 'd:.*', action: drop}
  - job_name: two
    target_limit: 1
    static_configs:
      - {targets: ['a:8067', 'd:8067', 'e:8067'], labels: {service: cart}}
";
    let config = Config::parse(text, &Origin::embedded()).unwrap();
    let expected = [
        "`one/static/0`: target `c:99999` is not scraped: ",
        "`one/static/0`: target `b:8067` is not scraped: `one/static/0` names the same URL with other labels",
        "`two/static/0`: target `a:8067` is not scraped: `one/static/0` names the same URL for another service",
        "`two/static/0`: target `e:8067` is not scraped: past the limit of 1 targets",
    ];
    assert_eq!(
        config.warnings.len(),
        expected.len(),
        "{:?}",
        config.warnings
    );
    for (warning, expected) in config.warnings.iter().zip(expected) {
        assert!(warning.starts_with(expected), "{warning}");
    }

    let many: Vec<String> = (0..30).map(|host| format!("'h{host}:99999'")).collect();
    let text = format!(
        "scrape_configs: [{{job_name: one, static_configs: [{{targets: [{}]}}], relabel_configs: [{{action: keep}}]}}]",
        many.join(", ")
    );
    let config = Config::parse(&text, &Origin::embedded()).unwrap();
    assert_eq!(config.warnings.len(), 21);
    assert!(
        config.warnings[20].starts_with("10 more targets"),
        "{}",
        config.warnings[20]
    );
}

/// Whoever writes the key wants what it stands for.
#[test]
fn kubernetes_without_a_value_is_as_an_empty_mapping() {
    let jobs = |text: &str| {
        let config = Config::parse(text, &Origin::embedded()).unwrap();
        config.discovery.jobs.clone()
    };
    let empty = jobs("kubernetes: {}\n");
    assert_eq!(empty.len(), 1);
    for text in ["kubernetes:\n", "scrape_configs: []\nkubernetes: ~\n"] {
        assert_eq!(jobs(text), empty, "{text}");
    }
}
