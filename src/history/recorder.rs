//! Writes what changed from one snapshot to the next, one transaction a snapshot.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::care;
use super::codes::digest_of;
use super::coverage::{Coverage, Moment, begin, cover};
use super::error::HistoryError;
use super::memory;
use super::paths;
use super::records::{StoredRuleset, bodies};
use super::rows::Rows;
use super::samples::{KeyResultSample, write_sample};
use super::store::{self, Store};
use super::targets::forget_targets;
use super::timeline::Ended;
use super::written::{Judged, Ownership, ServiceChange, Written, WrittenService, estate, hour_of};
use crate::checks::warmup::TargetPast;
use crate::discovery::target::ServiceKey;
use crate::snapshot::{Memory, Ruleset, ServiceState, Snapshot};

/// How far the clocks may drift apart between two snapshots before the wall clock was set.
const CLOCK_STEP_MIN: SignedDuration = SignedDuration::from_secs(2);

/// Where no change says that the exporter lives, this does, so often.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Without a snapshot for so long, nothing was measured.
const STALL: Duration = Duration::from_secs(120);

/// Why an interval of coverage that did not end well did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclean {
    /// The process that wrote it died.
    Crash,
    /// This process could not write for a while.
    Disk,
    /// This process met damage in the file: it is set aside, whatever a look at it would say.
    Damage,
}

/// How a recorder works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A commit without changes is made so often, so that coverage goes on.
    pub heartbeat: Duration,
    /// Snapshots further apart than this leave a gap.
    pub stall: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            heartbeat: HEARTBEAT,
            stall: STALL,
        }
    }
}

/// What came of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Whether anything was written.
    pub committed: bool,
    /// Transitions and changes of ownership among it.
    pub rows: usize,
}

/// What opening a history found.
#[derive(Debug)]
pub struct Found {
    /// What an earlier process knew.
    pub memory: Memory,
    /// What it knew of targets.
    pub targets: Vec<TargetPast>,
    /// Where a damaged file was put, and what was wrong with it.
    pub set_aside: Option<(PathBuf, String)>,
}

/// The one writer of a history.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    written: Written,
    pace: Pace,
    /// The last commit's number.
    seq: i64,
    coverage: Option<Coverage>,
    /// The rules that were written last.
    ruleset: Option<Arc<Ruleset>>,
    /// When this last made a commit.
    committed: Option<Duration>,
}

/// What coverage does with a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Continue,
    Anew(Ended),
}

impl Recorder {
    /// Opens a history for writing.
    pub fn open(
        path: &Path,
        now: Timestamp,
        unclean: Unclean,
        pace: Pace,
    ) -> Result<(Self, Found), HistoryError> {
        let path = &paths::resolved(path)?;
        let lock = store::lock(path)?;
        let ended = match unclean {
            Unclean::Crash => Ended::Crash,
            Unclean::Disk | Unclean::Damage => Ended::Disk,
        };
        let damage = match unclean {
            Unclean::Damage => Err("damage was met while it was written".to_owned()),
            Unclean::Crash | Unclean::Disk => match memory::open(path, now, ended) {
                Err(HistoryError::Damaged { what, .. }) => Err(what),
                other => Ok(other?),
            },
        };
        let (connection, loaded, set_aside) = match damage {
            Ok(opened) => opened,
            Err(what) => {
                let aside = store::begin_anew(path, now)?;
                let (connection, loaded, _) = memory::open(path, now, ended)?;
                (connection, loaded, aside.map(|aside| (aside, what)))
            }
        };
        let store = Store::of(connection, path, lock)?;
        let recorder = Self {
            store,
            written: loaded.written,
            pace,
            seq: loaded.seq,
            coverage: None,
            ruleset: None,
            committed: None,
        };
        let found = Found {
            memory: loaded.memory,
            targets: loaded.targets,
            set_aside,
        };
        Ok((recorder, found))
    }

