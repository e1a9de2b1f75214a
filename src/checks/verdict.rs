//! What a check concludes.

use super::setup::Setup;
use crate::rule_id::RuleId;
use std::fmt;
use std::sync::Arc;

/// The four outcomes of a judgement. (`waived` is a fail under a valid waiver: a matter of the
/// snapshot, not of a check.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Nothing to judge here.
    NotApplicable,
    /// Proven.
    Pass,
    /// It could not be measured: never counted as a pass.
    Unknown,
    /// Measured, and violated.
    Fail,
}

impl Status {
    /// As in JSON and labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether what was looked for is there; `None` where nobody could tell.
    pub fn is_proven(self) -> Option<bool> {
        match self {
            Status::Pass => Some(true),
            Status::Fail => Some(false),
            Status::Unknown | Status::NotApplicable => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a status was given: a bounded set, fit for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// A series proves it.
    Proven,
    /// A series proves it, though not as it should: a warning.
    ProvenWeakly,
    /// Nothing that would prove it was found.
    Missing,
    /// The series is there and its value says nothing (`version="dev"`).
    Placeholder,
    /// The series found speaks of something else: a runtime, an inventory.
    NotTheService,
    /// Several values where one was expected.
    Ambiguous,
    /// Errors are counted, requests are not.
    ErrorsOnly,
    /// Requests are counted, their outcome is not.
    NoOutcome,
    /// The metrics do not name the service.
    Unnamed,
    /// The metrics name another service.
    OtherName,
    /// Nothing but runtime metrics.
    RuntimeOnly,
    /// Served on another port than the manifesto's.
    OtherPort,
    /// Served on another path than the manifesto's.
    OtherPath,
    /// A file or standard input has no port.
    NoPort,
    /// Another target on the same host serves what the rule asks.
    ServedByAnother,
    /// Too early to tell: a series may still appear.
    WarmingUp,
    /// Discovered, not scraped yet.
    NotScrapedYet,
    /// The last scrape failed.
    TargetDown,
    /// The target answers 404: it has no metrics where they should be.
    #[strum(serialize = "http_404")]
    NotFound,
    /// The target answers 410: it has none there any more.
    #[strum(serialize = "http_410")]
    Gone,
    /// The exposition is broken, so that Prometheus would fail the scrape.
    BadExposition,
    /// Nobody who could tell is configured.
    NotConfigured,
    /// Who could tell was not asked yet.
    NotAskedYet,
    /// Who could tell does not answer.
    SourceDown,
    /// Who could tell knows nothing of it.
    NoData,
    /// Early days: what is missing is not held against anybody yet.
    TooEarly,
    /// What would decide it is not written down.
    NotDocumented,
    /// A figure is on the wrong side of its threshold.
    Threshold,
    /// Nobody attests it.
    NotAttested,
    /// It was attested once, and that has ended.
    Expired,
    /// It was not done often enough, or not lately.
    Overdue,
    /// It was done after it should have been.
    TooLate,
    /// What should be said with it is not said.
    Incomplete,
    /// Fewer than there should be.
    TooFew,
    /// A page does not answer as it should.
    Unreachable,
    /// Open to the public without being listed.
    Exposed,
    /// Something is limited by nothing.
    Unprotected,
    /// Credentials are written where they should not be.
    StaticCredentials,
    /// Something happened without its record.
    Untracked,
    /// Rules are violated for long, without a waiver.
    Bypassed,
    /// The rule does not concern it.
    NotConcerned,
    /// The rule is not in force yet.
    NotInForce,
}

/// What a finding rests on. What is measured goes before what is attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Basis {
    /// A scrape of the service.
    Scraped,
    /// What another server measured or does.
    Measured,
    /// What somebody signed.
    Attested,
    /// What is written down.
    Declared,
}

impl Basis {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Reason {
    /// As in JSON and labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether evidence of another kind may decide instead: there is none of this kind. A source that
    /// does not answer is no such case: what it would say might contradict.
    pub fn leaves_it_open(self) -> bool {
        matches!(self, Reason::NotConfigured | Reason::NoData)
    }

