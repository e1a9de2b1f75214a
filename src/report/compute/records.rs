//! Waivers and attestations that were in force.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::calendar::Span;
use crate::history::{
    HistoryError, KnownRecord, Reader, RecordKind, StoredAttestation, StoredWaiver,
};
use crate::report::collect::Collected;
use crate::report::model::{AttestationOf, RecordState, WaiverOf};
use crate::report::question::Question;

/// What ends within this time ends soon.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The waivers that counted at any time of the period: those that end first, first.
pub(super) fn waivers(
    reader: &Reader,
    question: &Question<'_>,
    found: &Collected,
) -> Result<Vec<WaiverOf>, HistoryError> {
    let ever = Span {
        from: Timestamp::MIN,
        to: question.period.span.to,
    };
    let all: Vec<KnownRecord<StoredWaiver>> =
        reader.records(RecordKind::Waiver, &reader.timeline(ever)?)?;
    let of_team = OfTeam::of(question, found);
    let end = end(question, found);
    let counted = all.iter().filter(|known| {
        let (from, to) = (known.record.granted_at, known.record.expires_at);
        counts_in(known, from, to, question.period.span) && of_team.concerns_waiver(&known.record)
    });
    let grants = grants(&all);
    let mut waivers: Vec<WaiverOf> = counted.map(|known| waiver(known, &grants, end)).collect();
    waivers.sort_by(|a, b| {
        let order = |w: &WaiverOf| (w.state, w.expires_at, w.rule.clone(), w.concerns.clone());
        order(a).cmp(&order(b))
    });
    waivers.dedup();
    Ok(waivers)
}

/// What a waiver is of: the same is renewed by the next.
type WaiverOfWhat<'a> = (&'a str, bool, [Option<&'a str>; 4]);

fn what(waiver: &StoredWaiver) -> WaiverOfWhat<'_> {
    let parts = [
        &waiver.service,
        &waiver.environment,
        &waiver.team,
        &waiver.tier,
    ];
    (&waiver.rule, waiver.estate, parts.map(Option::as_deref))
}

/// When each was granted.
fn grants(all: &[KnownRecord<StoredWaiver>]) -> BTreeMap<WaiverOfWhat<'_>, BTreeSet<Timestamp>> {
    let mut grants: BTreeMap<_, BTreeSet<Timestamp>> = BTreeMap::new();
    for waiver in all.iter().map(|known| &known.record) {
        let of_it = grants.entry(what(waiver)).or_default();
        of_it.insert(waiver.granted_at);
    }
    grants
}

fn waiver(
    known: &KnownRecord<StoredWaiver>,
    grants: &BTreeMap<WaiverOfWhat<'_>, BTreeSet<Timestamp>>,
    end: Timestamp,
) -> WaiverOf {
    let waiver = &known.record;
    let granted = grants.get(&what(waiver)).into_iter().flatten();
    let mut earlier = granted.take_while(|at| **at < waiver.granted_at).copied();
    let first = earlier.next();
    let renewals = u64::from(first.is_some()) + earlier.count() as u64;
    WaiverOf {
        rule: waiver.rule.clone(),
        concerns: concerns(waiver),
        reason: waiver.reason.clone(),
        discussion: waiver.discussion.clone(),
        owner: waiver.owner.clone(),
        approver: waiver.approver.clone(),
        granted_at: waiver.granted_at,
        expires_at: waiver.expires_at,
        renewals,
        first_granted_at: first.unwrap_or(waiver.granted_at),
        state: state(known, waiver.granted_at, waiver.expires_at, end),
    }
}

/// Whom a waiver concerns, in words.
fn concerns(waiver: &StoredWaiver) -> String {
    if waiver.estate {
        return "the estate".to_owned();
    }
    let said = [
        ("service", &waiver.service),
        ("environment", &waiver.environment),
        ("team", &waiver.team),
        ("tier", &waiver.tier),
    ];
    let said = said.into_iter();
    let said = said.filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?)));
    said.collect::<Vec<_>>().join(", ")
}

/// The attestations that counted at any time of the period: those that end first, first.
pub(super) fn attestations(
    reader: &Reader,
    question: &Question<'_>,
    found: &Collected,
) -> Result<Vec<AttestationOf>, HistoryError> {
    let span = question.period.span;
    let all: Vec<KnownRecord<StoredAttestation>> =
        reader.records(RecordKind::Attestation, &reader.timeline(span)?)?;
    let of_team = OfTeam::of(question, found);
    let end = end(question, found);
    let counted = all.iter().filter(|known| {
        let record = &known.record;
        counts_in(known, record.signed_at, record.expires_at, span)
            && of_team.concerns(&record.service)
    });
    let mut attestations: Vec<AttestationOf> = counted
        .map(|known| {
            let record = &known.record;
            AttestationOf {
                rule: record.rule.clone(),
                service: record.service.clone(),
                environment: record.environment.clone().unwrap_or_default(),
                owner: record.owner.clone(),
                statement: record.statement.clone(),
                signed_at: record.signed_at,
                expires_at: record.expires_at,
                state: state(known, record.signed_at, record.expires_at, end),
            }
        })
        .collect();
    attestations.sort_by(|a, b| {
        let order = |r: &AttestationOf| (r.state, r.expires_at, r.rule.clone(), r.service.clone());
        order(a).cmp(&order(b))
    });
    attestations.dedup();
    Ok(attestations)
}

/// The moment that states are of.
fn end(question: &Question<'_>, found: &Collected) -> Timestamp {
    found
        .through
        .map_or(question.period.span.from, |(_, last)| last)
}

/// Whether a record counted at any time of a span: by its own dates, and while it was written down.
fn counts_in<T>(known: &KnownRecord<T>, from: Timestamp, to: Timestamp, span: Span) -> bool {
    let from = from.max(known.from);
    let to = known.to.map_or(to, |gone| gone.min(to));
    from < to && from < span.to && to > span.from
}

fn state<T>(known: &KnownRecord<T>, from: Timestamp, to: Timestamp, end: Timestamp) -> RecordState {
    let is_there = known.to.is_none_or(|gone| gone >= end);
    match is_there && from <= end && end < to {
        false => RecordState::Ended,
        true if to.duration_since(end) < SOON => RecordState::EndsSoon,
        true => RecordState::Active,
    }
}

/// Which services a report is about.
struct OfTeam<'a> {
    team: Option<&'a str>,
    services: BTreeSet<&'a str>,
}

impl<'a> OfTeam<'a> {
    fn of(question: &Question<'a>, found: &'a Collected) -> Self {
        let owned = found.owners.iter();
        let owned = owned.filter(|(_, owners)| {
            let mut owners = owners.iter();
            owners.any(|(_, owner)| Some(owner.team.as_str()) == question.team)
        });
        Self {
            team: question.team,
            services: owned
                .map(|(place, _)| found.services[*place].key.name.as_str())
                .collect(),
        }
    }

    fn concerns(&self, service: &str) -> bool {
        self.team.is_none() || self.services.contains(service)
    }

    fn concerns_waiver(&self, waiver: &StoredWaiver) -> bool {
        match (self.team, &waiver.team, &waiver.service) {
            (None, _, _) => true,
            (Some(team), Some(other), _) => team == other,
            (Some(_), None, Some(service)) => self.services.contains(service.as_str()),
            // An environment or a tier may hold anybody's services.
            (Some(_), None, None) => !waiver.estate,
        }
    }
}
