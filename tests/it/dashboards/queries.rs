//! Every query of every panel, variable and annotation, asked of a real Prometheus that scrapes the
//! real daemon, which watches an estate with something for each panel to show. What each returns is
//! written down in `tests/dashboards`: with every variable at all of its values, and what is
//! different with one and with several. `UPDATE_EXPECTED=1` writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::estate::Estate;
use super::picture::{Answers, Series, draw};
use super::{committed, lint, root};
use crate::programs::tell;

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

/// Panels whose values change with the hour, or with what else the machine does.
const UNSTEADY_PANELS: &[&str] = &[
    "In flight",
    "Share of the budget of series",
    "Threads and age",
    "File descriptors",
    // What is expected by now grows with the hour.
    "Key results",
    "Score and expected score",
    "Forecast for the quarter's end",
];

/// Values that differ from run to run: ages, durations, moments, rates, sizes.
fn is_steady(panel: &Value, reference: &str) -> bool {
    const UNSTEADY: &[&str] = &["s", "dtdurations", "dateTimeAsIso", "bytes", "ops", "none"];
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
    let counts_itself = panel["title"]
        .as_str()
        .is_some_and(|title| UNSTEADY_PANELS.contains(&title));
    of_column.or(of_panel).unwrap_or(true) && !counts_itself
}

/// What a query returns, as Grafana would get it: at this moment, or over the last seconds.
async fn asked(estate: &Estate, target: &Value, setting: &Setting, seconds: i64) -> Vec<Series> {
    let expression = interpolated(target["expr"].as_str().unwrap(), setting);
    let data = match target["instant"] == true {
        true => estate.get("query", &[("query", &expression)]).await,
        false => {
            let now = Timestamp::now().as_second();
            let (start, end) = ((now - seconds).to_string(), now.to_string());
            let range = [
                ("query", expression.as_str()),
                ("start", &start),
                ("end", &end),
                ("step", "1"),
            ];
            estate.get("query_range", &range).await
        }
    };
    let point = |pair: &Value| {
        let value: f64 = pair[1].as_str().unwrap().parse().unwrap();
        assert!(!value.is_infinite(), "{expression}: {pair}");
        (pair[0].as_f64().unwrap(), value)
    };
    let series = |series: &Value| Series {
        labels: serde_json::from_value(series["metric"].clone()).unwrap(),
        points: match series["values"].as_array() {
            Some(values) => values.iter().map(point).collect(),
            None => vec![point(&series["value"])],
        },
    };
    let found = data["result"].as_array().unwrap();
    found.iter().map(series).collect()
}

/// Each series in a line, its last value behind it.
async fn answer(estate: &Estate, panel: &Value, target: &Value, setting: &Setting) -> Vec<String> {
    let is_steady = is_steady(panel, target["refId"].as_str().unwrap());
    let line = |series: Series| {
        let (_, value) = series.points.last().unwrap();
        let value = match is_steady {
            true => ((value * 1000.0).round() / 1000.0).to_string(),
            false => "~".to_owned(),
        };
        let labels = series
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let labels: Vec<String> = labels.collect();
        format!("{} : {value}", labels.join(" ")).replace(&estate.exporter, "EXPORTER")
    };
    let series = asked(estate, target, setting, 3).await;
    let mut lines: Vec<String> = series.into_iter().map(line).collect();
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
    let is_picturing = std::env::var_os("UPDATE_PICTURES").is_some();
    if is_picturing {
        // Lines want a past.
        for _ in 0..PICTURED_SECONDS / 10 {
            estate.scraped(10).await;
        }
    }
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
        let picture = pictured(&estate, &dashboard, &all).await;
        if is_picturing {
            let folder = root().join("docs/pictures");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{name}.svg")), picture).unwrap();
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
    let dashboards = committed();
    for title in UNSTEADY_PANELS {
        let mut panels = dashboards.iter().flat_map(|(_, d)| lint::panels(d));
        assert!(panels.any(|panel| panel["title"] == *title), "no {title}");
    }
    tell(format_args!(
        "Prometheus: {asked} queries of panels answered as written down"
    ));
}

/// Seconds that a picture shows.
const PICTURED_SECONDS: i64 = 90;

/// A dashboard drawn from what the same server says, with all of its panels.
async fn pictured(estate: &Estate, dashboard: &Value, setting: &Setting) -> String {
    let titles = || lint::panels(dashboard).map(|panel| panel["title"].as_str().unwrap());
    let mut answers = Answers::new();
    for (panel, title) in lint::panels(dashboard).zip(titles()) {
        for target in panel["targets"].as_array().unwrap() {
            let reference = target["refId"].as_str().unwrap();
            let series = asked(estate, target, setting, PICTURED_SECONDS).await;
            answers.insert((title.to_owned(), reference.to_owned()), series);
        }
    }
    let now = Timestamp::now().as_second();
    let range = ((now - PICTURED_SECONDS) as f64, now as f64);
    let picture = draw(dashboard, &answers, range, PICTURE_NOTE);
    for shown in titles().chain([PICTURE_NOTE]) {
        assert!(picture.contains(shown), "{shown} is not drawn");
    }
    picture
}

/// What a picture says of itself.
const PICTURE_NOTE: &str = "Drawn by the project's own renderer from what a real Prometheus answered in a test. Not a Grafana screenshot.";

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
