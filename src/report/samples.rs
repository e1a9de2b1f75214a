//! What history keeps of key results that are queries: what they yield cannot be asked later.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::history::KeyResultSample;
use crate::okr::queried;
use crate::snapshot::Snapshot;

/// What queries of the present quarter's key results yield now.
pub fn key_result_samples(snapshot: &Snapshot, now: Timestamp) -> Vec<KeyResultSample> {
    let day = snapshot.ruleset.records.calendar.day_at(now);
    let day = i64::from((day - Date::ZERO).get_days());
    let samples = queried(snapshot)
        .into_iter()
        .map(|(id, value)| KeyResultSample {
            quarter: id.quarter,
            team: id.team,
            objective: id.objective,
            key_result: id.key_result,
            day,
            at: now,
            value,
        });
    samples.collect()
}
