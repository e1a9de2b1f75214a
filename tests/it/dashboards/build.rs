//! A source to the classic JSON that Grafana loads (schema version 42).

use serde_json::{Map, Value, json};

use super::source::{Annotation, Column, Kind, Link, Panel, Query, Row, Source, Variable};
use super::{links, look};

/// Columns of Grafana's grid.
const GRID_COLUMNS: u32 = 24;

/// Shorthands of the sources' expressions.
const EXPORTER: &str = r#"job=~"$job",instance=~"$instance""#;
const SERVICE: &str = r#"job=~"$job",instance=~"$instance",environment=~"$environment",service_name=~"$service_name""#;

/// The dashboard.
pub(super) fn dashboard(source: &Source) -> Value {
    let mut variables = vec![datasource()];
    variables.extend([job(), instance()]);
    variables.extend(source.variables.iter().map(|variable| chosen(*variable)));
    variables.push(page());
    json!({
        "annotations": {"list": source.annotations.iter().map(|a| annotation(*a)).collect::<Vec<_>>()},
        "description": source.description,
        "editable": false,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": links::of_dashboard(),
        "panels": panels(&source.rows),
        "refresh": "1m",
        "schemaVersion": 42,
        "tags": ["manifesto"],
        "templating": {"list": variables},
        "time": {"from": source.from, "to": "now"},
        "timezone": "",
        "title": source.title,
        "uid": source.uid,
        "version": 1,
    })
}

/// The expression with its shorthands written out.
pub(super) fn expression(text: &str) -> String {
    let owned = format!(
        r#"and on (job, instance, service_name, environment) manifesto_service_info{{{SERVICE},team=~"$team"}}"#
    );
    // The worst status is the least: 0 violated, 1 unknown, 2 waived, 3 compliant. A waived rule is not
    // compliant either, so that waived comes first.
    let mut text = text.to_owned();
    while let Some(start) = text.find("@status(") {
        let end = start + text[start..].find(')').expect("a shorthand ends");
        let selector = text[start + "@status(".len()..end].to_owned();
        let status = format!(
            "(manifesto_rule_waived{{{selector}}} * 2 or manifesto_rule_compliant{{{selector}}} * 3 or manifesto_rule_unknown{{{selector}}})"
        );
        text.replace_range(start..=end, &status);
    }
    text.replace("@owned", &owned)
        .replace("@service", SERVICE)
        .replace("@exporter", EXPORTER)
}

/// Panels below one another and side by side, rows between them.
fn panels(rows: &[Row]) -> Vec<Value> {
    let (mut panels, mut y) = (Vec::new(), 0);
    for row in rows {
        panels.push(json!({
            "type": "row", "title": row.title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": GRID_COLUMNS, "h": 1},
        }));
        y += 1;
        let (mut x, mut height) = (0, 0);
        for one in &row.panels {
            let [w, h] = one.size;
            if x + w > GRID_COLUMNS {
                y += height;
                (x, height) = (0, 0);
            }
            let mut panel = panel(one);
            panel["gridPos"] = json!({"x": x, "y": y, "w": w, "h": h});
            panels.push(panel);
            x += w;
            height = height.max(h);
        }
        y += height;
    }
    panels
}

fn panel(panel: &Panel) -> Value {
    let is_table = matches!(panel.kind, Kind::Table | Kind::Matrix);
    let is_now = matches!(panel.kind, Kind::Stat | Kind::Bars) || is_table;
    let targets: Vec<Value> = panel
        .queries
        .iter()
        .zip('A'..='Z')
        .map(|(query, letter)| target(query, letter, is_table, is_now))
        .collect();
    let mut defaults = panel.look.map_or_else(|| json!({}), look::defaults);
    defaults["color"] = color(panel);
    defaults["custom"] = custom(panel.kind);
    let of_queries = panel.queries.iter().flat_map(|query| &query.links);
    let data_links: Vec<Value> = panel
        .links
        .iter()
        .chain(of_queries)
        .map(|l| links::link(*l))
        .collect();
    if !data_links.is_empty() {
        defaults["links"] = json!(data_links);
    }
    let mut built = json!({
        "title": panel.title,
        "description": panel.description,
        "type": kind(panel.kind),
        "datasource": prometheus(),
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": overrides(panel)},
        "options": options(panel.kind),
    });
    let transformations = transformations(panel);
    if !transformations.is_empty() {
        built["transformations"] = json!(transformations);
    }
    built
}

