//! Prometheus's query API, which Thanos, Mimir and VictoriaMetrics speak too, and Loki for numbers:
//! <https://prometheus.io/docs/prometheus/latest/querying/api/>.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::document::duration;
use crate::labels::Labels;
use crate::sources::error::{SourceError, SourceErrorKind};
use crate::sources::index::{Sample, Vector};
use crate::sources::server::Server;

/// Elements of a vector: one a service, or a few.
const SAMPLES_MAX: usize = 100_000;

#[derive(Debug, Deserialize)]
struct Envelope {
    status: String,
    #[serde(default)]
    error: String,
    /// VictoriaMetrics's word that some of its stores were silent.
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Element>),
    Scalar((f64, String)),
    Matrix(Vec<Row>),
    Streams(serde::de::IgnoredAny),
    String(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Element {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// A range query up to now: of each series its least and its largest value, and NaN where there was
/// one. All values are on one side of a threshold where these are.
pub(super) async fn range(
    server: &Server,
    text: &str,
    range_seconds: u64,
    step_seconds: u64,
) -> Result<Vector, SourceError> {
    let end = jiff::Timestamp::now().as_second();
    let start = end.saturating_sub_unsigned(range_seconds).max(0);
    let form = [
        ("query", text),
        ("start", &*start.to_string()),
        ("end", &*end.to_string()),
        ("step", &*step_seconds.to_string()),
        ("partial_response", "false"),
        ("deny_partial_response", "1"),
    ];
    let answer: Envelope = server.post_json("/api/v1/query_range", &form).await?;
    let unexpected = |why: &str| SourceError::new(SourceErrorKind::Answer, why);
    if answer.status != "success" || answer.is_partial {
        return Err(unexpected(&format!("the query failed: {}", answer.error)));
    }
    let Some(Data::Matrix(rows)) = answer.data else {
        return Err(unexpected("the query yields no series over time"));
    };
    if rows.len() > SAMPLES_MAX {
        let message = format!("{} series are more than {SAMPLES_MAX}", rows.len());
        return Err(SourceError::new(SourceErrorKind::Limit, message));
    }
    let mut samples = Vec::new();
    for row in rows {
        let named = row.metric.iter().filter(|(name, _)| *name != "__name__");
        let labels: Labels = named.collect();
        let values = row.values.iter().map(|(_, text)| text.parse::<f64>());
        let values: Vec<f64> = values
            .collect::<Result<_, _>>()
            .map_err(|_| unexpected("a value is not a number"))?;
        let mut ends = vec![
            values.iter().copied().reduce(f64::min),
            values.iter().copied().reduce(f64::max),
        ];
        ends.extend(
            values
                .iter()
                .find(|value| value.is_nan())
                .map(|nan| Some(*nan)),
        );
        samples.extend(ends.into_iter().flatten().map(|value| Sample {
            labels: labels.clone(),
            value,
        }));
    }
    Ok(Vector::new(samples))
}

/// An instant query, now.
pub(super) async fn query(server: &Server, path: &str, text: &str) -> Result<Vector, SourceError> {
    let answer: Envelope = match path.starts_with("/loki") {
        // Loki's POST is newer than many that run.
        true => server.json(path, &[("query", text)]).await?,
        // Thanos and VictoriaMetrics would leave out stores that are down, and call it an answer.
        false => {
            let form = [
                ("query", text),
                ("partial_response", "false"),
                ("deny_partial_response", "1"),
            ];
            server.post_json(path, &form).await?
        }
    };
    vector(answer).map(Vector::new)
}

fn vector(answer: Envelope) -> Result<Vec<Sample>, SourceError> {
    let unexpected = |why: String| SourceError::new(SourceErrorKind::Answer, why);
    if answer.status != "success" {
        return Err(unexpected(format!("the query failed: {}", answer.error)));
    }
    if answer.is_partial {
        return Err(unexpected(
            "the answer is partial: a store is down".to_owned(),
        ));
    }
    let number = |text: &str| {
        text.parse::<f64>()
            .map_err(|_| unexpected(format!("`{text}` is not a number")))
    };
    match answer.data {
        Some(Data::Scalar((_, text))) => Ok(vec![Sample {
            labels: Labels::new(),
            value: number(&text)?,
        }]),
        Some(Data::Vector(elements)) if elements.len() > SAMPLES_MAX => Err(SourceError::new(
            SourceErrorKind::Limit,
            format!("{} series are more than {SAMPLES_MAX}", elements.len()),
        )),
        Some(Data::Vector(elements)) => elements
            .into_iter()
            .map(|element| {
                let named = element
                    .metric
                    .iter()
                    .filter(|(name, _)| *name != "__name__");
                Ok(Sample {
                    labels: named.collect(),
                    value: number(&element.value.1)?,
                })
            })
            .collect(),
        Some(Data::Matrix(_) | Data::Streams(_) | Data::String(_)) => {
            Err(unexpected("the query yields no instant numbers".to_owned()))
        }
        None => Err(unexpected("the answer holds no data".to_owned())),
    }
}

/// How long samples are kept, by resolution. `None`: this server says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetricRetention {
    /// As scraped.
    pub raw: Option<Duration>,
    /// Downsampled to five minutes.
    pub five_minutes: Option<Duration>,
    /// Downsampled to an hour.
    pub one_hour: Option<Duration>,
    /// Old samples also give way where the store grows past a size: the time is no promise then.
    pub is_bounded_by_size: bool,
}

/// What Prometheus keeps where no flag says otherwise.
const PROMETHEUS_DEFAULT: Duration = Duration::from_secs(15 * 24 * 3600);

/// What VictoriaMetrics keeps where no flag says otherwise: a month, 31 days by its documentation.
const VICTORIA_METRICS_DEFAULT: Duration = Duration::from_secs(31 * 24 * 3600);

#[derive(Debug, Deserialize)]
struct Flags {
    data: BTreeMap<String, String>,
}

/// Flags as JSON (Prometheus, Thanos), or as text where there is no such API (VictoriaMetrics).
pub(super) async fn retention(server: &Server) -> Result<MetricRetention, SourceError> {
    let flags = server.json::<Flags>("/api/v1/status/flags", &[]).await;
    match flags {
        Ok(flags) => of_flags(&flags.data),
        // VictoriaMetrics has the path too, and answers with an empty object, or refuses.
        Err(SourceError {
            reason: SourceErrorKind::Http | SourceErrorKind::Answer,
            ..
        }) => match server.text("/flags").await {
            Ok(text) => of_flags(&text_flags(&text)),
            // Mimir, a querier: it answers queries and says nothing of what it keeps.
            Err(error) if error.status == Some(404) => Ok(MetricRetention::default()),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// `-name="value"`, a line each, dashes and quotes as may be.
fn text_flags(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.trim().trim_start_matches('-').split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

fn of_flags(flags: &BTreeMap<String, String>) -> Result<MetricRetention, SourceError> {
    let flag = |name: &str| {
        flags
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    };
    let time = |name: &str, text: &str| {
        let parsed = duration::parse(text).ok();
        parsed.ok_or_else(|| {
            let message = format!("flag `{name}`: `{text}` is not a duration");
            SourceError::new(SourceErrorKind::Answer, message)
        })
    };
    // Thanos's compactor: 0d is for ever.
    let thanos = |resolution: &str| {
        let name = format!("retention.resolution-{resolution}");
        let text = flag(&name)?;
        Some(time(&name, text).map(|kept| match kept.is_zero() {
            true => Duration::MAX,
            false => kept,
        }))
    };
    if let Some(raw) = thanos("raw") {
        return Ok(MetricRetention {
            raw: Some(raw?),
            five_minutes: thanos("5m").transpose()?,
            one_hour: thanos("1h").transpose()?,
            is_bounded_by_size: false,
        });
    }
    if flags.contains_key("storageDataPath") {
        let raw = match flag("retentionPeriod") {
            None => VICTORIA_METRICS_DEFAULT,
            // A bare number counts months.
            Some(text) => match text.parse::<u32>() {
                Ok(months) => VICTORIA_METRICS_DEFAULT * months,
                Err(_) => time("retentionPeriod", text)?,
            },
        };
        return Ok(MetricRetention {
            raw: Some(raw),
            ..MetricRetention::default()
        });
    }
    if !flags.contains_key("storage.tsdb.path")
        && !flags.contains_key("storage.tsdb.retention.time")
    {
        return Ok(MetricRetention::default());
    }
    // The zero of an unset flag is shown as `0s`.
    let stated = ["storage.tsdb.retention.time", "storage.tsdb.retention"]
        .into_iter()
        .find_map(|name| Some((name, flag(name).filter(|text| *text != "0s")?)));
    let is_sized = flag("storage.tsdb.retention.size").is_some_and(|v| v != "0B");
    let raw = match stated {
        Some((name, text)) => time(name, text)?,
        None if is_sized => Duration::MAX,
        None => PROMETHEUS_DEFAULT,
    };
    Ok(MetricRetention {
        raw: Some(raw),
        is_bounded_by_size: is_sized,
        ..MetricRetention::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn days(days: u64) -> Option<Duration> {
        Some(Duration::from_secs(days * 24 * 3600))
    }

    #[test]
    fn flags_tell_what_each_product_keeps() {
        let prometheus = of_flags(&flags(&[
            ("storage.tsdb.path", "data"),
            ("storage.tsdb.retention.time", "0s"),
            ("storage.tsdb.retention.size", "0B"),
        ]));
        let prometheus = prometheus.unwrap();
        assert_eq!(
            (prometheus.raw, prometheus.is_bounded_by_size),
            (days(15), false)
        );
        let sized = of_flags(&flags(&[
            ("storage.tsdb.path", "data"),
            ("storage.tsdb.retention.time", "30d"),
            ("storage.tsdb.retention.size", "10GB"),
        ]));
        let sized = sized.unwrap();
        assert_eq!((sized.raw, sized.is_bounded_by_size), (days(30), true));
        let thanos = of_flags(&flags(&[
            ("retention.resolution-raw", "7d"),
            ("retention.resolution-5m", "365d"),
            ("retention.resolution-1h", "0d"),
        ]));
        let thanos = thanos.unwrap();
        assert_eq!((thanos.raw, thanos.five_minutes), (days(7), days(365)));
        assert_eq!(thanos.one_hour, Some(Duration::MAX));
        let text = "-retentionPeriod=\"1y\"\n-storageDataPath=\"vm\"\n";
        assert_eq!(of_flags(&text_flags(text)).unwrap().raw, days(365));
        let months = "-retentionPeriod=\"12\"\n-storageDataPath=\"vm\"\n";
        assert_eq!(of_flags(&text_flags(months)).unwrap().raw, days(372));
        // A querier keeps nothing itself.
        assert_eq!(
            of_flags(&flags(&[("query.timeout", "2m")])).unwrap(),
            MetricRetention::default()
        );
        assert!(of_flags(&flags(&[("retention.resolution-raw", "long")])).is_err());
    }
}
