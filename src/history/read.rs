//! What history knows of a span of time, for who asks: reports, the command, the page.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::de::DeserializeOwned;

use super::codes::{moment, status};
use super::error::HistoryError;
use super::memory::rules;
use super::records::{RecordKind, StoredRuleset};
use super::store;
use super::timeline::{Change, Interval, Timeline};
use crate::calendar::Span;
use crate::discovery::target::ServiceKey;
use crate::rule_id::RuleId;
use crate::snapshot::{Failing, RuleStatus};

/// A history, open for reading: everything that one sees is of one moment.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) rules: Vec<(i64, RuleId)>,
    reasons: HashMap<i64, Arc<str>>,
}

/// A service, or the estate by an empty name, as history knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownService {
    id: i64,
    /// Its name and environment.
    pub key: ServiceKey,
    /// When it was first seen.
    pub first_seen: Timestamp,
}

/// The state of a rule for a service.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Its status; `None` where the rule was not judged for it.
    pub status: Option<RuleStatus>,
    /// The status that counted in the score.
    pub counted: Option<RuleStatus>,
    /// Why, as in labels.
    pub reason: Arc<str>,
    /// Since when it was violated.
    pub failing: Option<Failing>,
    /// Its sentence: [`Reader::sentence`] reads it.
    pub detail: Detail,
}

/// A sentence that is not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Detail(i64);

/// Who owned a service, while it was there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The team, `""` where nobody said.
    pub team: String,
    /// The tier, `""` where nobody said.
    pub tier: String,
}

/// A service in a span of time. Time that is not covered is in none of its pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceHistory {
    /// Which.
    pub service: KnownService,
    /// When it was there, and whose it was.
    pub owners: Vec<(Span, Owner)>,
    /// The states of each rule, cut to when it was there.
    pub rules: Vec<(RuleId, Vec<(Span, State)>)>,
}

/// What the query of a key result yielded on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSample {
    /// The team.
    pub team: String,
    /// The objective's id.
    pub objective: String,
    /// The key result's id.
    pub key_result: String,
    /// The first value of the day, and when it was measured.
    pub first: (Timestamp, f64),
    /// The last one.
    pub last: (Timestamp, f64),
}

/// A record, and when it was written down, as far as somebody was looking.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRecord<T> {
    /// What was written.
    pub record: T,
    /// When it was first seen.
    pub from: Timestamp,
    /// When it was last seen; `None` where it is there at the end of the time that was asked about.
    pub to: Option<Timestamp>,
}

