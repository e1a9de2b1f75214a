//! `attestation`: somebody signs for it, lately enough, and says what must be said.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::facts::{Entity, Facts, day, period};
use crate::catalogue::{About, Attestation};
use crate::checks::setup::Setup;
use crate::checks::subject::Subject;
use crate::checks::verdict::{Basis, Finding, Reason, worst};
use crate::document::value::{Day, Interval};

/// How long nobody is blamed for an attestation that is missing.
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What must be attested.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// How long after it was signed an attestation proves something, however late it expires.
    pub cadence: Interval,
    /// How many must have been signed within the cadence.
    #[serde(default = "one")]
    pub at_least: usize,
    /// The longest time between two of them, and since the last.
    #[serde(default)]
    pub gap: Option<Interval>,
    /// Facts that each must state.
    #[serde(default)]
    pub facts: Vec<String>,
    /// One is wanted for each of these values of a fact.
    #[serde(default)]
    pub each: Option<Each>,
    /// A fact that lists people, and how many different ones there must be.
    #[serde(default)]
    pub people: Option<People>,
    /// It must have been signed before the first deployment to production, as the catalogue has it.
    #[serde(default)]
    pub before_deployment: bool,
    /// Only services created after this day are asked.
    #[serde(default)]
    pub created_after: Option<Day>,
}

/// One for each component.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// The fact.
    pub fact: String,
    /// Its values.
    pub of: Vec<String>,
}

/// Several people.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// The fact that lists them, with commas between.
    pub fact: String,
    /// How many different ones.
    pub at_least: usize,
}

fn one() -> usize {
    1
}

