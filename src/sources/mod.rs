//! Evidence that no scrape can give: asked of servers, each on its own rhythm.
//!
//! Checks say what they want to know ([`Query`]), [`run`] asks the configured servers and keeps what
//! they say as [`Answers`], immutable and swapped whole. A server that does not answer is an answer
//! too: a [`Refusal`] with a bounded reason, which makes its rules unknown and touches nothing else.

mod answer;
mod ask;
mod incidents;
mod index;
mod kubernetes;
mod kubernetes_raw;
mod links;
mod loki;
mod poll;
mod prometheus;
mod query;
mod stats;

pub use answer::{
    Answer, Answered, Answers, KnownSource, Link, Refusal, RefusalReason, Said, Sample,
};
pub use incidents::{Incident, Run};
pub use index::{NameIndex, Streams, Vector};
pub use kubernetes::{
    Account, Estate, Exposure, ExposureKind, NetworkPolicy, Pod, Requirement, Selector,
};
pub use loki::LogRetention;
pub use poll::{Wanted, ask_once, links, run};
pub use prometheus::MetricRetention;
pub use query::{Query, SourceKind};
pub use stats::{SourceStats, SourceTotals};
