//! Loki: streams and retention. Its numbers come as Prometheus's do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::document::duration;
use crate::labels::Labels;
use crate::sources::error::{SourceError, SourceErrorKind};
use crate::sources::index::Streams;
use crate::sources::server::Server;

/// How far back streams are looked for.
const STREAMS_RANGE_HOURS: i64 = 1;

/// Streams of an answer.
const STREAMS_MAX: usize = 100_000;

#[derive(Debug, Deserialize)]
struct Series {
    data: Vec<BTreeMap<String, String>>,
}

/// The label sets of the streams of the last hour.
pub(super) async fn streams(server: &Server, selector: &str) -> Result<Streams, SourceError> {
    let now = jiff::Timestamp::now();
    let start = now - jiff::SignedDuration::from_hours(STREAMS_RANGE_HOURS);
    let (start, end) = (
        start.as_nanosecond().to_string(),
        now.as_nanosecond().to_string(),
    );
    let parameters = [("match[]", selector), ("start", &*start), ("end", &*end)];
    let series: Series = server.json("/loki/api/v1/series", &parameters).await?;
    if series.data.len() > STREAMS_MAX {
        return Err(SourceError::new(
            SourceErrorKind::Limit,
            format!("{} streams are more than {STREAMS_MAX}", series.data.len()),
        ));
    }
    let labels = |stream: &BTreeMap<String, String>| stream.iter().collect::<Labels>();
    let streams = series.data.iter().map(labels).collect();
    Ok(Streams::new(streams))
}

/// How long Loki keeps lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogRetention {
    /// Whether the compactor deletes what is too old: without it the rest means nothing, and
    /// everything is kept.
    pub enabled: bool,
    /// What holds where no stream says otherwise; `None`: for ever.
    pub period: Option<Duration>,
    /// Streams that are kept otherwise: selector and period.
    pub streams: Vec<(String, Duration)>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct RawConfig {
    compactor: RawCompactor,
    limits_config: RawLimits,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct RawCompactor {
    retention_enabled: bool,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct RawLimits {
    retention_period: String,
    retention_stream: Option<Vec<RawStream>>,
}

#[derive(Debug, Deserialize)]
struct RawStream {
    selector: String,
    period: String,
}

/// The configuration in force, which Loki shows as YAML, defaults filled in.
pub(super) async fn retention(server: &Server) -> Result<LogRetention, SourceError> {
    of_config(&server.text("/config").await?)
}

fn of_config(text: &str) -> Result<LogRetention, SourceError> {
    let unexpected = |why: String| SourceError::new(SourceErrorKind::Answer, why);
    let raw: RawConfig = serde_saphyr::from_str(text)
        .map_err(|error| unexpected(format!("the configuration does not read: {error}")))?;
    let time = |text: &str| {
        let parsed = duration::parse(text).ok();
        parsed.ok_or_else(|| unexpected(format!("retention `{text}` is not a duration")))
    };
    let period = match raw.limits_config.retention_period.as_str() {
        "" => None,
        // Loki keeps for ever what has no period.
        text => Some(time(text)?).filter(|period| !period.is_zero()),
    };
    let streams = raw.limits_config.retention_stream.unwrap_or_default();
    Ok(LogRetention {
        enabled: raw.compactor.retention_enabled,
        period,
        streams: streams
            .into_iter()
            .map(|stream| Ok((stream.selector, time(&stream.period)?)))
            .collect::<Result<_, SourceError>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_tells_what_is_kept() {
        let text = "
auth_enabled: false
compactor:
  retention_enabled: true
limits_config:
  retention_period: 30d
  retention_stream:
    - {selector: '{tier=\"critical\"}', priority: 1, period: 744h}
";
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let retention = of_config(text).unwrap();
        assert!(retention.enabled);
        assert_eq!(retention.period, Some(hours(720)));
        assert_eq!(
            retention.streams,
            [("{tier=\"critical\"}".to_owned(), hours(744))]
        );
        let forever = of_config("limits_config: {retention_period: 0s}\n").unwrap();
        assert_eq!((forever.enabled, forever.period), (false, None));
        assert!(of_config("limits_config: {retention_period: soon}").is_err());
    }
}