impl Attested {
    /// Judges what is signed for the rule and whom it is about.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        self.judge_records(facts).on(Basis::Attested)
    }

    fn judge_records(&self, facts: &Facts<'_>) -> Finding {
        let Some(records) = &facts.records.attestations else {
            let message = "no attestations are configured (`attestations` names no files)";
            return Finding::not_configured(Setup::Attestations, message);
        };
        if let Some(finding) = self.not_concerned(facts) {
            return finding;
        }
        let names = facts.subject().map_or(&[][..], Subject::names);
        let own: Vec<&Attestation> = records
            .of(facts.rule, names)
            .filter(|record| is_about(record, facts))
            .filter(|record| record.signed_at <= facts.now)
            .collect();
        match &self.each {
            None => self.judge_one(facts, own, ""),
            Some(each) => {
                let of = |value: &String| {
                    let said = |record: &&Attestation| record.facts.get(&each.fact) == Some(value);
                    let own = own.iter().copied().filter(said).collect();
                    self.judge_one(facts, own, &format!(" of {} `{value}`", each.fact))
                };
                let all = each.of.iter().map(of).reduce(worst);
                all.unwrap_or_else(|| self.judge_one(facts, own, ""))
            }
        }
    }

    fn not_concerned(&self, facts: &Facts<'_>) -> Option<Finding> {
        let after = self.created_after?.0;
        Some(match facts.entry().and_then(|entry| entry.created) {
            Some(created) if created > after => return None,
            Some(created) => {
                let message =
                    format!("created on {created}, asked of services created after {after}");
                Finding::not_applicable(Reason::NotConcerned, message)
            }
            None => {
                let message = "the catalogue does not say when the service was created (`created`)";
                Finding::unknown(Reason::NotDocumented, message)
            }
        })
    }

    /// Judges the attestations of one thing, the newest deciding.
    fn judge_one(&self, facts: &Facts<'_>, mut own: Vec<&Attestation>, of: &str) -> Finding {
        own.sort_by_key(|record| std::cmp::Reverse(record.signed_at));
        let Some(newest) = own.first() else {
            let what = format!("nobody attests it{of}");
            return facts.missing(Reason::NotAttested, GRACE, &what);
        };
        let cited = || own.iter().map(|record| cite(record));
        let fail =
            |reason, message: String| Finding::fail(reason, message, Vec::new()).citing(cited());
        let cadence = period(self.cadence);
        let recent = |record: &&&Attestation| record.signed_at + cadence > facts.now;
        let valid: Vec<&Attestation> = own
            .iter()
            .filter(|record| record.holds_at(facts.now))
            .filter(recent)
            .copied()
            .collect();
        if !own.iter().any(|record| record.holds_at(facts.now)) {
            let message = format!(
                "the attestation{of} of {} expired on {}",
                newest.owner, newest.expires_at
            );
            return fail(Reason::Expired, message);
        }
        if valid.is_empty() {
            let message = format!(
                "last attested{of} on {}, asked is every {}",
                day(newest.signed_at),
                days(cadence)
            );
            return fail(Reason::Overdue, message);
        }
        if valid.len() < self.at_least {
            let (count, wanted) = (valid.len(), self.at_least);
            let message = format!(
                "attested{of} {count} times in {}, asked is {wanted}",
                days(cadence)
            );
            return fail(Reason::TooFew, message);
        }
        if let Some(longest) = self.gap.map(period)
            && let Some((from, to)) = too_far_apart(&valid, longest, facts.now)
        {
            let message = format!(
                "nothing attested{of} from {} to {}, asked is every {}",
                day(from),
                day(to),
                days(longest)
            );
            return fail(Reason::Overdue, message);
        }
        let counted = &valid[..self.at_least.min(valid.len())];
        if let Some(finding) = self.incomplete(facts, counted, &own) {
            return finding.citing(cited());
        }
        let newest = valid.first().unwrap_or(newest);
        let message = format!(
            "attested{of} by {} on {}: {}",
            newest.owner,
            day(newest.signed_at),
            newest.statement
        );
        Finding::pass(message, "").citing(counted.iter().map(|record| cite(record)))
    }

    /// What the attestations that count leave out.
    fn incomplete(
        &self,
        facts: &Facts<'_>,
        counted: &[&Attestation],
        own: &[&Attestation],
    ) -> Option<Finding> {
        let fail = |reason, message: String| Some(Finding::fail(reason, message, Vec::new()));
        for record in counted {
            let says = |fact: &&String| {
                record
                    .facts
                    .get(*fact)
                    .is_some_and(|text| !text.trim().is_empty())
            };
            if let Some(fact) = self.facts.iter().find(|fact| !says(fact)) {
                let message = format!("the attestation at {} states no `{fact}`", record.place);
                return fail(Reason::Incomplete, message);
            }
            if let Some(people) = &self.people {
                let listed = record.facts.get(&people.fact).map_or("", String::as_str);
                let mut names: Vec<&str> = listed.split(',').map(str::trim).collect();
                names.retain(|name| !name.is_empty());
                names.sort_unstable();
                names.dedup();
                if names.len() < people.at_least {
                    let message = format!(
                        "{} different {}, asked are {}",
                        names.len(),
                        people.fact,
                        people.at_least
                    );
                    return fail(Reason::TooFew, message);
                }
            }
        }
        if !self.before_deployment {
            return None;
        }
        // What was renewed since was signed in time all the same.
        let earliest = own.iter().map(|record| day(record.signed_at)).min()?;
        match facts.entry().and_then(|entry| entry.first_deployed) {
            Some(deployed) if earliest <= deployed => None,
            Some(deployed) => {
                let message =
                    format!("signed on {earliest}, after the first deployment on {deployed}");
                fail(Reason::TooLate, message)
            }
            None => Some(Finding::unknown(
                Reason::NotDocumented,
                "the catalogue does not say when it was first deployed to production (`first_deployed`)",
            )),
        }
    }
}

/// Whether a record is about whom is judged.
fn is_about(record: &Attestation, facts: &Facts<'_>) -> bool {
    match (&record.about, facts.entity) {
        (About::Estate, Entity::Estate) => true,
        (About::Service { environment, .. }, Entity::Service { key, .. }) => environment
            .as_ref()
            .is_none_or(|environment| *environment == key.environment),
        (About::Estate, Entity::Service { .. }) | (About::Service { .. }, Entity::Estate) => false,
    }
}

/// Two neighbours, the newest first, with more time between them than there may be; the last is now.
fn too_far_apart(
    newest_first: &[&Attestation],
    longest: SignedDuration,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let mut later = now;
    for record in newest_first {
        if later.duration_since(record.signed_at) > longest {
            return Some((record.signed_at, later));
        }
        later = record.signed_at;
    }
    None
}

fn days(period: SignedDuration) -> String {
    format!("{} d", period.as_hours() / 24)
}

fn cite(record: &Attestation) -> String {
    format!(
        "{}: signed by {} on {}, expires {}: {}",
        record.place,
        record.owner,
        day(record.signed_at),
        record.expires_at,
        record.evidence_url
    )
}
