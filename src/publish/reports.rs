//! Reports over HTTP: the list, a page each, and the API's answer.

use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use ring::digest::{SHA256, digest};
use serde_json::json;
use tokio::task::spawn_blocking;

use super::app::App;
use super::html::html;
use super::telemetry::VERSION;
use crate::calendar::{FiscalCalendar, Period};
use crate::history::{Frozen, HistoryError, Reader};
use crate::report::{Question, Report, ReportError, find, measured_quarters, output};

/// How long one waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(10);

/// Quarters that the list shows.
const LISTED_MAX: usize = 40;

/// Why no report is answered.
enum Refusal {
    NoHistory,
    Busy,
    Unreadable(String),
    Asked(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoHistory => StatusCode::NOT_FOUND,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreadable(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Asked(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NoHistory => "no history is kept here (`history: off`)".to_owned(),
            Self::Busy => "too many reports are being computed, try again".to_owned(),
            Self::Unreadable(why) | Self::Asked(why) => why.clone(),
        }
    }
}

/// Lets a reading of history have its turn, on a thread that serves nobody else.
async fn read<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&FilePath, &FiscalCalendar) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let file: PathBuf = app.history_file.clone().ok_or(Refusal::NoHistory)?;
    let turn = tokio::time::timeout(TURN_MAX, Arc::clone(&app.reports).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return Err(Refusal::Busy);
    };
    let snapshot = Arc::clone(&app.published.load().snapshot);
    let done = spawn_blocking(move || {
        // A client that goes away ends no computation: it keeps its turn.
        let _turn = turn;
        work(&file, &snapshot.ruleset.records.calendar)
    });
    let done = done.await;
    done.unwrap_or_else(|panic| Err(Refusal::Unreadable(panic.to_string())))
}

fn unreadable(error: HistoryError) -> Refusal {
    Refusal::Unreadable(error.to_string())
}

/// What is asked for by name.
fn asked(
    file: &FilePath,
    calendar: &FiscalCalendar,
    quarter: &str,
    team: Option<&str>,
) -> Result<Report, Refusal> {
    let now = Timestamp::now();
    let period = calendar.period(quarter, now);
    let period: Period = period.map_err(|error| Refusal::Asked(error.to_string()))?;
    let reader = Reader::open(file).map_err(unreadable)?;
    let question = Question {
        period: &period,
        calendar,
        team,
        now,
    };
    match find(&reader, &question) {
        Ok(found) => Ok(found.report),
        Err(error @ (ReportError::NotBegun { .. } | ReportError::NoSuchTeam { .. })) => {
            Err(Refusal::Asked(error.to_string()))
        }
        Err(error @ (ReportError::History(_) | ReportError::Frozen(_))) => {
            Err(Refusal::Unreadable(error.to_string()))
        }
    }
}

/// The parameters that reports take.
fn parameters(
    given: &[(String, String)],
    known: &'static [&'static str],
) -> Result<Vec<Option<String>>, Refusal> {
    let mut values = vec![None; known.len()];
    for (name, value) in given {
        let Some(place) = known.iter().position(|known| known == name) else {
            return Err(Refusal::Asked(format!(
                "no parameter `{name}` is known here; those that are: {}",
                known.join(", ")
            )));
        };
        if values[place].replace(value.clone()).is_some() {
            return Err(Refusal::Asked(format!("parameter `{name}` is given twice")));
        }
    }
    Ok(values)
}

/// `/api/v1/report?quarter=&team=`.
pub(super) async fn api(
    State(app): State<Arc<App>>,
    Query(given): Query<Vec<(String, String)>>,
) -> Response {
    let answer = async {
        let values = parameters(&given, &["quarter", "team"])?;
        let [quarter, team] = [values[0].clone(), values[1].clone()];
        let quarter = quarter.unwrap_or_else(|| "current".to_owned());
        read(&app, move |file, calendar| {
            asked(file, calendar, &quarter, team.as_deref())
        })
        .await
    };
    match answer.await {
        Ok(report) => {
            let json = output::json(&report);
            ([(CONTENT_TYPE, "application/json")], json).into_response()
        }
        Err(refusal) => {
            let error = json!({"error": refusal.message()});
            (refusal.status(), Json(error)).into_response()
        }
    }
}

/// The page's own style is the only thing that it may use.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, output::STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&policy).ok()
});

/// `/reports/QUARTER?team=`.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Path(quarter): Path<String>,
    Query(given): Query<Vec<(String, String)>>,
) -> Response {
    let page = async {
        let team = parameters(&given, &["team"])?.remove(0);
        read(&app, move |file, calendar| {
            let report = asked(file, calendar, &quarter, team.as_deref())?;
            output::html(&report).map_err(|error| Refusal::Unreadable(error.to_string()))
        })
        .await
    };
    match page.await {
        Ok(text) => {
            let mut response = ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
            if let Some(policy) = POLICY.clone() {
                response
                    .headers_mut()
                    .insert(CONTENT_SECURITY_POLICY, policy);
            }
            response
        }
        Err(refusal) => (refusal.status(), refusal.message() + "\n").into_response(),
    }
}

/// A quarter of the list.
struct Listed {
    name: String,
    /// The same as a path asks for it.
    asked: String,
    days: String,
    first: Date,
    frozen: Option<Frozen>,
}

fn days(first: Date, last: Date) -> String {
    let day = |day: Date| day.strftime("%-d %b %Y").to_string();
    format!("{} – {}", day(first), day(last))
}

#[derive(Template)]
#[template(path = "reports.html")]
struct Reports {
    version: &'static str,
    at: String,
    quarters: Vec<Listed>,
    /// Why there are none.
    why: String,
}

/// `/reports`: the quarters in which anything was measured, the newest first.
pub(super) async fn list(State(app): State<Arc<App>>) -> Response {
    let quarters = read(&app, |file, calendar| {
        let reader = Reader::open(file).map_err(unreadable)?;
        let quarters = measured_quarters(&reader, calendar, Timestamp::now());
        let frozen = reader.all_frozen().map_err(unreadable)?;
        let quarters = quarters
            .map_err(unreadable)?
            .into_iter()
            .rev()
            .take(LISTED_MAX);
        let computed: Vec<_> = quarters
            .filter(|quarter| {
                let span = calendar.span(quarter.first, quarter.last);
                !frozen.iter().any(|one| one.span == span)
            })
            .map(|quarter| Listed {
                days: days(quarter.first, quarter.last),
                asked: quarter.name.clone(),
                name: quarter.name,
                first: quarter.first,
                frozen: None,
            })
            .collect();
        let kept = frozen.into_iter().map(|one| Listed {
            days: days(one.first, one.last),
            // Its name may mean other days now.
            asked: match calendar.quarter(&one.name) {
                Ok(now) if calendar.span(now.first, now.last) == one.span => one.name.clone(),
                Ok(_) | Err(_) => format!("{}..{}", one.first, one.last),
            },
            name: one.name.clone(),
            first: one.first,
            frozen: Some(one),
        });
        let mut listed: Vec<Listed> = computed.into_iter().chain(kept).collect();
        listed.sort_by_key(|one| std::cmp::Reverse(one.first));
        listed.truncate(LISTED_MAX);
        Ok(listed)
    })
    .await;
    let (quarters, why) = match quarters {
        Ok(quarters) => (quarters, String::new()),
        Err(refusal) => (Vec::new(), refusal.message()),
    };
    html(
        Reports {
            version: VERSION,
            at: super::page::time(app.published.load().snapshot.at),
            quarters,
            why,
        }
        .render(),
    )
}