    /// Whether time may fix it: client libraries emit a vector only once it has children, so
    /// what is missing early may still appear.
    pub fn may_still_appear(self) -> bool {
        matches!(
            self,
            Reason::Missing
                | Reason::NotTheService
                | Reason::ErrorsOnly
                | Reason::NoOutcome
                | Reason::Unnamed
                | Reason::RuntimeOnly
        )
    }
}

/// Bytes of a series cited as evidence: a target must not fill our memory with its labels.
const CITATION_BYTES_MAX: usize = 512;

/// Pieces of evidence that a finding cites.
pub(super) const EVIDENCE_MAX: usize = 20;

/// Bytes of a finding's sentence.
const MESSAGE_BYTES_MAX: usize = 2_048;

/// A series as evidence: as written, cut where it is too long to read.
pub(super) fn cite(series: &str) -> String {
    cut(series, CITATION_BYTES_MAX)
}

fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!(
        "{}… ({} bytes)",
        &text[..text.floor_char_boundary(bytes_max)],
        text.len()
    )
}

/// What one check found in one scrape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// The outcome.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// What it rests on.
    pub basis: Basis,
    /// One sentence for a person: what was looked for, what was found.
    pub message: String,
    /// The series that proved it, or the nearest things found.
    pub evidence: Vec<String>,
    /// What nobody configured, and would tell more.
    pub needs: Vec<Setup>,
}

impl Finding {
    /// A pass, proven by `series`.
    pub fn pass(message: impl Into<String>, series: impl Into<String>) -> Self {
        Self {
            status: Status::Pass,
            reason: Reason::Proven,
            basis: Basis::Scraped,
            message: sentence(message),
            evidence: vec![series.into()],
            needs: Vec::new(),
        }
    }

    /// A pass with a warning.
    pub fn weak(message: impl Into<String>, series: impl Into<String>) -> Self {
        Self {
            reason: Reason::ProvenWeakly,
            ..Self::pass(message, series)
        }
    }

    /// The same finding, resting on something else than a scrape.
    pub fn on(self, basis: Basis) -> Self {
        Self { basis, ..self }
    }

    /// The same finding with this evidence.
    pub fn citing(self, evidence: impl IntoIterator<Item = String>) -> Self {
        let cited = evidence.into_iter().take(EVIDENCE_MAX);
        Self {
            evidence: cited.map(|text| cite(&text)).collect(),
            ..self
        }
    }

    /// A fail.
    pub fn fail(reason: Reason, message: impl Into<String>, evidence: Vec<String>) -> Self {
        Self {
            status: Status::Fail,
            reason,
            basis: Basis::Scraped,
            message: sentence(message),
            evidence,
            needs: Vec::new(),
        }
    }

    /// An unknown.
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            status: Status::Unknown,
            reason,
            basis: Basis::Scraped,
            message: sentence(message),
            evidence: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// An unknown for want of a configuration.
    pub fn not_configured(needs: Setup, message: impl Into<String>) -> Self {
        Self {
            needs: vec![needs],
            ..Self::unknown(Reason::NotConfigured, message)
        }
    }

    /// Nothing to judge.
    pub fn not_applicable(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            status: Status::NotApplicable,
            reason,
            basis: Basis::Scraped,
            message: sentence(message),
            evidence: Vec::new(),
            needs: Vec::new(),
        }
    }
}

/// A sentence may quote what a target sent.
pub(super) fn sentence(message: impl Into<String>) -> String {
    let message = message.into();
    if message.len() > MESSAGE_BYTES_MAX {
        cut(&message, MESSAGE_BYTES_MAX)
    } else {
        message
    }
}

/// The worse finding decides status and reason; both sentences are kept, the deciding one first.
pub(super) fn worst(first: Finding, second: Finding) -> Finding {
    let badness = |finding: &Finding| (finding.status, finding.reason == Reason::ProvenWeakly);
    let (decides, other) = match badness(&second) > badness(&first) {
        true => (second, first),
        false => (first, second),
    };
    let mut needs = decides.needs;
    needs.extend(other.needs);
    needs.sort_unstable();
    needs.dedup();
    let mut evidence = decides.evidence;
    evidence.extend(other.evidence);
    evidence.truncate(EVIDENCE_MAX);
    let is_said = decides
        .message
        .split("; ")
        .any(|said| said == other.message);
    let message = match is_said {
        true => decides.message,
        false => sentence(format!("{}; {}", decides.message, other.message)),
    };
    Finding {
        message,
        // The weaker ground.
        basis: decides.basis.max(other.basis),
        status: decides.status,
        reason: decides.reason,
        evidence,
        needs,
    }
}

/// What two checks come to of which neither can tell.
pub(super) fn neither(mut before: Finding, after: Finding) -> Finding {
    // That something is configured and knows nothing says more.
    before.reason = before.reason.max(after.reason);
    if !before.message.contains(&after.message) {
        before.message = sentence(format!("{}; {}", before.message, after.message));
    }
    before.needs.extend(after.needs);
    before.needs.sort_unstable();
    before.needs.dedup();
    before
}

/// One judged rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// The rule.
    pub rule: RuleId,
    /// What was found, shared by those of whom the same was found.
    pub finding: Arc<Finding>,
}
