//! What is done with history now and then: what queries of key results yield is noted, what key results
//! measured before is read, quarters are frozen a month after their end, what is past its time is forgotten.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::task::spawn_blocking;
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

/// When each was done last.
pub(super) struct Chores {
    file: PathBuf,
    pasts: Arc<ArcSwap<KeyResultPasts>>,
    retention: SignedDuration,
    begun: Instant,
    /// With the rules of that time: other objectives have another past.
    often: Option<(Instant, Arc<Ruleset>)>,
    seldom: Option<Instant>,
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
        if is_due {
            self.often = Some((Instant::now(), Arc::clone(&snapshot.ruleset)));
            recorder = self.measured_before(recorder, snapshot, now).await?;
        }
        if self.seldom.is_none_or(|last| last.elapsed() >= SELDOM) {
            self.seldom = Some(Instant::now());
            recorder = self.tidied(recorder, snapshot, now).await?;
        }
        Ok(recorder)
    }

    /// Notes what queries yield, and reads what key results measured before.
    async fn measured_before(
        &self,
        mut recorder: Recorder,
        snapshot: &Arc<Snapshot>,
        now: Timestamp,
    ) -> Result<Recorder, HistoryError> {
        let (file, snapshot) = (self.file.clone(), Arc::clone(snapshot));
        let read = move || {
            let records = &snapshot.ruleset.records;
            recorder.sample(&key_result_samples(&snapshot, now))?;
            let objectives = records.objectives.as_deref().unwrap_or_default();
            let pasts = match objectives.is_empty() {
                true => Ok(KeyResultPasts::default()),
                false => Reader::open(&file).and_then(|reader| {
                    key_result_pasts(&reader, &records.calendar, objectives, now)
                }),
            };
            Ok((recorder, pasts))
        };
        let (recorder, pasts) = done(spawn_blocking(read).await)?;
        match pasts {
            Ok(pasts) => self.pasts.store(Arc::new(pasts)),
            // What cannot be read keeps nobody from writing.
            Err(error) => tracing::error!("what key results measured before: {error}"),
        }
        Ok(recorder)
    }

    /// Freezes what is due, and forgets what is past its time.
    async fn tidied(
        &self,
        mut recorder: Recorder,
        snapshot: &Arc<Snapshot>,
        now: Timestamp,
    ) -> Result<Recorder, HistoryError> {
        let file = self.file.clone();
        let calendar = snapshot.ruleset.records.calendar.clone();
        let oldest = now.saturating_sub(self.retention).unwrap_or(Timestamp::MIN);
        let tidy = move || {
            recorder.forget_targets(now)?;
            let until = match freeze_due(&file, &calendar, now, oldest) {
                Ok(Some(until)) => until,
                Ok(None) => return Ok(recorder),
                // What cannot be frozen keeps nobody from writing, and nothing is forgotten.
                Err(error) => {
                    tracing::error!("reports could not be frozen: {error}");
                    return Ok(recorder);
                }
            };
            let rows = recorder.prune(until)?;
            if rows > 0 {
                tracing::info!(rows, before = %until, "old history forgotten");
            }
            Ok(recorder)
        };
        done(spawn_blocking(tidy).await)
    }
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
