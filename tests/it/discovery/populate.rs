//! From labels to a target.

use manifesto_exporter::config::Config;
use manifesto_exporter::discovery::target::Target;
use manifesto_exporter::discovery::{DropReason, target_from_labels};
use manifesto_exporter::document::Origin;
use manifesto_exporter::labels::Labels;

/// Makes a target of labels, by the first job of a configuration.
fn target(config: &str, labels: &[(&str, &str)]) -> Result<Target, DropReason> {
    let config = Config::parse(config, &Origin::embedded()).unwrap();
    let labels = Labels::from_iter(labels.iter().copied());
    target_from_labels(
        &config.discovery.jobs[0],
        labels,
        &config.discovery.naming,
        "api/static/0",
    )
}

const PLAIN: &str = "scrape_configs: [{job_name: api}]";

#[test]
fn everything_has_a_default() {
    let target = target(PLAIN, &[("__address__", "a.example:8067")]).unwrap();
    assert_eq!(target.url.to_string(), "http://a.example:8067/metrics");
    assert_eq!(
        (target.interval.as_secs(), target.timeout.as_secs()),
        (60, 10)
    );
    assert_eq!(target.service.to_string(), "api");
    assert_eq!(
        target.labels,
        Labels::from_iter([("instance", "a.example:8067"), ("job", "api")])
    );
    assert_eq!(target.found.labels().get("__scrape_interval__"), "1m");
    assert_eq!(target.found.labels().get("__metrics_path__"), "/metrics");
    assert_eq!(target.sources, ["api/static/0"]);
}

#[test]
fn ports_follow_the_scheme() {
    let url = |scheme, address| {
        let labels = [("__scheme__", scheme), ("__address__", address)];
        target(PLAIN, &labels).unwrap().url.to_string()
    };
    assert_eq!(url("http", "a.example"), "http://a.example:80/metrics");
    assert_eq!(url("https", "a.example"), "https://a.example:443/metrics");
    assert_eq!(
        url("https", "[2001:db8::1]"),
        "https://[2001:db8::1]:443/metrics"
    );
    assert_eq!(
        url("http", "[2001:db8::1]:8067"),
        "http://[2001:db8::1]:8067/metrics"
    );
}

#[test]
fn labels_override_the_job() {
    let config = "
scrape_configs:
  - job_name: api
    scrape_interval: 15s
    params: {module: [a, b], match: ['up{x=\"y\"}']}
";
    let target = target(
        config,
        &[
            ("__address__", "a:1"),
            ("__scheme__", "https"),
            ("__metrics_path__", "stats/ü x?y"),
            ("__scrape_interval__", "1m30s"),
            ("__scrape_timeout__", "500ms"),
            ("__param_module", "c"),
            ("__param_extra", "d"),
            ("job", "other"),
            ("instance", "mine"),
        ],
    )
    .unwrap();
    assert_eq!(
        target.url.to_string(),
        "https://a:1/stats/%C3%BC%20x%3Fy?extra=d&match=up%7Bx%3D%22y%22%7D&module=c&module=b"
    );
    assert_eq!(target.interval.as_secs(), 90);
    assert_eq!(target.timeout.as_millis(), 500);
    assert_eq!(target.labels.get("instance"), "mine");
    assert_eq!(target.service.name, "other");
}

#[test]
fn the_service_is_named_by_the_first_label_that_is_set() {
    let config = "
scrape_configs: [{job_name: api}]
labels: {service: [service, app], environment: [stage], team: [owner, team]}
services: {checkout: {aliases: [shop-checkout]}}
";
    let service = |labels: &[(&str, &str)]| {
        let mut all = vec![("__address__", "a:1")];
        all.extend(labels);
        let target = target(config, &all).unwrap();
        format!("{} {}", target.service, target.team)
    };
    assert_eq!(service(&[]), "api ");
    assert_eq!(service(&[("app", "x"), ("team", "t")]), "x t");
    assert_eq!(
        service(&[("service", "y"), ("app", "x"), ("stage", "p")]),
        "y (p) "
    );
    assert_eq!(
        service(&[("app", "shop-checkout"), ("owner", "o"), ("team", "t")]),
        "checkout o"
    );
}

#[test]
fn a_rule_that_drops_is_named() {
    let config = "
scrape_configs:
  - job_name: api
    relabel_configs:
      - {target_label: a, replacement: b}
      - {action: drop, source_labels: [a], regex: b}
";
    let reason = target(config, &[("__address__", "a:1")]).unwrap_err();
    assert_eq!(reason.to_string(), "dropped by relabelling rule 1 (drop)");
}

#[test]
fn fault_37_what_is_no_target_is_refused_with_a_reason() {
    for (labels, reason) in [
        (vec![], "no address: `__address__` is empty"),
        (
            vec![("__address__", "http://a:1")],
            "address `http://a:1` is not a `host:port`: it holds `/`",
        ),
        (
            vec![("__address__", "user@a:1")],
            "address `user@a:1` is not a `host:port`: it holds `@`",
        ),
        (
            vec![("__address__", "a:99999")],
            "address `a:99999` is not a `host:port`: the port is not in 1 to 65535",
        ),
        (
            vec![("__address__", "a:1"), ("__scheme__", "file")],
            "scheme `file` is neither `http` nor `https`",
        ),
        (
            vec![("__address__", "a:1"), ("__scrape_interval__", "0s")],
            "`__scrape_interval__` is 0",
        ),
        (
            vec![("__address__", "a:1"), ("__scrape_timeout__", "5 s")],
            "`__scrape_timeout__`: `5 s` is not a duration",
        ),
        (
            vec![("__address__", "a:1"), ("__scrape_timeout__", "61s")],
            "`__scrape_timeout__` 61s is longer than `__scrape_interval__` 1m",
        ),
    ] {
        assert_eq!(
            target(PLAIN, &labels),
            Err(DropReason::Invalid(reason.to_owned()))
        );
    }
}
