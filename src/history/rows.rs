//! Rows of one commit.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, Transaction};

use super::codes::{Digest, digest_of};
use super::records::{Body, RecordKind};
use super::targets::StoredTarget;
use super::written::{ServiceChange, WrittenRule};
use crate::checks::warmup::TargetPast;
use crate::rule_id::RuleId;

/// Bytes of a sentence that are kept.
const DETAIL_BYTES_MAX: usize = 1_024;

/// Writes rows of one commit. Ids are looked up once each.
pub(super) struct Rows<'a> {
    transaction: &'a Transaction<'a>,
    seq: i64,
    rules: HashMap<RuleId, i64>,
    reasons: HashMap<String, i64>,
    details: HashMap<String, i64>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(transaction: &'a Transaction<'a>, seq: i64) -> Self {
        Self {
            transaction,
            seq,
            rules: HashMap::new(),
            reasons: HashMap::new(),
            details: HashMap::new(),
        }
    }

    /// What is new of a service.
    pub(super) fn service(
        &mut self,
        change: &ServiceChange,
        records: &HashMap<(RecordKind, Digest), i64>,
    ) -> rusqlite::Result<()> {
        let service = self.service_id(change)?;
        if let Some(ownership) = &change.ownership {
            let mut insert = self.transaction.prepare_cached(
                "INSERT INTO ownership (service, seq, is_present, team, tier) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let o = ownership;
            insert.execute((service, self.seq, o.is_present, &o.team, &o.tier))?;
        }
        for (rule, written, message) in &change.rules {
            let waiver = written.state.waiver;
            let waiver = waiver.and_then(|digest| records.get(&(RecordKind::Waiver, digest)));
            self.verdict(service, *rule, written, message, waiver.copied())?;
        }
        Ok(())
    }

    fn service_id(&self, change: &ServiceChange) -> rusqlite::Result<i64> {
        let (name, environment) = (&change.key.name, &change.key.environment);
        let mut find = self
            .transaction
            .prepare_cached("SELECT id FROM service WHERE name = ?1 AND environment = ?2")?;
        let known: Option<i64> = find
            .query_row((name, environment), |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO service (name, environment, first_seen) VALUES (?1, ?2, ?3)",
        )?;
        insert.insert((name, environment, change.first_seen))
    }

    fn verdict(
        &mut self,
        service: i64,
        rule: RuleId,
        written: &WrittenRule,
        message: &str,
        waiver: Option<i64>,
    ) -> rusqlite::Result<()> {
        let state = &written.state;
        let rule = self.rule_id(rule)?;
        let reason = self.reason_id(&state.reason)?;
        let detail = self.detail_id(message)?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO verdict (service, rule, seq, status, counted, reason, detail, \
             failing_since, failing_is_exact, carried_since, carried_until, waiver) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        insert.execute(rusqlite::params![
            service,
            rule,
            self.seq,
            state.status,
            state.counted,
            reason,
            detail,
            state.failing.map(|(since, _)| since),
            state.failing.map(|(_, is_exact)| is_exact),
            state.carried.map(|(since, _)| since),
            state.carried.map(|(_, until)| until),
            waiver,
        ])?;
        Ok(())
    }

    fn rule_id(&mut self, rule: RuleId) -> rusqlite::Result<i64> {
        if let Some(id) = self.rules.get(&rule) {
            return Ok(*id);
        }
        let id = self.named("rule", &rule.to_string())?;
        self.rules.insert(rule, id);
        Ok(id)
    }

    fn reason_id(&mut self, reason: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.reasons.get(reason) {
            return Ok(*id);
        }
        let id = self.named("reason", reason)?;
        self.reasons.insert(reason.to_owned(), id);
        Ok(id)
    }

    /// The id of a name in a table of names, given one where it has none.
    fn named(&self, table: &'static str, name: &str) -> rusqlite::Result<i64> {
        let select = format!("SELECT id FROM {table} WHERE name = ?1");
        let mut find = self.transaction.prepare_cached(&select)?;
        let known: Option<i64> = find.query_row((name,), |row| row.get(0)).optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        let insert = format!("INSERT INTO {table} (name) VALUES (?1)");
        self.transaction.prepare_cached(&insert)?.insert((name,))
    }

    fn detail_id(&mut self, message: &str) -> rusqlite::Result<i64> {
        let kept = &message[..message.floor_char_boundary(DETAIL_BYTES_MAX)];
        if let Some(id) = self.details.get(kept) {
            return Ok(*id);
        }
        let digest = digest_of(kept);
        let mut find = self
            .transaction
            .prepare_cached("SELECT id FROM detail WHERE digest = ?1")?;
        let known: Option<i64> = find.query_row((digest,), |row| row.get(0)).optional()?;
        let id = match known {
            Some(id) => id,
            None => self
                .transaction
                .prepare_cached("INSERT INTO detail (digest, message) VALUES (?1, ?2)")?
                .insert((digest, kept))?,
        };
        self.details.insert(kept.to_owned(), id);
        Ok(id)
    }

    /// The rules in force from now on.
    pub(super) fn ruleset(&self, digest: &Digest, json: &str) -> rusqlite::Result<()> {
        let insert = "INSERT INTO ruleset (seq, digest, body) VALUES (?1, ?2, ?3)";
        self.transaction.execute(insert, (self.seq, digest, json))?;
        Ok(())
    }

    /// The records in force from now on: those that are new begin, those that are gone end. Returns the ids
    /// of all that are in force.
    pub(super) fn records(
        &self,
        bodies: &[Body],
        known: &HashMap<(RecordKind, Digest), i64>,
    ) -> rusqlite::Result<HashMap<(RecordKind, Digest), i64>> {
        let mut now = HashMap::with_capacity(bodies.len());
        for body in bodies {
            let key = (body.kind, body.digest);
            let id = match known.get(&key) {
                Some(id) => *id,
                None => self.record(body)?,
            };
            now.insert(key, id);
        }
        let mut end = self.transaction.prepare_cached(
            "UPDATE record_seen SET seq_to = ?2 WHERE record = ?1 AND seq_to IS NULL",
        )?;
        for (_, id) in known.iter().filter(|(key, _)| !now.contains_key(key)) {
            end.execute((id, self.seq))?;
        }
        Ok(now)
    }

    fn record(&self, body: &Body) -> rusqlite::Result<i64> {
        let (kind, digest) = (body.kind.as_str(), body.digest);
        let mut find = self
            .transaction
            .prepare_cached("SELECT id FROM record WHERE kind = ?1 AND digest = ?2")?;
        let known: Option<i64> = find
            .query_row((kind, digest), |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => self
                .transaction
                .prepare_cached("INSERT INTO record (kind, digest, body) VALUES (?1, ?2, ?3)")?
                .insert((kind, digest, &body.json))?,
        };
        self.transaction
            .prepare_cached("INSERT INTO record_seen (record, seq) VALUES (?1, ?2)")?
            .execute((id, self.seq))?;
        Ok(id)
    }

    /// What is known of a target.
    pub(super) fn target(&self, target: &TargetPast, at: i64) -> rusqlite::Result<()> {
        let body = StoredTarget::of(target);
        let json = serde_json::to_string(&body).unwrap_or_default();
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO target (url, refreshed, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (url) DO UPDATE SET refreshed = excluded.refreshed, body = excluded.body",
        )?;
        upsert.execute((&target.url, at, json))?;
        Ok(())
    }
}