    /// Writes what is new in a snapshot, and of targets. After an error nothing of it is written, and this
    /// recorder is to be dropped.
    pub fn record(
        &mut self,
        snapshot: &Snapshot,
        targets: &[TargetPast],
        moment: Moment,
    ) -> Result<Recorded, HistoryError> {
        let step = self.step(moment);
        let hour = hour_of(moment.wall);
        let changes = self.changes(snapshot, hour);
        let new_rules = !self
            .ruleset
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &snapshot.ruleset));
        let is_due = self
            .committed
            .is_none_or(|last| moment.monotonic.saturating_sub(last) >= self.heartbeat(moment));
        let is_new = !changes.is_empty() || new_rules || step != Step::Continue;
        if !is_new && !is_due && targets.is_empty() {
            if let Some(coverage) = &mut self.coverage {
                coverage.last = moment;
            }
            self.remember(snapshot);
            return Ok(Recorded::default());
        }
        self.store.is_there()?;
        let path = self.store.path.clone();
        let committed = self.commit(snapshot, &changes, new_rules, targets, step, moment);
        let coverage = committed.map_err(HistoryError::sqlite(&path))?;
        self.coverage = Some(coverage);
        self.committed = Some(moment.monotonic);
        self.ruleset = Some(Arc::clone(&snapshot.ruleset));
        let rows = changes.iter().map(rows_of).sum();
        self.apply(changes);
        self.remember(snapshot);
        Ok(Recorded {
            committed: true,
            rows,
        })
    }

    /// Says that the exporter stops: what was measured until now counts.
    pub fn stop(mut self) -> Result<(), HistoryError> {
        let path = self.store.path.clone();
        let failed = HistoryError::sqlite(&path);
        self.end_coverage(Ended::Stop).map_err(failed)?;
        let closed = self.store.connection.close();
        closed.map_err(|(_, error)| HistoryError::sqlite(&path)(error))
    }

    fn end_coverage(&mut self, ended: Ended) -> rusqlite::Result<()> {
        let Some(coverage) = self.coverage.take() else {
            return Ok(());
        };
        let transaction = self.store.connection.transaction()?;
        cover(&transaction, coverage, ended)?;
        transaction.commit()
    }

    /// After how long a commit without changes is due. After news sooner: what has just begun to hold is in a report
    /// only once time was covered in which it held.
    fn heartbeat(&self, moment: Moment) -> Duration {
        let age = self
            .coverage
            .map(|coverage| moment.monotonic.saturating_sub(coverage.news));
        self.pace.heartbeat.min(age.unwrap_or_default() / 2)
    }

    /// Whether coverage goes on with a snapshot.
    fn step(&self, moment: Moment) -> Step {
        let Some(coverage) = &self.coverage else {
            return Step::Begin;
        };
        let last = coverage.last;
        let passed = moment.monotonic.saturating_sub(last.monotonic);
        let by_wall = moment.wall.duration_since(last.wall);
        let by_monotonic = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        if (by_wall - by_monotonic).abs() > CLOCK_STEP_MIN {
            Step::Anew(Ended::Clock)
        } else if passed > self.pace.stall {
            Step::Anew(Ended::Stall)
        } else {
            Step::Continue
        }
    }

    fn changes(&self, snapshot: &Snapshot, hour: i64) -> Vec<ServiceChange> {
        let rules = snapshot.manifesto().rules();
        let rule = |place: usize| rules[place].id;
        let mut changes = Vec::new();
        let nobody = WrittenService::default();
        let estate = estate();
        if let Some(first_seen) = snapshot.estate.first_seen {
            let judged = Judged {
                key: &estate,
                first_seen: first_seen.as_millisecond(),
                ownership: Ownership {
                    is_present: true,
                    team: String::new(),
                    tier: String::new(),
                },
                verdicts: &snapshot.estate.verdicts,
            };
            let known = self.written.services.get(&estate).unwrap_or(&nobody);
            changes.push(known.difference(&judged, hour, rule));
        }
        for service in &snapshot.services {
            let known = self.written.services.get(&service.key).unwrap_or(&nobody);
            let same = known
                .last
                .as_ref()
                .is_some_and(|last| Arc::ptr_eq(last, service));
            if same && !known.is_flapping() {
                continue;
            }
            changes.push(known.difference(&judged(service), hour, rule));
        }
        let gone = self.written.services.iter().filter(|(key, known)| {
            **key != estate
                && known.ownership.as_ref().is_some_and(|o| o.is_present)
                && snapshot.service(key).is_none()
        });
        let mut gone: Vec<ServiceChange> =
            gone.filter_map(|(key, known)| left(key, known)).collect();
        gone.sort_by(|a, b| a.key.cmp(&b.key));
        changes.extend(gone);
        changes.retain(|change| !change.is_empty());
        changes
    }

    fn commit(
        &mut self,
        snapshot: &Snapshot,
        changes: &[ServiceChange],
        new_rules: bool,
        targets: &[TargetPast],
        step: Step,
        moment: Moment,
    ) -> rusqlite::Result<Coverage> {
        let seq = self.seq + 1;
        let transaction = self.store.connection.transaction()?;
        let at = moment.wall.as_millisecond();
        let writes_moment = !changes.is_empty() || new_rules || step != Step::Continue;
        if writes_moment {
            let insert = "INSERT INTO moment (seq, at) VALUES (?1, ?2)";
            transaction.execute(insert, (seq, at))?;
        }
        let coverage = match (step, self.coverage) {
            (Step::Continue, Some(known)) => {
                let is_news = !changes.is_empty() || new_rules;
                let coverage = Coverage {
                    last: moment,
                    news: if is_news {
                        moment.monotonic
                    } else {
                        known.news
                    },
                    ..known
                };
                cover(&transaction, coverage, Ended::Running)?;
                coverage
            }
            (Step::Anew(ended), Some(known)) => {
                cover(&transaction, known, ended)?;
                begin(&transaction, seq, moment)?
            }
            (_, None) | (Step::Begin, Some(_)) => begin(&transaction, seq, moment)?,
        };
        let mut rows = Rows::new(&transaction, seq);
        if new_rules {
            let ruleset = StoredRuleset::of(&snapshot.ruleset);
            let json = serde_json::to_string(&ruleset).unwrap_or_default();
            let digest = digest_of(&json);
            if self.written.ruleset != Some(digest) {
                rows.ruleset(&digest, &json)?;
            }
            let bodies = bodies(&snapshot.ruleset);
            let records = rows.records(&bodies, &self.written.records)?;
            self.written.records = records;
            self.written.ruleset = Some(digest);
        }
        for change in changes {
            rows.service(change, &self.written.records)?;
        }
        for target in targets {
            rows.target(target, at)?;
        }
        drop(rows);
        transaction.commit()?;
        if writes_moment {
            self.seq = seq;
        }
        Ok(coverage)
    }

    /// What was written is known from now on.
    fn apply(&mut self, changes: Vec<ServiceChange>) {
        for change in changes {
            let known = self.written.services.entry(change.key).or_default();
            if let Some(ownership) = change.ownership {
                known.ownership = Some(ownership);
            }
            for (rule, written, _) in change.rules {
                known.rules.insert(rule, written);
            }
        }
    }

    /// Of what nothing need be looked at again.
    fn remember(&mut self, snapshot: &Snapshot) {
        for service in &snapshot.services {
            let Some(known) = self.written.services.get_mut(&service.key) else {
                continue;
            };
            if !known
                .last
                .as_ref()
                .is_some_and(|last| Arc::ptr_eq(last, service))
            {
                known.last = Some(Arc::clone(service));
            }
        }
    }

    /// Forgets what lies before a moment; returns how many rows that were.
    pub fn prune(&mut self, before: Timestamp) -> Result<usize, HistoryError> {
        let path = self.store.path.clone();
        let cut = care::cut(&mut self.store.connection, before);
        // Of those who left nothing may be there any more: should they come back, it is written anew.
        let services = &mut self.written.services;
        services.retain(|_, known| known.ownership.as_ref().is_none_or(|o| o.is_present));
        cut.map_err(HistoryError::sqlite(&path))
    }

    /// Forgets targets that are long gone; returns how many.
    pub fn forget_targets(&mut self, now: Timestamp) -> Result<usize, HistoryError> {
        let forgotten = forget_targets(&self.store.connection, now);
        forgotten.map_err(HistoryError::sqlite(&self.store.path))
    }

    /// Notes what queries of key results yielded, on a day that is told by its number.
    pub fn sample(&mut self, samples: &[KeyResultSample]) -> Result<(), HistoryError> {
        let path = self.store.path.clone();
        let connection = &mut self.store.connection;
        let mut write = || {
            let transaction = connection.transaction()?;
            for sample in samples {
                write_sample(&transaction, sample)?;
            }
            transaction.commit()
        };
        write().map_err(HistoryError::sqlite(&path))
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(&self.store.path).map_or(0, |file| file.len())
    }
}

fn judged(service: &ServiceState) -> Judged<'_> {
    let tier = service.entry.as_ref().map_or("", |entry| &entry.tier);
    Judged {
        key: &service.key,
        first_seen: service.first_seen.as_millisecond(),
        ownership: Ownership {
            is_present: true,
            team: service.team.clone(),
            tier: tier.to_owned(),
        },
        verdicts: &service.verdicts,
    }
}

/// A service that is not there any more.
fn left(key: &ServiceKey, known: &WrittenService) -> Option<ServiceChange> {
    let ownership = known.ownership.clone()?;
    Some(ServiceChange {
        key: key.clone(),
        first_seen: 0,
        ownership: Some(Ownership {
            is_present: false,
            ..ownership
        }),
        rules: Vec::new(),
    })
}

fn rows_of(change: &ServiceChange) -> usize {
    change.rules.len() + usize::from(change.ownership.is_some())
}
