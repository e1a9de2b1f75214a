//! What the file says of now, read once when it is opened: for the recorder, and for a process that goes on
//! where an earlier one ended.

use std::collections::HashMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::codes::{ABSENT, Digest, moment, status};
use super::error::HistoryError;
use super::records::{RecordKind, StoredRuleset};
use super::store::{self, Aside};
use super::targets::targets;
use super::timeline::Ended;
use super::written::{
    Ownership, RuleState, Written, WrittenRule, WrittenService, estate, substance,
};
use crate::checks::warmup::TargetPast;
use crate::discovery::target::ServiceKey;
use crate::manifesto::Definition;
use crate::rule_id::RuleId;
use crate::snapshot::{Carried, Failing, Memory, Past, PastVerdict, RuleStatus};

/// A service that left before is not remembered.
const LEFT_MAX: SignedDuration = SignedDuration::from_hours(24);

/// What the file says.
pub(super) struct Loaded {
    pub(super) written: Written,
    pub(super) seq: i64,
    pub(super) memory: Memory,
    pub(super) targets: Vec<TargetPast>,
}

/// Opens a file, ends what was left open in it, and reads what it says of now.
pub(super) fn open(
    path: &Path,
    now: Timestamp,
    ended: Ended,
) -> Result<(Connection, Loaded, Option<Aside>), HistoryError> {
    let (connection, set_aside) = store::open(path, now)?;
    let loaded = close_coverage(&connection, ended)
        .and_then(|()| load(&connection, now))
        .map_err(HistoryError::sqlite(path))?;
    Ok((connection, loaded, set_aside))
}

/// Ends an interval of coverage whose writer did not: at its last heartbeat.
fn close_coverage(connection: &Connection, ended: Ended) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE coverage SET ended = ?1 WHERE ended = ?2",
        (ended.as_str(), Ended::Running.as_str()),
    )?;
    Ok(())
}

fn load(connection: &Connection, now: Timestamp) -> rusqlite::Result<Loaded> {
    let last = "SELECT coalesce(max(seq), 0) FROM moment";
    let seq = connection.query_row(last, (), |row| row.get(0))?;
    let (ruleset, definitions) = ruleset(connection)?;
    let covered_until = covered_until(connection)?;
    let mut written = Written {
        records: records(connection)?,
        ruleset,
        ..Written::default()
    };
    let mut memory = Memory::default();
    let rules = rules(connection)?;
    let mut services =
        connection.prepare("SELECT id, name, environment, first_seen FROM service")?;
    let mut services = services.query(())?;
    while let Some(row) = services.next()? {
        let id: i64 = row.get(0)?;
        let key = ServiceKey {
            name: row.get(1)?,
            environment: row.get(2)?,
        };
        let first_seen = moment(row.get(3)?);
        let (ownership, since) = ownership(connection, id)?;
        let known = states(connection, id, &rules)?;
        let is_there = ownership.as_ref().is_some_and(|o| o.is_present);
        if is_there || now - LEFT_MAX < since {
            let verdicts = known.iter();
            let verdicts = verdicts
                .filter_map(|(rule, known)| past(*rule, &known.state, &definitions, covered_until));
            let past = Past {
                first_seen,
                verdicts: verdicts.collect(),
            };
            match key == estate() {
                true => memory.estate = Some(past),
                false => {
                    memory.services.insert(key.clone(), past);
                }
            }
        }
        let rules = known.into_iter();
        let service = WrittenService {
            ownership,
            rules: rules.collect(),
            last: None,
        };
        written.services.insert(key, service);
    }
    Ok(Loaded {
        written,
        seq,
        memory,
        targets: targets(connection, now)?,
    })
}

