//! What warm-up knows of targets, as stored.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::checks::Series;
use crate::checks::warmup::{SEEN_COUNTS, TargetPast};
use crate::discovery::target::ServiceKey;

/// What warm-up knew of a target, as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredTarget {
    service: String,
    environment: String,
    first_seen: Timestamp,
    good_scrapes: u32,
    seen: Vec<(String, Timestamp, String)>,
}

impl StoredTarget {
    pub(super) fn of(target: &TargetPast) -> Self {
        let seen = target.seen.iter();
        Self {
            service: target.service.name.clone(),
            environment: target.service.environment.clone(),
            first_seen: target.first_seen,
            good_scrapes: target.good_scrapes,
            seen: seen
                .map(|(series, at, message)| (series.as_str().to_owned(), *at, message.to_string()))
                .collect(),
        }
    }

    fn into_past(self, url: String) -> TargetPast {
        let seen = self.seen.into_iter().filter_map(|(name, at, message)| {
            let series = Series::ALL.iter().find(|s| s.as_str() == name)?;
            Some((*series, at, message.into()))
        });
        TargetPast {
            url,
            service: ServiceKey {
                name: self.service,
                environment: self.environment,
            },
            first_seen: self.first_seen,
            good_scrapes: self.good_scrapes,
            seen: seen.collect(),
        }
    }
}

/// Deletes what is known of targets that are long gone; returns how many.
pub(super) fn forget_targets(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let counts = SignedDuration::try_from(SEEN_COUNTS).unwrap_or(SignedDuration::ZERO);
    let oldest = (now - counts).as_millisecond();
    connection.execute("DELETE FROM target WHERE refreshed < ?1", (oldest,))
}

/// What is known of targets that were there lately.
pub(super) fn targets(
    connection: &Connection,
    now: Timestamp,
) -> rusqlite::Result<Vec<TargetPast>> {
    forget_targets(connection, now)?;
    let mut select = connection.prepare("SELECT url, body FROM target ORDER BY url")?;
    let found = select.query_map((), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut targets = Vec::new();
    for row in found {
        let (url, body) = row?;
        // What cannot be read is measured anew.
        if let Ok(stored) = serde_json::from_str::<StoredTarget>(&body) {
            targets.push(stored.into_past(url));
        }
    }
    Ok(targets)
}