impl Reader {
    /// Opens a history for reading, beside the process that writes it.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let connection = store::open_to_read(path)?;
        let read = || {
            // One view of everything, whatever is written meanwhile.
            connection.execute_batch("BEGIN")?;
            let rules = rules(&connection)?;
            let mut select = connection.prepare("SELECT id, name FROM reason")?;
            let reasons = select.query_map((), |row| {
                Ok((row.get(0)?, Arc::from(row.get::<_, String>(1)?)))
            })?;
            let reasons = reasons.collect::<rusqlite::Result<_>>()?;
            drop(select);
            Ok((rules, reasons))
        };
        let (rules, reasons) = read().map_err(HistoryError::sqlite(path))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            rules,
            reasons,
        })
    }

    pub(super) fn failed(&self) -> impl FnOnce(rusqlite::Error) -> HistoryError {
        HistoryError::sqlite(&self.path)
    }

    /// When the exporter was measuring, as it was recorded, in the order in which it was.
    pub fn intervals(&self) -> Result<Vec<Interval>, HistoryError> {
        let read = || {
            let mut select = self
                .connection
                .prepare("SELECT seq, began, until, ended FROM coverage ORDER BY id")?;
            let found = select.query_map((), |row| {
                let ended: String = row.get(3)?;
                Ok(Interval {
                    seq: row.get(0)?,
                    span: Span {
                        from: moment(row.get(1)?),
                        to: moment(row.get(2)?),
                    },
                    ended: ended.parse().unwrap_or(super::timeline::Ended::Crash),
                })
            })?;
            found.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed())
    }

    /// The covered time within a span.
    pub fn timeline(&self, span: Span) -> Result<Timeline, HistoryError> {
        Ok(Timeline::of(&self.intervals()?, span))
    }

    /// Every service that was ever seen, by name and environment; the estate is the first.
    pub fn services(&self) -> Result<Vec<KnownService>, HistoryError> {
        let read = || {
            let mut select = self.connection.prepare(
                "SELECT id, name, environment, first_seen FROM service ORDER BY name, environment",
            )?;
            let found = select.query_map((), |row| {
                Ok(KnownService {
                    id: row.get(0)?,
                    key: ServiceKey {
                        name: row.get(1)?,
                        environment: row.get(2)?,
                    },
                    first_seen: moment(row.get(3)?),
                })
            })?;
            found.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed())
    }

    /// A service in covered time.
    pub fn service(
        &self,
        service: &KnownService,
        timeline: &Timeline,
    ) -> Result<ServiceHistory, HistoryError> {
        let segments = &timeline.segments;
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Ok(ServiceHistory {
                service: service.clone(),
                owners: Vec::new(),
                rules: Vec::new(),
            });
        };
        let (from, to) = (first.seq_from, last.seq_to);
        let read = || {
            let owners = timeline.lay(&self.ownership(service.id, from, to)?);
            let owners: Vec<(Span, Owner)> = owners
                .into_iter()
                .filter_map(|(span, owner)| Some((span, owner?)))
                .collect();
            let mut rules = Vec::with_capacity(self.rules.len());
            for (id, rule) in &self.rules {
                let changes = self.changes(service.id, *id, from, to)?;
                if changes.is_empty() {
                    continue;
                }
                let pieces = while_there(timeline.lay(&changes), &owners);
                if !pieces.is_empty() {
                    rules.push((*rule, pieces));
                }
            }
            Ok((owners, rules))
        };
        let (owners, rules) = read().map_err(self.failed())?;
        Ok(ServiceHistory {
            service: service.clone(),
            owners,
            rules,
        })
    }

    /// Who owned a service from the last change before `from` on; `None` while it was not there.
    fn ownership(
        &self,
        service: i64,
        from: i64,
        to: i64,
    ) -> rusqlite::Result<Vec<Change<Option<Owner>>>> {
        let mut select = self.connection.prepare_cached(
            "SELECT o.seq, m.at, o.is_present, o.team, o.tier FROM ownership o JOIN moment m USING (seq) \
             WHERE o.service = ?1 AND o.seq < ?3 AND o.seq >= coalesce( \
             (SELECT max(seq) FROM ownership WHERE service = ?1 AND seq < ?2), ?2) ORDER BY o.seq",
        )?;
        let found = select.query_map((service, from, to), |row| {
            let owner = Owner {
                team: row.get(3)?,
                tier: row.get(4)?,
            };
            Ok(Change {
                seq: row.get(0)?,
                at: moment(row.get(1)?),
                state: row.get::<_, bool>(2)?.then_some(owner),
            })
        })?;
        found.collect()
    }

    /// The changes of a rule's state from the last before `from` on.
    fn changes(
        &self,
        service: i64,
        rule: i64,
        from: i64,
        to: i64,
    ) -> rusqlite::Result<Vec<Change<State>>> {
        let mut select = self.connection.prepare_cached(
            "SELECT v.seq, m.at, v.status, v.counted, v.reason, v.detail, v.failing_since, v.failing_is_exact \
             FROM verdict v JOIN moment m USING (seq) \
             WHERE v.service = ?1 AND v.rule = ?2 AND v.seq < ?4 AND v.seq >= coalesce( \
             (SELECT max(seq) FROM verdict WHERE service = ?1 AND rule = ?2 AND seq < ?3), ?3) \
             ORDER BY v.seq",
        )?;
        let found = select.query_map((service, rule, from, to), |row| self.change(row))?;
        found.collect()
    }

    fn change(&self, row: &Row<'_>) -> rusqlite::Result<Change<State>> {
        let reason: i64 = row.get(4)?;
        let failing: (Option<i64>, Option<bool>) = (row.get(6)?, row.get(7)?);
        Ok(Change {
            seq: row.get(0)?,
            at: moment(row.get(1)?),
            state: State {
                status: status(row.get(2)?),
                counted: status(row.get(3)?),
                reason: self.reasons.get(&reason).cloned().unwrap_or_default(),
                failing: failing.0.zip(failing.1).map(|(since, is_exact)| Failing {
                    since: moment(since),
                    is_exact,
                }),
                detail: Detail(row.get(5)?),
            },
        })
    }

    /// The sentence of a state.
    pub fn sentence(&self, detail: Detail) -> Result<String, HistoryError> {
        let read = || {
            let mut select = self
                .connection
                .prepare_cached("SELECT message FROM detail WHERE id = ?1")?;
            select.query_row((detail.0,), |row| row.get(0)).optional()
        };
        let found = read().map_err(self.failed())?;
        Ok(found.unwrap_or_default())
    }

    /// The rules that were in force in covered time, each with its first moment there.
    pub fn rulesets(
        &self,
        timeline: &Timeline,
    ) -> Result<Vec<(Timestamp, StoredRuleset)>, HistoryError> {
        let read = || {
            let mut select = self.connection.prepare(
                "SELECT r.seq, m.at, r.body FROM ruleset r JOIN moment m USING (seq) ORDER BY seq",
            )?;
            let found = select.query_map((), |row| {
                Ok(Change {
                    seq: row.get(0)?,
                    at: moment(row.get(1)?),
                    state: Arc::<str>::from(row.get::<_, String>(2)?),
                })
            })?;
            found.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut pieces = timeline.lay(&read().map_err(self.failed())?);
        pieces.dedup_by(|later, earlier| later.1 == earlier.1);
        let in_force = pieces.into_iter();
        in_force
            .map(|(span, body)| Ok((span.from, self.parsed(&body)?)))
            .collect()
    }

    /// The records of a kind that were in force in covered time, in the order in which they came.
    pub fn records<T: DeserializeOwned>(
        &self,
        kind: RecordKind,
        timeline: &Timeline,
    ) -> Result<Vec<KnownRecord<T>>, HistoryError> {
        let read = || {
            let mut select = self.connection.prepare(
                "SELECT r.body, s.seq, a.at, s.seq_to, b.at FROM record r \
                 JOIN record_seen s ON s.record = r.id JOIN moment a ON a.seq = s.seq \
                 LEFT JOIN moment b ON b.seq = s.seq_to \
                 WHERE r.kind = ?1 ORDER BY s.seq, r.digest",
            )?;
            let found = select.query_map((kind.as_str(),), |row| {
                let mut seen = vec![Change {
                    seq: row.get(1)?,
                    at: moment(row.get(2)?),
                    state: true,
                }];
                let gone: (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
                seen.extend(gone.0.zip(gone.1).map(|(seq, at)| Change {
                    seq,
                    at: moment(at),
                    state: false,
                }));
                Ok((row.get::<_, String>(0)?, seen))
            })?;
            found.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut records = Vec::new();
        for (body, seen) in read().map_err(self.failed())? {
            let pieces = timeline.lay(&seen);
            let in_force = pieces.iter().filter(|(_, is_there)| *is_there);
            let mut in_force = in_force.map(|(span, _)| *span);
            let Some(first) = in_force.next() else {
                continue;
            };
            let last = in_force.next_back().unwrap_or(first);
            let is_there = pieces.last().is_some_and(|(_, is_there)| *is_there);
            records.push(KnownRecord {
                record: self.parsed(&body)?,
                from: first.from,
                to: (!is_there).then_some(last.to),
            });
        }
        Ok(records)
    }

    /// What the queries of a quarter's key results yielded, day by day.
    pub fn samples(&self, quarter: &str) -> Result<Vec<StoredSample>, HistoryError> {
        let read = || {
            let mut select = self.connection.prepare(
                "SELECT team, objective, key_result, first_at, first_value, at, value \
                 FROM key_result_sample WHERE quarter = ?1 ORDER BY team, objective, key_result, day",
            )?;
            let found = select.query_map((quarter,), |row| {
                Ok(StoredSample {
                    team: row.get(0)?,
                    objective: row.get(1)?,
                    key_result: row.get(2)?,
                    first: (moment(row.get(3)?), row.get(4)?),
                    last: (moment(row.get(5)?), row.get(6)?),
                })
            })?;
            found.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed())
    }

    fn parsed<T: DeserializeOwned>(&self, body: &str) -> Result<T, HistoryError> {
        serde_json::from_str(body).map_err(|error| HistoryError::Content {
            path: self.path.clone(),
            what: format!("a record cannot be read: {error}"),
        })
    }
}

/// The states of a rule, where it was judged and the service was there.
fn while_there(pieces: Vec<(Span, State)>, owners: &[(Span, Owner)]) -> Vec<(Span, State)> {
    let judged = pieces
        .into_iter()
        .filter(|(_, state)| state.status.is_some());
    let mut cut = Vec::new();
    let mut first = 0;
    for (span, state) in judged {
        while owners
            .get(first)
            .is_some_and(|(there, _)| there.to <= span.from)
        {
            first += 1;
        }
        let mut pieces = Vec::new();
        for (there, _) in &owners[first..] {
            if there.from >= span.to {
                break;
            }
            let Some(part) = super::timeline::intersection(span, *there) else {
                continue;
            };
            match pieces.last_mut() {
                // Another owner, the same state.
                Some(Span { to, .. }) if *to == part.from => *to = part.to,
                _ => pieces.push(part),
            }
        }
        cut.extend(pieces.into_iter().map(|part| (part, state.clone())));
    }
    cut
}
