//! `demo --estate`: the example estate of `examples/estate`, whole. Its targets and its sources are
//! served on loopback; what is written in it is moved by the days since it was written.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LAST_MODIFIED};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::calendar::FiscalCalendar;

/// The day on which the example was written: its dates are true on it.
const WRITTEN: Date = date(2026, 11, 25);

/// Bytes of a request that the sources read.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// The example's files.
const FILES: &[(&str, &str)] = &[
    (
        "config.yaml",
        include_str!("../../../examples/estate/config.yaml"),
    ),
    (
        "catalogue/services.yaml",
        include_str!("../../../examples/estate/catalogue/services.yaml"),
    ),
    (
        "records/attestations.yaml",
        include_str!("../../../examples/estate/records/attestations.yaml"),
    ),
    (
        "records/waivers.yaml",
        include_str!("../../../examples/estate/records/waivers.yaml"),
    ),
    (
        "records/objectives.yaml",
        include_str!("../../../examples/estate/records/objectives.yaml"),
    ),
    (
        "records/initiatives.yaml",
        include_str!("../../../examples/estate/records/initiatives.yaml"),
    ),
    (
        "records/slos.yaml",
        include_str!("../../../examples/estate/records/slos.yaml"),
    ),
];

/// What each target serves.
pub(super) const TARGETS: &[(&str, &str)] = &[
    (
        "checkout",
        include_str!("../../../examples/estate/targets/checkout.prom"),
    ),
    (
        "ledger",
        include_str!("../../../examples/estate/targets/ledger.prom"),
    ),
    (
        "mailer",
        include_str!("../../../examples/estate/targets/mailer.prom"),
    ),
];

const ANSWERS: &str = include_str!("../../../examples/estate/answers.yaml");

#[expect(
    clippy::unwrap_used,
    reason = "these expressions are constant and tested"
)]
static DAY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b20\d\d-\d\d-\d\d\b").unwrap());
#[expect(
    clippy::unwrap_used,
    reason = "these expressions are constant and tested"
)]
static QUARTER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b20\d\d-Q[1-4]\b").unwrap());
#[expect(
    clippy::unwrap_used,
    reason = "these expressions are constant and tested"
)]
static SOURCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"http://[a-z]+\.example(:\d+)?").unwrap());

/// What the sources answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    queries: Vec<QueryAnswer>,
    paths: BTreeMap<String, Value>,
    pages: BTreeMap<String, i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryAnswer {
    holds: String,
    series: Vec<(BTreeMap<String, String>, f64)>,
}

/// The running estate: dropped, its servers stop and its folder goes.
#[derive(Debug)]
pub(super) struct Estate {
    folder: PathBuf,
    _servers: JoinSet<()>,
}

impl Drop for Estate {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's folder for such things.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Estate {
    /// Starts everything, with targets on the first of these ports that is free on loopback.
    pub(super) async fn start(ports: &[u16]) -> Result<(Self, u16), String> {
        let mut taken = String::new();
        for port in ports {
            match listen_all(*port).await {
                Ok(targets) => return Ok((Self::serving(targets).await?, *port)),
                Err(error) => taken = error,
            }
        }
        Err(format!("no port of {ports:?} is free on loopback: {taken}"))
    }

    async fn serving(targets: Vec<TcpListener>) -> Result<Self, String> {
        let now = Timestamp::now();
        let answers = ANSWERS.replace("http://statuspage.example", "");
        let answers: Answers =
            serde_saphyr::from_str(&answers).map_err(|error| format!("answers.yaml: {error}"))?;
        let mut servers = JoinSet::new();
        let sources = listen(Ipv4Addr::new(127, 0, 67, 200), 0).await?;
        let address = sources.local_addr().map_err(|error| error.to_string())?;
        let answers = Arc::new(answers);
        servers.spawn(serve(sources, move |request| {
            let answers = Arc::clone(&answers);
            async move { answers.answer(request, now).await }
        }));
        let mut addresses = Vec::new();
        for (listener, (name, body)) in targets.into_iter().zip(TARGETS) {
            let at = listener.local_addr().map_err(|error| error.to_string())?;
            addresses.push((*name, at));
            servers.spawn(serve(listener, |_| async {
                let text = "text/plain; version=0.0.4";
                answer(200, text, Bytes::from_static(body.as_bytes()))
            }));
        }
        let folder = std::env::temp_dir().join(format!("manifesto-estate-{}", std::process::id()));
        let estate = Self {
            folder,
            _servers: servers,
        };
        for (name, text) in FILES {
            let text = located(&moved(text, now), address, &addresses);
            write(&estate.folder.join(name), &text)?;
        }
        Ok(estate)
    }

    /// Its configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.join("config.yaml")
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The same text, as if it had been written today.
fn moved(text: &str, now: Timestamp) -> String {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let passed = (today - WRITTEN).get_days();
    let text = DAY.replace_all(text, |found: &Captures<'_>| {
        let day: Option<Date> = found[0].parse().ok();
        let moved = day.and_then(|day| day.checked_add(passed.days()).ok());
        moved.map_or_else(|| found[0].to_owned(), |day| day.to_string())
    });
    let text = QUARTER.replace_all(&text, |found: &Captures<'_>| {
        let moved = moved_quarter(&found[0], today);
        moved.unwrap_or_else(|| found[0].to_owned())
    });
    text.into_owned()
}

