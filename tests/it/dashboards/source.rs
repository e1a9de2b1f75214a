//! What `dashboards/source/*.yaml` say: a dashboard in few words.

use std::path::Path;

use serde::Deserialize;

/// One dashboard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) description: String,
    /// Where the time range begins.
    pub(super) from: String,
    /// Variables beside those that every dashboard has.
    pub(super) variables: Vec<Variable>,
    pub(super) annotations: Vec<Annotation>,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Variable {
    Environment,
    Team,
    PromisingTeam,
    ServiceName,
    Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Annotation {
    Versions,
    Reloads,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

/// One panel; a look says unit, colours and words of its values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) kind: Kind,
    /// Width of 24, and height.
    pub(super) size: [u32; 2],
    pub(super) look: Option<Look>,
    pub(super) queries: Vec<Query>,
    #[serde(default)]
    pub(super) columns: Vec<Column>,
    pub(super) sort: Option<Sort>,
    /// The labels that make rows and columns of a matrix.
    pub(super) rows: Option<String>,
    pub(super) columns_by: Option<String>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Stat,
    Bars,
    Lines,
    Stacked,
    States,
    Table,
    Matrix,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Its letter, or the name of its column.
    #[serde(rename = "ref")]
    pub(super) name: Option<String>,
    pub(super) expr: String,
    pub(super) legend: Option<String>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

/// A column of a table: a label, or a query by its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    pub(super) field: String,
    pub(super) title: String,
    pub(super) look: Option<Look>,
    pub(super) width: Option<u32>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sort {
    pub(super) by: String,
    pub(super) descending: bool,
}

/// Where a click leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Link {
    /// The Service dashboard, of the service of a table's row, or of a series.
    Service,
    LabelService,
    MatrixService,
    /// The Rule dashboard, likewise.
    Rule,
    LabelRule,
    MatrixRule,
    /// The Fleet dashboard of one team.
    Team,
    /// The exporter's page, about the row's service, rule or target.
    Page,
    RulePage,
    TargetPage,
    /// What to do about it.
    Runbook,
}

/// How values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Look {
    Ratio,
    /// A ratio that says how much is known, not how good it is.
    Coverage,
    /// A ratio of a limit, which is mostly far away.
    Share,
    Count,
    BadCount,
    WarnCount,
    WaivedCount,
    Verdicts,
    TargetStates,
    Status,
    StatusMark,
    Compliant,
    Missing,
    Catalogued,
    Up,
    Held,
    YesNo,
    Version,
    Seconds,
    Age,
    Left,
    Moment,
    Bytes,
    PerSecond,
    Cores,
}

/// Every source, by file name.
pub(super) fn all() -> Vec<(String, Source)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/source");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut sources: Vec<(String, Source)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let source = serde_saphyr::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (name, source)
        })
        .collect();
    sources.sort_by(|a, b| a.0.cmp(&b.0));
    sources
}
