//! Evidence that no scrape can give: asked of servers, each at its own interval.
//!
//! Checks say what they want to know ([`Query`]), [`run`] asks the configured servers and keeps what
//! they say as [`Answers`], immutable and swapped whole. A server that does not answer is an answer
//! too: a [`SourceError`] with a bounded reason, which makes its rules unknown and touches nothing else.

mod answers;
mod error;
mod index;
mod poll;
mod protocol;
mod server;
mod settings;
mod stats;

pub use self::answers::{Answered, Answers, KnownSource, Lookup};
pub use self::error::{SourceError, SourceErrorKind};
pub use self::index::{NameIndex, Sample, Streams, Vector};
pub use self::poll::{EvidencePlan, ask_once, run};
pub use self::protocol::*;
pub use self::settings::SourceConfig;
pub(crate) use self::settings::{RawSource, sources};
pub use self::stats::{SourceStats, SourceTotals};
