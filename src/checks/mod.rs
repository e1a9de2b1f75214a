//! Checks: evidence in, findings out. One kind of check, one file: what it looks for, what it keeps
//! of a scrape, how it judges. Pure: no I/O, no clock.
//!
//! A [`ScrapeCheck`] judges each target, an [`EvidenceCheck`] a service or the estate, by what it
//! asked of servers and what is written down.
//!
//! To add one: a file here, and a variant in `scraped.rs` or `evidence.rs`; the compiler points at the
//! arms, all in that file.

mod check;
mod evidence;
pub mod naming;
pub mod scraped;
mod setup;
mod subject;
mod verdict;
pub mod warmup;

pub use self::check::Checks;
pub(crate) use self::check::{judge_evidence, judge_scrape};
pub use self::evidence::{Entity, EvidenceCheck, Facts, Failure};
pub use self::scraped::{
    FAULTS_MAX, Observation, Observer, Place, ScrapeCheck, Scraped, Series, SeriesFindings,
    instrumentation,
};
pub use self::setup::Setup;
pub use self::subject::{Subject, Subjects};
pub use self::verdict::{Basis, Finding, Reason, Status, Verdict};