/// How rules were judged last.
fn ruleset(
    connection: &Connection,
) -> rusqlite::Result<(Option<Digest>, HashMap<RuleId, Definition>)> {
    let last = "SELECT digest, body FROM ruleset ORDER BY seq DESC LIMIT 1";
    let found = connection
        .query_row(last, (), |row| {
            Ok((row.get::<_, Digest>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((digest, body)) = found else {
        return Ok((None, HashMap::new()));
    };
    // What cannot be read carries nothing over.
    let stored: StoredRuleset = serde_json::from_str(&body).unwrap_or_default();
    let rules = stored.rules.into_iter();
    let definitions = rules.filter_map(|rule| {
        let id = rule.id.parse().ok()?;
        Some((id, Definition(rule.definition)))
    });
    Ok((Some(digest), definitions.collect()))
}

fn records(connection: &Connection) -> rusqlite::Result<HashMap<(RecordKind, Digest), i64>> {
    let mut select = connection.prepare(
        "SELECT r.kind, r.digest, r.id FROM record r \
         JOIN record_seen s ON s.record = r.id WHERE s.seq_to IS NULL",
    )?;
    let found = select.query_map((), |row| {
        let kind: String = row.get(0)?;
        Ok((kind, row.get::<_, Digest>(1)?, row.get(2)?))
    })?;
    let mut records = HashMap::new();
    for row in found {
        let (kind, digest, id) = row?;
        if let Ok(kind) = kind.parse() {
            records.insert((kind, digest), id);
        }
    }
    Ok(records)
}

/// The rules that the file knows, by their ids in it.
pub(super) fn rules(connection: &Connection) -> rusqlite::Result<Vec<(i64, RuleId)>> {
    let mut select = connection.prepare("SELECT id, name FROM rule")?;
    let found = select.query_map((), |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    let mut rules = Vec::new();
    for row in found {
        let (id, name) = row?;
        if let Ok(rule) = name.parse() {
            rules.push((id, rule));
        }
    }
    rules.sort_by_key(|(_, rule)| *rule);
    Ok(rules)
}

/// Until when somebody was looking: what is known is of then.
fn covered_until(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let last = "SELECT until FROM coverage ORDER BY id DESC LIMIT 1";
    let until = connection
        .query_row(last, (), |row| row.get(0))
        .optional()?;
    Ok(until.map(moment))
}

/// Who owned a service last, and since when that is so.
fn ownership(
    connection: &Connection,
    service: i64,
) -> rusqlite::Result<(Option<Ownership>, Timestamp)> {
    let mut select = connection.prepare_cached(
        "SELECT o.is_present, o.team, o.tier, m.at FROM ownership o \
         JOIN moment m USING (seq) WHERE o.service = ?1 ORDER BY o.seq DESC LIMIT 1",
    )?;
    let found = select
        .query_row((service,), |row| {
            let ownership = Ownership {
                is_present: row.get(0)?,
                team: row.get(1)?,
                tier: row.get(2)?,
            };
            Ok((Some(ownership), moment(row.get(3)?)))
        })
        .optional()?;
    Ok(found.unwrap_or((None, Timestamp::MIN)))
}

/// The last state of each rule of a service.
fn states(
    connection: &Connection,
    service: i64,
    rules: &[(i64, RuleId)],
) -> rusqlite::Result<Vec<(RuleId, WrittenRule)>> {
    let mut select = connection.prepare_cached(
        "SELECT v.status, v.counted, n.name, v.failing_since, v.failing_is_exact, \
         v.carried_since, v.carried_until, w.digest, d.message, m.at FROM verdict v \
         JOIN moment m USING (seq) JOIN reason n ON n.id = v.reason JOIN detail d ON d.id = v.detail \
         LEFT JOIN record w ON w.id = v.waiver \
         WHERE v.service = ?1 AND v.rule = ?2 ORDER BY v.seq DESC LIMIT 1",
    )?;
    let mut states = Vec::with_capacity(rules.len());
    for (id, rule) in rules {
        if let Some(state) = select.query_row((service, id), state).optional()? {
            states.push((*rule, state));
        }
    }
    Ok(states)
}

fn state(row: &Row<'_>) -> rusqlite::Result<WrittenRule> {
    let reason: String = row.get(2)?;
    let failing: (Option<i64>, Option<bool>) = (row.get(3)?, row.get(4)?);
    let carried: (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
    let state = RuleState {
        status: row.get(0)?,
        counted: row.get(1)?,
        reason: reason.into(),
        failing: failing.0.zip(failing.1),
        carried: carried.0.zip(carried.1),
        waiver: row.get(7)?,
        substance: substance(&row.get::<_, String>(8)?),
    };
    Ok(WrittenRule::new(state, moment(row.get(9)?)))
}

/// What judging asks of the past of a rule.
fn past(
    rule: RuleId,
    state: &RuleState,
    definitions: &HashMap<RuleId, Definition>,
    covered_until: Option<Timestamp>,
) -> Option<PastVerdict> {
    if state.status == ABSENT {
        return None;
    }
    Some(PastVerdict {
        rule,
        definition: definitions.get(&rule).copied().unwrap_or_default(),
        status: status(state.status)?,
        at: covered_until,
        failing: state.failing.map(|(since, is_exact)| Failing {
            since: moment(since),
            is_exact,
        }),
        carried: carried(state),
    })
}

fn carried(state: &RuleState) -> Option<Carried> {
    let (since, until) = state.carried?;
    let counted = status(state.counted).filter(|status| RuleStatus::is_measured(*status))?;
    Some(Carried {
        status: counted,
        since: moment(since),
        until: moment(until),
    })
}