fn prometheus() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn target(query: &Query, letter: char, is_table: bool, is_now: bool) -> Value {
    json!({
        "datasource": prometheus(),
        "refId": query.name.clone().unwrap_or_else(|| letter.to_string()),
        "expr": expression(&query.expr),
        "legendFormat": query.legend.as_deref().unwrap_or("__auto"),
        "format": if is_table { "table" } else { "time_series" },
        "instant": is_now,
        "range": !is_now,
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Stat => "stat",
        Kind::Bars => "bargauge",
        Kind::Lines | Kind::Stacked => "timeseries",
        Kind::States => "state-timeline",
        Kind::Table | Kind::Matrix => "table",
    }
}

fn color(panel: &Panel) -> Value {
    match panel.kind {
        Kind::Lines | Kind::Stacked => json!({"mode": "palette-classic-by-name"}),
        _ => json!({"mode": "thresholds"}),
    }
}

fn custom(kind: Kind) -> Value {
    let line = |fill: u32, stacking: &str| {
        json!({
            "drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 1, "fillOpacity": fill, "showPoints": "never",
            "spanNulls": false, "stacking": {"mode": stacking, "group": "A"}, "axisPlacement": "auto",
        })
    };
    match kind {
        Kind::Lines => line(0, "none"),
        Kind::Stacked => line(60, "normal"),
        Kind::States => json!({"fillOpacity": 80, "lineWidth": 0}),
        Kind::Table => {
            json!({"align": "auto", "filterable": true, "cellOptions": {"type": "auto"}})
        }
        Kind::Matrix => {
            json!({"align": "center", "cellOptions": {"type": "color-background", "mode": "basic"}, "minWidth": 50})
        }
        Kind::Stat | Kind::Bars => json!({}),
    }
}

fn options(kind: Kind) -> Value {
    let last = json!({"values": false, "calcs": ["lastNotNull"], "fields": ""});
    let legend =
        json!({"showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []});
    match kind {
        Kind::Stat => json!({
            "reduceOptions": last, "orientation": "auto", "textMode": "auto", "wideLayout": true, "colorMode": "value",
            "graphMode": "none", "justifyMode": "auto", "showPercentChange": false, "percentChangeColorMode": "standard",
        }),
        Kind::Bars => json!({
            "reduceOptions": last, "orientation": "horizontal", "displayMode": "basic", "valueMode": "color", "namePlacement": "auto",
            "showUnfilled": true, "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300, "legend": {
                "showLegend": false, "displayMode": "list", "placement": "bottom", "calcs": []
            },
        }),
        Kind::Lines | Kind::Stacked => {
            json!({"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}})
        }
        Kind::States => json!({
            "mergeValues": true, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9, "perPage": 25, "legend": legend,
            "tooltip": {"mode": "single", "sort": "none"},
        }),
        Kind::Table | Kind::Matrix => {
            json!({"frameIndex": 0, "showHeader": true, "cellHeight": "sm", "enablePagination": true})
        }
    }
}

/// The name of a column's field once the results of all queries are merged.
fn field_name(panel: &Panel, column: &Column) -> String {
    let is_query = panel
        .queries
        .iter()
        .any(|query| query.name.as_deref() == Some(&*column.field));
    match (is_query, panel.queries.len()) {
        (false, _) => column.field.clone(),
        (true, 1) => "Value".to_owned(),
        (true, _) => format!("Value #{}", column.field),
    }
}

fn overrides(panel: &Panel) -> Vec<Value> {
    let by_name = |name: &str, properties: Vec<Value>| json!({"matcher": {"id": "byName", "options": name}, "properties": properties});
    let property = |id: &str, value: Value| json!({"id": id, "value": value});
    let of_series = look::series_colours(panel.look)
        .iter()
        .map(|(name, color)| {
            by_name(
                name,
                vec![property(
                    "color",
                    json!({"mode": "fixed", "fixedColor": color}),
                )],
            )
        });
    let of_columns = panel.columns.iter().map(|column| {
        let mut properties = vec![property("displayName", json!(column.title))];
        if let Some(look) = column.look {
            let Value::Object(defaults) = look::defaults(look) else {
                unreachable!("a look is an object")
            };
            properties.extend(defaults.into_iter().map(|(id, value)| property(&id, value)));
            if look::is_coloured(look) {
                properties.push(property(
                    "custom.cellOptions",
                    json!({"type": "color-text"}),
                ));
            }
        }
        if let Some(width) = column.width {
            properties.push(property("custom.width", json!(width)));
        }
        if !column.links.is_empty() {
            let links: Vec<Value> = column
                .links
                .iter()
                .map(|l: &Link| links::link(*l))
                .collect();
            properties.push(property("links", json!(links)));
        }
        by_name(&field_name(panel, column), properties)
    });
    of_series.chain(of_columns).collect()
}

fn transformations(panel: &Panel) -> Vec<Value> {
    match panel.kind {
        Kind::Table => {
            let order: Map<String, Value> = panel
                .columns
                .iter()
                .enumerate()
                .map(|(place, column)| (field_name(panel, column), json!(place)))
                .collect();
            // What is shown nowhere: the moment, and values that only carry labels.
            let shown = |name: &str| order.contains_key(name);
            let values = panel.queries.iter().filter_map(|query| {
                let name = query.name.as_deref().expect("a table's queries have names");
                let value = match panel.queries.len() {
                    1 => "Value".to_owned(),
                    _ => format!("Value #{name}"),
                };
                (!shown(&value)).then_some(value)
            });
            let hidden: Map<String, Value> = std::iter::once("Time".to_owned())
                .chain(values)
                .map(|name| (name, json!(true)))
                .collect();
            let mut steps = vec![json!({"id": "merge", "options": {}})];
            steps.push(json!({"id": "organize", "options": {"excludeByName": hidden, "indexByName": order, "renameByName": {}}}));
            if let Some(sort) = &panel.sort {
                let column = panel
                    .columns
                    .iter()
                    .find(|column| column.field == sort.by)
                    .expect("a column to sort by");
                let sort = json!({"field": field_name(panel, column), "desc": sort.descending});
                steps.push(json!({"id": "sortBy", "options": {"fields": {}, "sort": [sort]}}));
            }
            steps
        }
        Kind::Matrix => {
            let (rows, columns) = (panel.rows.as_deref(), panel.columns_by.as_deref());
            let rows = rows.expect("a matrix has rows");
            let columns = columns.expect("a matrix has columns");
            // Prometheus answers in no order, and the matrix takes them as they come.
            let by = |field: &str| json!({"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": false}]}});
            vec![
                by(rows),
                by(columns),
                json!({"id": "groupingToMatrix", "options": {
                    "rowField": rows, "columnField": columns,
                    "valueField": "Value", "emptyValue": "null",
                }}),
            ]
        }
        _ => Vec::new(),
    }
}

fn datasource() -> Value {
    json!({
        "type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1, "regex": "", "hide": 0,
        "multi": false, "includeAll": false, "options": [],
    })
}

/// A variable asked of Prometheus: any number of values, or all.
fn query_variable(name: &str, label: &str, query: &str, all: &str) -> Value {
    json!({
        "type": "query", "name": name, "label": label, "datasource": prometheus(), "definition": query,
        "query": {"query": query, "refId": name, "qryType": 1}, "refresh": 2, "sort": 1, "regex": "", "hide": 0,
        "multi": true, "includeAll": true, "allValue": all, "current": {"text": ["All"], "value": ["$__all"]}, "options": [],
    })
}

fn job() -> Value {
    query_variable(
        "job",
        "Job",
        "label_values(manifesto_exporter_build_info, job)",
        ".+",
    )
}

fn instance() -> Value {
    let query = r#"label_values(manifesto_exporter_build_info{job=~"$job"}, instance)"#;
    query_variable("instance", "Exporter", query, ".+")
}

fn chosen(variable: Variable) -> Value {
    let of = |selector: &str, label: &str| {
        format!("label_values(manifesto_service_info{{{EXPORTER}{selector}}}, {label})")
    };
    match variable {
        // Services may have no environment and no team: "all" holds them too.
        Variable::Environment => {
            query_variable("environment", "Environment", &of("", "environment"), ".*")
        }
        Variable::Team => query_variable(
            "team",
            "Team",
            &of(r#",environment=~"$environment""#, "team"),
            ".*",
        ),
        // Of those that promised something.
        Variable::PromisingTeam => {
            let query = format!("label_values(manifesto_key_result_info{{{EXPORTER}}}, team)");
            query_variable("team", "Team", &query, ".*")
        }
        Variable::ServiceName => {
            let query = of(
                r#",environment=~"$environment",team=~"$team""#,
                "service_name",
            );
            query_variable("service_name", "Service", &query, ".+")
        }
        Variable::Rule => {
            let query = format!("label_values(manifesto_rule_info{{{EXPORTER}}}, rule)");
            query_variable("rule", "Rule", &query, ".+")
        }
    }
}

/// The exporter's page, for links: hidden, one.
fn page() -> Value {
    let query = format!("label_values(manifesto_exporter_web_info{{{EXPORTER}}}, external_url)");
    let mut page = query_variable("page", "Page", &query, ".+");
    for (key, value) in [
        ("multi", json!(false)),
        ("includeAll", json!(false)),
        ("allValue", Value::Null),
        ("hide", json!(2)),
    ] {
        page[key] = value;
    }
    let page_fields = page.as_object_mut().expect("a variable is an object");
    page_fields.retain(|key, value| key != "current" && !value.is_null());
    page
}

fn annotation(annotation: Annotation) -> Value {
    let of = |name: &str, color: &str, expr: String, title: &str, text: &str, tags: &str| {
        json!({
            "name": name, "datasource": prometheus(), "enable": true, "hide": false, "iconColor": color, "expr": expr,
            "step": "60s", "titleFormat": title, "textFormat": text, "tagKeys": tags,
        })
    };
    match annotation {
        Annotation::Versions => {
            let running =
                format!(r#"manifesto_service_info{{{SERVICE},team=~"$team",version!=""}}"#);
            let expr = format!(
                "{running} unless on (job, instance, service_name, environment, version) {running} offset 1m"
            );
            of(
                "Versions",
                "blue",
                expr,
                "{{service_name}} {{version}}",
                "A new version in {{environment}}",
                "team",
            )
        }
        Annotation::Reloads => {
            let expr = format!(
                "manifesto_exporter_config_last_reload_success_timestamp_seconds{{{EXPORTER}}} * 1000"
            );
            let mut reloads = of(
                "Reloads",
                "purple",
                expr,
                "{{instance}}",
                "A configuration came into force",
                "",
            );
            reloads["useValueForTime"] = json!(true);
            reloads
        }
    }
}
