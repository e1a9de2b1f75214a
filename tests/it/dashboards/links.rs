//! Where clicks lead: to another dashboard with the variables kept, to the exporter's page, to a runbook.

use serde_json::{Value, json};

use super::source::Link;

/// What every link to a dashboard takes along.
const KEPT: &str =
    "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${__url_time_range}";

/// A data link.
pub(super) fn link(link: Link) -> Value {
    let service = |name: &str, environment: &str| {
        format!("/d/manifesto-service?var-service_name={name}&var-environment={environment}&{KEPT}")
    };
    let rule = |name: &str| {
        format!("/d/manifesto-rule?var-rule={name}&${{environment:queryparam}}&{KEPT}")
    };
    let (title, url) = match link {
        Link::Service => (
            "The service",
            service(
                "${__data.fields.service_name}",
                "${__data.fields.environment}",
            ),
        ),
        Link::LabelService => (
            "The service",
            service(
                "${__field.labels.service_name}",
                "${__field.labels.environment}",
            ),
        ),
        Link::MatrixService => (
            "The service",
            format!(
                "/d/manifesto-service?var-service_name=${{__data.fields[0]}}&${{environment:queryparam}}&{KEPT}"
            ),
        ),
        Link::Rule => ("The rule", rule("${__data.fields.rule}")),
        Link::LabelRule => ("The rule", rule("${__field.labels.rule}")),
        Link::MatrixRule => (
            "The rule, for this service",
            format!(
                "{}&var-service_name=${{__data.fields[0]}}",
                rule("${__field.name}")
            ),
        ),
        Link::Team => (
            "The team's services",
            format!(
                "/d/manifesto-fleet?var-team=${{__field.labels.team}}&${{environment:queryparam}}&{KEPT}"
            ),
        ),
        Link::Page => (
            "What was found, and what to change",
            "${page}/?q=${__data.fields.service_name}".to_owned(),
        ),
        Link::RulePage => (
            "The rule in full, with how to fix it",
            "${page}/rules#${__data.fields.rule}".to_owned(),
        ),
        Link::TargetPage => (
            "The target's last scrape",
            "${page}/targets?q=${__data.fields.target}".to_owned(),
        ),
        Link::Runbook => (
            "Runbook: a rule is violated",
            "${page}/runbooks/ManifestoRuleNotKept".to_owned(),
        ),
    };
    let leaves = url.starts_with("${page}");
    json!({"title": title, "url": url, "targetBlank": leaves})
}

/// The links above every dashboard.
pub(super) fn of_dashboard() -> Value {
    let link = |title: &str, kind: &str, tags: Value, url: Value, icon: &str| {
        json!({
            "title": title, "type": kind, "tags": tags, "url": url, "icon": icon, "tooltip": "",
            "asDropdown": false, "includeVars": true, "keepTime": kind == "dashboards", "targetBlank": false,
        })
    };
    let page = |title: &str, path: &str| {
        let mut link = link(
            title,
            "link",
            json!([]),
            json!(format!("${{page}}{path}")),
            "external link",
        );
        link["includeVars"] = json!(false);
        link["targetBlank"] = json!(true);
        link
    };
    json!([
        link(
            "Manifesto",
            "dashboards",
            json!(["manifesto"]),
            json!(""),
            "external link"
        ),
        page("Page", "/"),
        page("Rules", "/rules"),
        page("Runbooks", "/runbooks"),
        // Managers look at quarters; Grafana knows the fiscal ones by the year's first month.
        link(
            "This quarter",
            "link",
            json!([]),
            json!("?from=now/fQ&to=now/fQ"),
            "dashboard"
        ),
        link(
            "Last quarter",
            "link",
            json!([]),
            json!("?from=now-1Q/fQ&to=now-1Q/fQ"),
            "dashboard"
        ),
    ])
}
