//! Counters of requests and of their outcomes, told by name: `requests_total` with `failed_requests_total`,
//! `request_success` with `request_failure`, `requests_2xx_total` with `requests_5xx_total`.

use super::family::{Family, Part};
use super::role::Role;
use super::words::{Words, singular};
use crate::exposition::MetricType;

/// Which of the events a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Share {
    /// All of them.
    All,
    /// Those that ended well.
    Success,
    /// Those that did not.
    Failure,
}

/// What a counting family's name says, wherever its words stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Which of the events.
    pub share: Share,
    /// What is counted: the words in singular, without those of outcome and counting.
    what: String,
    /// The same without the unit: of `http_request` it is `http`, so that `http_errors` are its errors.
    whose: String,
    /// It surely counts: `_total`, a counter, or an untyped name that ends with what is counted.
    pub is_sure: bool,
    /// Nothing is counted but the service's, or somebody's, doing: `service_success_total`.
    is_bare: bool,
}

/// Words of what ended badly.
const FAILURES: Words = Words(
    "error errors errored failure failures failed fail fails failing unsuccessful 5xx exception exceptions rejected \
     aborted ko nok",
);

/// Words before a failure that tell which: none of what failed.
const SEVERITIES: Words = Words("fatal internal server uncaught unexpected unhandled unmapped");

/// Words of what ended well.
const SUCCESSES: Words =
    Words("success successes successful successfully succeeded completed ok 2xx");

/// Classes of status that tell neither how many requests there were, nor which of them the service answered well.
const OTHER_CLASSES: Words = Words("1xx 3xx 4xx");

/// What is the same thing counted: each request has its response.
const REQUESTS: Words = Words("req rq request response reply answer");

/// Words that say no more than that it is counted.
const COUNTING: Words = Words(
    "all attempt attempted attempts consumed count counted counter counts cumulative executed finished num number \
     overall performed processed received served started sum total totals",
);

/// What requests and work come in: behind it stands whose they are.
const UNITS: Words = Words(
    "request req rq call query response notification operation message command transaction handled job task event \
     invocation execution handler statement",
);

impl Counted {
    /// Reads a counting family's name; `None` where neither requests nor outcomes are counted.
    pub fn of(family: &Family) -> Option<Self> {
        let may_count = match family.role {
            Role::Served | Role::Work | Role::Other => family.counts(),
            Role::Runtime | Role::Plumbing | Role::Inventory | Role::Outbound | Role::Internal => {
                false
            }
        };
        if !may_count {
            return None;
        }
        let mut share = Share::All;
        let mut is_sure = family.kind != MetricType::Unknown || family.part != Part::Plain;
        let mut what: Vec<String> = Vec::new();
        for word in family.saying() {
            if OTHER_CLASSES.has(word) {
                return None;
            } else if FAILURES.has(word) {
                share = Share::Failure;
                // `server_errors`, `unhandled_exceptions`: whose they are not, but how bad.
                if what.last().is_some_and(|before| SEVERITIES.has(before)) {
                    what.pop();
                }
            } else if SUCCESSES.has(word) {
                share = match share {
                    Share::All | Share::Success => Share::Success,
                    Share::Failure => Share::Failure,
                };
            } else if COUNTING.has(word) {
                is_sure = true;
            } else {
                let word = singular(word);
                what.push(match REQUESTS.has(&word) {
                    true => "request".to_owned(),
                    false => word.into_owned(),
                });
            }
        }
        let named = what
            .iter()
            .rposition(|word| !UNITS.has(word))
            .map_or(0, |at| at + 1);
        let counted = Self {
            share,
            is_sure: is_sure || named < what.len() || share != Share::All,
            whose: what[..named].join("_"),
            // Behind the service's own name nothing, or one word before what is not its own.
            is_bare: what.len() <= usize::from(!family.is_own()),
            what: what.join("_"),
        };
        let is_request_like = family.role.is_request_like();
        let says = match share {
            Share::All => is_request_like,
            Share::Success => is_request_like || counted.is_bare,
            Share::Failure => true,
        };
        says.then_some(counted)
    }

    /// What a counting family is of which the name says nothing: its labels show requests with their outcomes.
    pub fn by_labels(family: &Family) -> Self {
        Self {
            share: Share::All,
            what: family.stem.clone(),
            whose: family.stem.clone(),
            is_sure: false,
            is_bare: false,
        }
    }

    /// Whether the two together tell the share of requests that ended well: `self` what is asked, `outcome`
    /// those of one outcome. `x_errors` are of `x_requests`, `x_request_errors` too; `x_query_errors` are of
    /// other things.
    pub fn is_completed_by(&self, outcome: &Counted) -> bool {
        let shares = match (self.share, outcome.share) {
            (Share::All, Share::Success | Share::Failure) | (Share::Success, Share::Failure) => {
                true
            }
            (Share::All, Share::All)
            | (Share::Success, Share::All | Share::Success)
            | (Share::Failure, Share::All | Share::Success | Share::Failure) => false,
        };
        shares && self.is_sure && (outcome.what == self.what || outcome.what == self.whose)
    }
}
