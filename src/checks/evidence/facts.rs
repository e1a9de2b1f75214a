//! What checks of other evidence than scrapes are given, and what they share.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::catalogue::{Catalogue, Entry, Records};
use crate::checks::setup::Setup;
use crate::checks::subject::Subject;
use crate::checks::verdict::{Basis, Finding, Reason};
use crate::discovery::target::ServiceKey;
use crate::rule_id::RuleId;
use crate::sources::{Answer, Answers, KnownSource, Lookup, Query};

/// Entity a rule is judged for.
#[derive(Debug, Clone, Copy)]
pub enum Entity<'a> {
    /// The estate as a whole.
    Estate,
    /// A service in an environment.
    Service {
        /// Name and environment.
        key: &'a ServiceKey,
        /// Its names, as series and objects may spell them.
        subject: &'a Subject,
        /// What the catalogue says of it.
        entry: Option<&'a Entry>,
    },
}

/// A rule that is violated and not waived, for the rule on silent bypasses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failure {
    /// The rule.
    pub rule: RuleId,
    /// Since when, as far as is known.
    pub since: Timestamp,
    /// Whether it was seen to begin then; else it was so at the first look already.
    pub is_exact: bool,
}

/// Everything that may be known. Nothing in it changes while it is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The rule that is judged.
    pub rule: RuleId,
    /// For whom.
    pub entity: Entity<'a>,
    /// What sources say.
    pub answers: &'a Answers,
    /// Everybody who is written down.
    pub catalogue: &'a Catalogue,
    /// Attestations, objectives, SLOs.
    pub records: &'a Records,
    /// Rules in force.
    pub rules: &'a [RuleId],
    /// Teams that own something.
    pub teams: &'a BTreeSet<String>,
    /// What the same service violates; empty for every rule but that on bypasses.
    pub failures: &'a [Failure],
    /// How many other rules were measured for it; 0 for every rule but that on bypasses.
    pub measured: usize,
    /// The moment.
    pub now: Timestamp,
    /// Since when the service, or the estate, is known.
    pub known_since: Timestamp,
}

impl<'a> Facts<'a> {
    /// The environment asked about, `""` for the estate.
    pub(super) fn environment(&self) -> &'a str {
        match self.entity {
            Entity::Estate => "",
            Entity::Service { key, .. } => &key.environment,
        }
    }

    /// What the catalogue says of the service; none of the estate.
    pub(super) fn entry(&self) -> Option<&'a Entry> {
        match self.entity {
            Entity::Estate => None,
            Entity::Service { entry, .. } => entry,
        }
    }

    /// The service's names; none of the estate.
    pub(super) fn subject(&self) -> Option<&'a Subject> {
        match self.entity {
            Entity::Estate => None,
            Entity::Service { subject, .. } => Some(subject),
        }
    }

    /// Every source's answer to a question, for the environment or the estate; or why one cannot
    /// tell. A service is known to one source, the estate to all of its kind: where one of these
    /// does not answer, nothing is known of the estate.
    pub(super) fn ask(&self, query: &Query) -> Result<Vec<(&'a KnownSource, &'a Answer)>, Finding> {
        let answers = self.answers;
        let lookup = match self.entity {
            Entity::Service { .. } => vec![answers.get(self.environment(), query)],
            Entity::Estate => answers
                .all(query)
                .into_iter()
                .map(|(_, lookup)| lookup)
                .collect(),
        };
        if lookup.is_empty() {
            return Err(self.unknown(Lookup::NobodyToAsk(query.kind())));
        }
        lookup
            .into_iter()
            .map(|lookup| match lookup {
                Lookup::Answer(source, answer) => Ok((source, answer)),
                other => Err(self.unknown(other)),
            })
            .collect()
    }

    /// The first source's answer to a question that one source can answer; or why it cannot tell.
    pub(super) fn ask_one(&self, query: &Query) -> Result<(&'a KnownSource, &'a Answer), Finding> {
        let mut answers = self.ask(query)?.into_iter();
        answers
            .next()
            .ok_or_else(|| self.unknown(Lookup::NobodyToAsk(query.kind())))
    }

    /// Why nothing is known.
    fn unknown(&self, lookup: Lookup<'_>) -> Finding {
        let finding = match lookup {
            Lookup::NobodyToAsk(kind) => {
                // The same for everybody where there is none at all.
                let mut sources = self.answers.sources.iter();
                let of = match sources.any(|source| source.kind == kind) {
                    true => format!(" for environment `{}`", self.environment()),
                    false => String::new(),
                };
                let message = format!("no source of kind `{kind}` is configured{of}");
                Finding::not_configured(Setup::Source(kind), message)
            }
            Lookup::NotAskedYet(source) => {
                let message = format!("source `{}` was not asked yet", source.name);
                Finding::unknown(Reason::NotAskedYet, message)
            }
            Lookup::Refused(source, refusal) => {
                let message = format!("source `{}` does not answer: {refusal}", source.name);
                Finding::unknown(Reason::SourceDown, message)
            }
            Lookup::Answer(source, ..) => unexpected_answer(source),
        };
        finding.on(Basis::Measured)
    }

    /// What is missing is held against nobody at first.
    pub(super) fn missing(
        &self,
        reason: Reason,
        grace: jiff::SignedDuration,
        what: &str,
    ) -> Finding {
        let counts_from = self.known_since + grace;
        if self.now < counts_from {
            let message = format!("{what} (a violation from {} on)", day(counts_from));
            return Finding::unknown(Reason::TooEarly, message);
        }
        Finding::fail(reason, what, Vec::new())
    }
}

/// An answer to another question: a defect, and no evidence.
pub(super) fn unexpected_answer(source: &KnownSource) -> Finding {
    let message = format!("source `{}` answered another question", source.name);
    Finding::unknown(Reason::SourceDown, message).on(Basis::Measured)
}

/// The day of a moment, in UTC.
pub(super) fn day(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A period of the configuration as a signed duration.
pub(super) fn period(of: crate::document::value::Interval) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(of.0).unwrap_or(jiff::SignedDuration::MAX)
}
