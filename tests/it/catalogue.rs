//! The service catalogue beside what discovery finds, as the daemon publishes both.

use std::path::Path;
use std::process::Command;

use manifesto_exporter::catalogue::Catalogue;

use super::programs::{BINARY, Daemon, get, until};

const CONFIG: &str = "\
global: {scrape_interval: 1s, scrape_timeout: 500ms}
scrape_configs:
  - job_name: services
    static_configs:
      - targets: [\"127.0.0.1:1\"]
        labels: {service: shop-checkout, environment: production, team: unsaid}
      - targets: [\"127.0.0.1:2\"]
        labels: {service: stranger, environment: production, team: nomads}
catalogue: [catalogue/*.yaml]
";

const OWN: &str = "\
services:
  - name: checkout
    aliases: [shop-checkout]
    team: payments
    tier: critical
    environments: [production, staging]
    external_slo: 99.9%
    docs_url: https://docs.example/checkout
    open_source: false
    private_reason: holds customers' prices
";

const BACKSTAGE: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: ledger
  annotations:
    manifesto/tier: tier-2
    backstage.io/source-location: url:https://git.example/ledger/
spec:
  type: service
  lifecycle: production
  owner: group:default/books
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata:
  name: ledger-api
spec:
  type: openapi
";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder.join("catalogue")).unwrap();
    std::fs::write(folder.join("catalogue").join(name), text).unwrap();
}

#[tokio::test]
async fn the_catalogue_and_discovery_are_held_against_each_other() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "own.yaml", OWN);
    write(folder.path(), "catalog-info.yaml", BACKSTAGE);
    let daemon = Daemon::start(CONFIG, folder.path(), &[]);
    let missing = "manifesto_service_missing{service_name=\"ledger\",environment=\"\",team=\"books\",tier=\"tier-2\"} 1";
    let metrics = daemon.until_metric(missing).await;
    for line in [
        "manifesto_service_catalogued{service_name=\"shop-checkout\",environment=\"production\"} 1",
        "manifesto_service_catalogued{service_name=\"stranger\",environment=\"production\"} 0",
        "manifesto_service_missing{service_name=\"checkout\",environment=\"staging\",team=\"payments\",tier=\"critical\"} 1",
        "manifesto_service_info{service_name=\"shop-checkout\",environment=\"production\",team=\"payments\",tier=\"critical\",version=\"\"} 1",
        "manifesto_service_info{service_name=\"stranger\",environment=\"production\",team=\"nomads\",tier=\"\",version=\"\"} 1",
    ] {
        assert!(
            metrics.lines().any(|have| have == line),
            "{line}\n{metrics}"
        );
    }
    let absent = "manifesto_service_missing{service_name=\"checkout\",environment=\"production\"";
    assert!(!metrics.contains(absent), "{metrics}");

    let (_, page) = get(&daemon.url("/")).await.unwrap();
    assert!(page.contains("In the catalogue, not discovered"), "{page}");
    assert!(page.contains("not in the catalogue"), "{page}");
    let (_, api) = get(&daemon.url("/api/v1/services")).await.unwrap();
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    let entry = &api["services"][0]["catalogue"];
    assert_eq!(entry["private_reason"], "holds customers' prices");
    assert_eq!(entry["external_slo_ratio"], 0.999);
    let ledger = &api["missing"][1];
    assert_eq!(ledger["repository"], "https://git.example/ledger/");

    // What no longer reads is not taken up; what reads again is, without a restart.
    write(
        folder.path(),
        "own.yaml",
        "services:\n  - name: [checkout]\n",
    );
    daemon.program.signal("HUP");
    daemon
        .until_metric("manifesto_exporter_config_last_reload_successful 0")
        .await;
    write(folder.path(), "own.yaml", "services:\n  - name: stranger\n");
    daemon.program.signal("HUP");
    let known =
        "manifesto_service_catalogued{service_name=\"stranger\",environment=\"production\"} 1";
    let metrics = daemon.until_metric(known).await;
    assert!(!metrics.contains("service_name=\"checkout\""), "{metrics}");
}

#[tokio::test]
async fn without_a_catalogue_nothing_is_missing_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("catalogue: [catalogue/*.yaml]\n", "");
    let daemon = Daemon::start(&config, folder.path(), &[]);
    let metrics = until(&daemon.url("/metrics"), |body| body.contains("stranger")).await;
    assert!(!metrics.contains("catalogued"), "{metrics}");
    let (_, page) = get(&daemon.url("/")).await.unwrap();
    assert!(!page.contains("not in the catalogue"), "{page}");
    assert!(!page.contains("In the catalogue"), "{page}");
}

/// Each file by itself, checked by `config check`: the whole message.
#[test]
fn a_bad_catalogue_is_refused_with_its_place() {
    for (catalogue, message) in [
        (
            "services:\n  - name: a\n    ownr: x\n",
            "catalogue/own.yaml:3:5: unknown key `ownr` in `services[0]`",
        ),
        (
            "services:\n  - team: a\n",
            "catalogue/own.yaml:2:5: missing key `name` in `services[0]`",
        ),
        (
            "services:\n  - name: a\n    external_slo: 101%\n",
            "catalogue/own.yaml:3:19: `services[0].external_slo`: `101%` is not a share, such as `99.9%` or `0.999`",
        ),
        (
            "services:\n  - name: a\n    created: yesterday\n",
            "catalogue/own.yaml:3:14: `services[0].created`: `yesterday` is not a day, such as `2026-11-24`",
        ),
        (
            "services:\n  - name: a\n    open_source: false\n",
            "catalogue/own.yaml:3:18: a service that is not open source needs a `private_reason`",
        ),
        (
            "services:\n  - name: a\n  - name: b\n    aliases: [a]\n",
            "catalogue/own.yaml:3:11: `a` already means service `a`, written down at catalogue/own.yaml:2",
        ),
        (
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a\n  annotations:\n    manifesto/created: soon\nspec: {type: service}\n",
            "catalogue/own.yaml:6:24: `soon` is not a day, such as `2026-11-24`",
        ),
        (
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a\n  annotations:\n    manifesto/teir: x\nspec: {type: service}\n",
            "catalogue/own.yaml:6:21: unknown annotation `manifesto/teir`",
        ),
        (
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a\n  links: [{type: docs, url: \"https://u:hush@docs.example\"}]\nspec: {type: service}\n",
            "catalogue/own.yaml:5:29: credentials in a URL are shown: write `basic_auth`",
        ),
        (
            "services:\n  - name: a\n    environments: [e, e]\n",
            "catalogue/own.yaml:2:11: environment `e` is named twice",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "own.yaml", catalogue);
        std::fs::write(folder.path().join("config.yaml"), CONFIG).unwrap();
        let output = Command::new(BINARY)
            .args(["config", "check", "config.yaml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!said.contains("hush"), "{said}");
        let first = said.lines().next().unwrap_or_default();
        assert_eq!(first, format!("manifesto-exporter: {message}"));
    }
}

/// The examples of the documentation, as they stand there.
#[test]
fn the_documented_examples_are_read() {
    let page = std::fs::read_to_string("docs/catalogue.md").unwrap();
    let examples: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for (nth, example) in examples.iter().enumerate() {
        write(folder.path(), &format!("{nth}.yaml"), example);
    }
    let paths = [folder.path().join("catalogue/*.yaml")];
    let catalogue = Catalogue::load(&paths).unwrap_or_else(|error| panic!("{error}"));
    let said: Vec<_> = catalogue
        .entries()
        .map(|entry| {
            let links = [
                &entry.links.docs,
                &entry.links.diagram,
                &entry.links.repository,
            ];
            assert!(links.iter().all(|link| link.is_some()), "{entry:?}");
            (
                &*entry.name,
                &*entry.team,
                entry.owners.len(),
                entry.aliases.len(),
                entry.external_slo,
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("checkout", "payments", 2, 1, Some(0.999)),
            ("ledger", "books", 2, 2, Some(0.995)),
        ]
    );
}

/// What is written of a rule that nobody judges comes to nothing: `config check` says so, a line each.
#[test]
fn records_of_rules_that_are_not_judged_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file(
        "config.yaml",
        "scrape_configs: []\nobjectives: [o.yaml]\ninitiatives: [i.yaml]\nattestations: [a.yaml]\n\
         rules: {disabled: {C-4: not ours}}\n",
    );
    file(
        "o.yaml",
        "objectives:\n  - {team: a, quarter: 2026-Q4, title: seen, key_results: [{title: v, measure: {compliance: [O-8, O-88]}, target: 1}]}\n",
    );
    file(
        "i.yaml",
        "initiatives:\n  - {title: i, owner: a, reason: r, rules: [X-1], started: 2026-05-10, due: 2026-06-09}\n",
    );
    file(
        "a.yaml",
        "attestations:\n  - {rule: C-4, estate: true, owner: a, statement: s, evidence_url: 'http://e.example', signed_at: 2026-01-01, expires_at: 2027-01-01}\n",
    );
    let output = Command::new(BINARY)
        .args(["config", "check", "config.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said =
        String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    for line in [
        "attestation at a.yaml:2 names rule `C-4`, which is not judged",
        "key result `v` at o.yaml:2 names rule `O-88`, which is not judged",
        "initiative `i` at i.yaml:2 names rule `X-1`, which is not judged",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
}
