//! The conventions, as `grafana/dashboard-linter` and the Prometheus mixins hold them, and ours
//! beyond them; and that what is published and what is drawn are the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{committed, root};
use crate::programs::tell;

/// Every panel that shows something.
pub(super) fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// Every expression that a dashboard asks, with whom it is of.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let of_panels = panels(dashboard).flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| {
            (
                text(&panel["title"]).to_owned(),
                text(&target["expr"]).to_owned(),
            )
        })
    });
    let annotations = dashboard["annotations"]["list"].as_array().unwrap().iter();
    let of_annotations =
        annotations.map(|a| (text(&a["name"]).to_owned(), text(&a["expr"]).to_owned()));
    of_panels.chain(of_annotations).collect()
}

/// The selectors of an expression: what stands between braces.
fn selectors(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split('{')
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap())
}

#[test]
fn dashboards_keep_the_conventions() {
    let mut wrong = Vec::new();
    let (mut uids, mut checked) = (BTreeSet::new(), 0);
    for (name, dashboard) in committed() {
        let mut hold = |kept: bool, whose: &str, what: &str| {
            if !kept {
                wrong.push(format!("{name}: {whose}: {what}"));
            }
        };
        hold(
            dashboard["schemaVersion"] == 42,
            "",
            "schemaVersion is not 42",
        );
        hold(dashboard["editable"] == false, "", "editable");
        hold(dashboard.get("id").is_none(), "", "an id");
        hold(
            dashboard.get("__inputs").is_none(),
            "",
            "__inputs, which break provisioning",
        );
        hold(
            text(&dashboard["title"]).starts_with("Manifesto / "),
            "",
            "title",
        );
        hold(
            dashboard["tags"] == serde_json::json!(["manifesto"]),
            "",
            "tags",
        );
        hold(
            uids.insert(text(&dashboard["uid"]).to_owned()),
            "",
            "a uid twice",
        );
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        hold(
            variables[0]["name"] == "datasource" && variables[0]["label"] == "Data source",
            "",
            "data source variable",
        );
        for wanted in ["job", "instance"] {
            let variable = variables.iter().find(|v| v["name"] == wanted).unwrap();
            hold(
                variable["allValue"] == ".+" && variable["multi"] == true,
                wanted,
                "not multi, or no allValue",
            );
        }
        for variable in variables.iter().skip(1) {
            hold(
                variable["refresh"] == 2,
                text(&variable["name"]),
                "not refreshed with the time range",
            );
            hold(
                variable["datasource"]["uid"] == "${datasource}",
                text(&variable["name"]),
                "data source",
            );
        }
        let link = &dashboard["links"][0];
        hold(
            link["type"] == "dashboards" && link["includeVars"] == true && link["keepTime"] == true,
            "links",
            "not by tag",
        );
        let mut titles = BTreeSet::new();
        for panel in panels(&dashboard) {
            let title = text(&panel["title"]);
            hold(
                !title.is_empty() && titles.insert(title),
                title,
                "no title of its own",
            );
            hold(
                !text(&panel["description"]).is_empty(),
                title,
                "no description",
            );
            hold(
                panel["datasource"]["uid"] == "${datasource}",
                title,
                "data source",
            );
            let field = &panel["fieldConfig"];
            let shown = |of: &Value| of.get("unit").is_some() || of.get("mappings").is_some();
            let is_table = panel["type"] == "table";
            hold(
                is_table || shown(&field["defaults"]),
                title,
                "neither unit nor mappings",
            );
            // The grid is 24 wide, and nothing sticks out.
            let at = &panel["gridPos"];
            hold(
                at["x"].as_u64().unwrap() + at["w"].as_u64().unwrap() <= 24,
                title,
                "outside the grid",
            );
            checked += 1;
        }
        for (whose, expression) in expressions(&dashboard) {
            for selector in selectors(&expression) {
                for wanted in ["job=~\"$job\"", "instance=~\"$instance\""] {
                    hold(
                        selector.contains(wanted),
                        &whose,
                        &format!("a selector without {wanted}"),
                    );
                }
            }
            hold(!expression.contains("irate("), &whose, "irate");
            for counter in tokens(&expression)
                .filter(|name| name.ends_with("_total") || name.ends_with("_bucket"))
            {
                let inside = expression.contains(&format!("rate({counter}"))
                    || expression.contains(&format!("increase({counter}"));
                hold(inside, &whose, &format!("{counter} outside of a rate"));
            }
            hold(
                expression.matches("rate(").count()
                    == expression.matches("[$__rate_interval]").count(),
                &whose,
                "a rate over a fixed time",
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    tell(format_args!(
        "dashboards: {} with {checked} panels keep the conventions",
        uids.len()
    ));
}

/// Names in an expression, recorded ones with their colons.
fn tokens(expression: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    expression
        .split(move |c| !is_part(c))
        .filter(|token| !token.is_empty())
}

/// What the process collector gives.
const PROCESS: &[&str] = &[
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

/// Published, and neither drawn nor alerted on, with the reason.
const UNUSED: &[(&str, &str)] = &[(
    "process_virtual_memory_bytes",
    "says nothing of a Rust program: resident memory is drawn",
)];

/// The families that the code publishes, by the names written in it.
fn published() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = PROCESS.iter().map(|name| (*name).to_owned()).collect();
    for entry in std::fs::read_dir(root().join("src/publish")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let code = std::fs::read_to_string(path).unwrap();
            let code = code.split("#[cfg(test)]").next().unwrap();
            let words = code
                .split('"')
                .filter(|word| word.starts_with("manifesto_"));
            let plain = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            names.extend(words.filter(plain).map(str::to_owned));
        }
    }
    names
}

#[test]
fn what_is_drawn_is_published_and_what_is_published_is_drawn() {
    let published = published();
    let family = |token: &str| {
        let whole = published.get(token);
        let bare = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| token.strip_suffix(end));
        whole.or_else(|| published.get(bare?)).cloned()
    };
    let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
    let dashboards = committed();
    let drawn = dashboards.iter().flat_map(|(name, dashboard)| {
        let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
        let asked = variables.map(|variable| text(&variable["definition"]).to_owned());
        let expressions = expressions(dashboard)
            .into_iter()
            .map(|(_, expression)| expression);
        expressions
            .chain(asked)
            .map(|expression| (name.clone(), expression))
    });
    let alerted = crate::alerts::expressions().into_iter();
    for (whose, expression) in drawn.chain(alerted) {
        let names = tokens(&expression).filter(|token| !token.contains(':'));
        for name in names.filter(|t| t.starts_with("manifesto_") || t.starts_with("process_")) {
            match family(name) {
                Some(family) => drop(used.insert(family)),
                None => wrong.push(format!("{whose}: {name} is not published")),
            }
        }
    }
    for (name, _) in UNUSED {
        if used.contains(*name) || !published.contains(*name) {
            wrong.push(format!("{name} is listed as unused"));
        }
    }
    let listed = |name: &&String| UNUSED.iter().any(|(unused, _)| *unused == name.as_str());
    let forgotten = published.difference(&used).filter(|name| !listed(name));
    wrong.extend(forgotten.map(|name| format!("{name} is neither drawn nor alerted on")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    tell(format_args!(
        "metrics: {} families published, {} used",
        published.len(),
        used.len()
    ));
}