/// The quarter that lies as far from today's as one lay from that of the day on which the example was written.
fn moved_quarter(name: &str, today: Date) -> Option<String> {
    let calendar = FiscalCalendar::default();
    let (mut then, mut now) = (calendar.quarter_of(WRITTEN)?, calendar.quarter_of(today)?);
    let named = calendar.quarter(name).ok()?;
    while then != named {
        (then, now) = match then < named {
            true => (calendar.after(&then)?, calendar.after(&now)?),
            false => (calendar.before(&then)?, calendar.before(&now)?),
        };
    }
    Some(now.name)
}

/// The same text with the addresses at which things really are.
fn located(text: &str, sources: SocketAddr, targets: &[(&str, SocketAddr)]) -> String {
    let mut text = text.to_owned();
    for (name, address) in targets {
        text = text.replace(&format!("{name}.example:8067"), &address.to_string());
    }
    SOURCE
        .replace_all(&text, format!("http://{sources}"))
        .into_owned()
}

/// An address of its own for each target.
async fn listen_all(port: u16) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::new();
    for (host, _) in (201..).zip(TARGETS) {
        listeners.push(listen(Ipv4Addr::new(127, 0, 67, host), port).await?);
    }
    Ok(listeners)
}

async fn listen(host: Ipv4Addr, port: u16) -> Result<TcpListener, String> {
    TcpListener::bind((host, port))
        .await
        .map_err(|error| format!("cannot listen on {host}:{port}: {error}"))
}

type ScriptedAnswer = Response<Full<Bytes>>;

fn answer(status: u16, content_type: &'static str, body: Bytes) -> ScriptedAnswer {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let value = http::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

async fn serve<F, A>(listener: TcpListener, respond: F)
where
    F: Fn(Request<hyper::body::Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = ScriptedAnswer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let respond = respond.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = respond(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            // A client that goes away is no fault of ours.
            let _ended = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Answers {
    async fn answer(
        &self,
        request: Request<hyper::body::Incoming>,
        now: Timestamp,
    ) -> ScriptedAnswer {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        if matches!(path.as_str(), "/api/v1/query" | "/loki/api/v1/query") {
            let form = match Limited::new(body, REQUEST_BYTES_MAX).collect().await {
                Ok(body) if parts.method == http::Method::POST => body.to_bytes().to_vec(),
                _ => parts.uri.query().unwrap_or("").as_bytes().to_vec(),
            };
            let mut pairs = url::form_urlencoded::parse(&form);
            let query = pairs.find(|(name, _)| name == "query");
            let query = query.map_or_else(String::new, |(_, text)| text.into_owned());
            return self.query(&query, now);
        }
        if let Some(days) = self.pages.get(&path) {
            let mut page = answer(200, "text/plain", Bytes::from("a page of the example\n"));
            let changed = now - SignedDuration::from_hours(24 * days);
            let text =
                jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&changed);
            if let Some(value) = text
                .ok()
                .and_then(|text| http::HeaderValue::from_str(&text).ok())
            {
                page.headers_mut().insert(LAST_MODIFIED, value);
            }
            return page;
        }
        match self.paths.get(&path) {
            Some(Value::String(text)) => answer(200, "text/plain", Bytes::from(text.clone())),
            Some(value) => json_answer(&timed(value, now)),
            None => answer(404, "text/plain", Bytes::from("not part of the example\n")),
        }
    }

    fn query(&self, query: &str, now: Timestamp) -> ScriptedAnswer {
        let known = self
            .queries
            .iter()
            .find(|known| query.contains(&known.holds));
        let series = known.map_or(&[][..], |known| &known.series);
        let at = now.as_second();
        let result: Vec<Value> = series
            .iter()
            .map(|(labels, value)| json!({"metric": labels, "value": [at, value.to_string()]}))
            .collect();
        json_answer(
            &json!({"status": "success", "data": {"resultType": "vector", "result": result}}),
        )
    }
}

fn json_answer(value: &Value) -> ScriptedAnswer {
    answer(200, "application/json", Bytes::from(value.to_string()))
}

/// Moments that are told as so many days ago.
fn timed(value: &Value, now: Timestamp) -> Value {
    let ago = |text: &str, prefix: &str| {
        let days: i64 = text.strip_prefix(prefix)?.strip_suffix('d')?.parse().ok()?;
        Some(now - SignedDuration::from_hours(24 * days))
    };
    match value {
        Value::String(text) => match (ago(text, "@ms-"), ago(text, "@iso-")) {
            (Some(at), _) => json!(at.as_millisecond()),
            (_, Some(at)) => json!(at.to_string()),
            (None, None) => value.clone(),
        },
        Value::Array(values) => values.iter().map(|value| timed(value, now)).collect(),
        Value::Object(fields) => {
            let timed = fields
                .iter()
                .map(|(key, value)| (key.clone(), timed(value, now)));
            Value::Object(timed.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table that is printed rests on one look; the page waits for a process that may have just begun.
    #[test]
    fn targets_say_that_they_run_for_long() {
        for (name, body) in TARGETS {
            assert!(
                body.contains("\nprocess_start_time_seconds 1.7e+09\n"),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_written_moves_with_the_days() {
        let later: Timestamp = "2027-01-04T10:00:00Z".parse().unwrap();
        let text = "signed_at: 2026-11-20, quarter: 2026-Q4, last: 2026-Q3, version: 2026.2";
        let moved = moved(text, later);
        assert_eq!(
            moved,
            "signed_at: 2026-12-30, quarter: 2027-Q1, last: 2026-Q4, version: 2026.2"
        );
        let value = timed(&json!({"a": ["@iso-4d", "@ms-1d", 3]}), later);
        assert_eq!(
            value,
            json!({"a": ["2026-12-31T10:00:00Z", 1_798_970_400_000_i64, 3]})
        );
    }
}
