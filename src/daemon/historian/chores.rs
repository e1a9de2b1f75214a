//! What is done with history now and then: what queries of key results yield is noted, what key results
//! measured before is read, quarters are frozen a month after their end, what is past its time is forgotten.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use crate::calendar::FiscalCalendar;
use crate::history::{HistoryError, Reader, Recorder, freeze};
use crate::okr::KeyResultPasts;
use crate::report::{due, is_settled, key_result_pasts, key_result_samples, prunable};
use crate::snapshot::{Ruleset, Snapshot};

/// Queries are noted, and what was measured before is read, so often.
const OFTEN: Duration = Duration::from_secs(3_600);

/// In the first hours sooner, each time when the exporter has run for half as long again: baselines are young then.
const OFTEN_AT_FIRST: Duration = Duration::from_secs(30);

/// Quarters are frozen, and old history forgotten, so often.
const SELDOM: Duration = Duration::from_secs(24 * 3_600);

/// When each was done last. What only reads is done beside the recorder, which goes on meanwhile.
pub(super) struct Chores {
    file: PathBuf,
    pasts: Arc<ArcSwap<KeyResultPasts>>,
    retention: SignedDuration,
    begun: Instant,
    /// With the rules of that time: other objectives have another past.
    often: Option<(Instant, Arc<Ruleset>)>,
    seldom: Option<Instant>,
    reading: Option<JoinHandle<()>>,
    /// Yields until when history may be forgotten.
    freezing: Option<JoinHandle<Option<Timestamp>>>,
}

impl Chores {
    pub(super) fn new(
        file: &Path,
        pasts: Arc<ArcSwap<KeyResultPasts>>,
        retention: SignedDuration,
    ) -> Self {
        Self {
            file: file.to_owned(),
            pasts,
            retention,
            begun: Instant::now(),
            often: None,
            seldom: None,
            reading: None,
            freezing: None,
        }
    }

    /// Does what is due, after a snapshot was recorded.
    pub(super) async fn run(
        &mut self,
        mut recorder: Recorder,
        snapshot: &Arc<Snapshot>,
        now: Timestamp,
    ) -> Result<Recorder, HistoryError> {
        let is_due = self.often.as_ref().is_none_or(|(last, ruleset)| {
            let pause = (self.begun.elapsed() / 3).clamp(OFTEN_AT_FIRST, OFTEN);
            last.elapsed() >= pause || !Arc::ptr_eq(ruleset, &snapshot.ruleset)
        });
        if is_due && self.reading.as_ref().is_none_or(JoinHandle::is_finished) {
            self.often = Some((Instant::now(), Arc::clone(&snapshot.ruleset)));
            recorder = noted(recorder, snapshot, now).await?;
            self.reading = Some(self.read_pasts(snapshot, now));
        }
        if self.seldom.is_none_or(|last| last.elapsed() >= SELDOM) && self.freezing.is_none() {
            self.seldom = Some(Instant::now());
            self.freezing = Some(self.freeze(snapshot, now));
        }
        if let Some(freezing) = self.freezing.take_if(|freezing| freezing.is_finished()) {
            let until = freezing.await;
            let until = until.map_err(|panic| HistoryError::Defect(panic.to_string()))?;
            recorder = forgotten(recorder, until, now).await?;
        }
        Ok(recorder)
    }

    /// Reads what key results measured before.
    fn read_pasts(&self, snapshot: &Arc<Snapshot>, now: Timestamp) -> JoinHandle<()> {
        let (file, pasts) = (self.file.clone(), Arc::clone(&self.pasts));
        let snapshot = Arc::clone(snapshot);
        spawn_blocking(move || {
            let records = &snapshot.ruleset.records;
            let objectives = records.objectives.as_deref().unwrap_or_default();
            let read = || match objectives.is_empty() {
                true => Ok(KeyResultPasts::default()),
                false => Reader::open(&file).and_then(|reader| {
                    key_result_pasts(&reader, &records.calendar, objectives, now)
                }),
            };
            match read() {
                Ok(read) => pasts.store(Arc::new(read)),
                Err(error) => tracing::error!("what key results measured before: {error}"),
            }
        })
    }

    /// Freezes what is due.
    fn freeze(&self, snapshot: &Snapshot, now: Timestamp) -> JoinHandle<Option<Timestamp>> {
        let file = self.file.clone();
        let calendar = snapshot.ruleset.records.calendar.clone();
        let oldest = now.saturating_sub(self.retention).unwrap_or(Timestamp::MIN);
        spawn_blocking(move || match freeze_due(&file, &calendar, now, oldest) {
            Ok(until) => until,
            // Nothing is forgotten then.
            Err(error) => {
                tracing::error!("reports could not be frozen: {error}");
                None
            }
        })
    }
}

/// Notes what queries of key results yield.
async fn noted(
    mut recorder: Recorder,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Recorder, HistoryError> {
    let samples = key_result_samples(snapshot, now);
    if samples.is_empty() {
        return Ok(recorder);
    }
    let write = move || recorder.sample(&samples).map(|()| recorder);
    done(spawn_blocking(write).await)
}

/// Forgets targets that are long gone, and what lies before a moment.
async fn forgotten(
    mut recorder: Recorder,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Recorder, HistoryError> {
    let forget = move || {
        recorder.forget_targets(now)?;
        if let Some(until) = until {
            let rows = recorder.prune(until)?;
            if rows > 0 {
                tracing::info!(rows, before = %until, "old history forgotten");
            }
        }
        Ok(recorder)
    };
    done(spawn_blocking(forget).await)
}

/// Freezes the reports that are due; until when history may be forgotten then, `None` while the clock is not
/// believed.
fn freeze_due(
    file: &Path,
    calendar: &FiscalCalendar,
    now: Timestamp,
    oldest: Timestamp,
) -> Result<Option<Timestamp>, HistoryError> {
    if !is_settled(&Reader::open(file)?, now)? {
        return Ok(None);
    }
    for report in due(&Reader::open(file)?, calendar, now)? {
        let frozen = freeze(file, &report)?;
        tracing::info!(
            quarter = frozen.name,
            sha256 = frozen.digest,
            "report frozen"
        );
    }
    prunable(&Reader::open(file)?, calendar, oldest, now).map(Some)
}

fn done<T>(
    ended: Result<Result<T, HistoryError>, tokio::task::JoinError>,
) -> Result<T, HistoryError> {
    ended.unwrap_or_else(|panic| Err(HistoryError::Defect(panic.to_string())))
}
