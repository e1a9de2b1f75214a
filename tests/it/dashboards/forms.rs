//! The forms in which dashboards and alerts are handed over: provisioned from files, imported by
//! hand, and as Kubernetes manifests. All are made of the same.

use serde_json::{Value, json};

use super::{build, root, source};

/// Every generated file: its path in the repository and its text.
pub(super) fn files() -> Vec<(String, String)> {
    let dashboards: Vec<(String, Value)> = source::all()
        .into_iter()
        .map(|(name, source)| (name, build::dashboard(&source)))
        .collect();
    let mut files = Vec::new();
    for (name, dashboard) in &dashboards {
        files.push((format!("dashboards/{name}.json"), pretty(dashboard)));
        let import = pretty(&import(dashboard.clone()));
        files.push((format!("dashboards/import/{name}.json"), import));
    }
    files.push((
        "dashboards/kubernetes/configmaps.yaml".to_owned(),
        sidecar(&dashboards),
    ));
    files.push((
        "alerts/kubernetes/prometheusrule.yaml".to_owned(),
        prometheus_rule(),
    ));
    files
}

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap())
}

/// For Grafana's import dialog, which asks for the data source: `__inputs` in place of the variable's
/// default. Provisioned from a file, this form would not load.
fn import(mut dashboard: Value) -> Value {
    dashboard["__inputs"] = json!([{
        "name": "DS_PROMETHEUS", "label": "Prometheus", "description": "The Prometheus that scrapes the exporter",
        "type": "datasource", "pluginId": "prometheus", "pluginName": "Prometheus",
    }]);
    dashboard["__requires"] = json!([
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "11.0.0"},
        {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
    ]);
    let chosen = json!({"text": "${DS_PROMETHEUS}", "value": "${DS_PROMETHEUS}"});
    dashboard["templating"]["list"][0]["current"] = chosen;
    dashboard["editable"] = json!(true);
    dashboard
}

const GENERATED: &str = "# Generated, see CONTRIBUTING.md: UPDATE_EXPECTED=1 cargo test --test it dashboards_are_built\n";

/// ConfigMaps with the label that Grafana's sidecar looks for: one each, as one object may hold a
/// megabyte at most.
fn sidecar(dashboards: &[(String, Value)]) -> String {
    let mut text = GENERATED.to_owned();
    for (name, dashboard) in dashboards {
        text += &format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: manifesto-dashboard-{name}\n  labels:\n    grafana_dashboard: \"1\"\n  \
             annotations:\n    grafana_folder: Reliability manifesto\ndata:\n  manifesto-{name}.json: |-\n{}",
            indented(&pretty(dashboard), 4)
        );
    }
    text
}

/// The rule files as one object of the Prometheus operator.
fn prometheus_rule() -> String {
    let mut text = format!(
        "{GENERATED}apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: manifesto-exporter\n  labels:\n    \
         app.kubernetes.io/name: manifesto-exporter\nspec:\n  groups:\n"
    );
    for file in crate::alerts::rule_files() {
        let rules = std::fs::read_to_string(root().join(&file)).unwrap();
        let (_, groups) = rules.split_once("groups:\n").unwrap();
        text += &indented(groups, 2);
    }
    text
}

fn indented(text: &str, by: usize) -> String {
    let indent = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("{}{line}\n", " ".repeat(by)),
    };
    text.lines().map(indent).collect()
}
