//! Discovery: what there is to scrape.
//!
//! A task per source reads its list (from files, from a server; static lists need none), the
//! runner keeps the last good list of each, guards against lists that suddenly shrink, relabels,
//! and publishes one deduplicated target set.

mod address;
mod file;
pub mod groups;
mod guard;
mod http;
mod merge;
mod populate;
mod published;
pub mod relabel;
mod runner;
mod source;
pub mod target;
mod watch;

pub use merge::TARGETS_MAX;
pub use populate::{Naming, TargetError, target_from_labels};
pub use published::{Discovered, DropReason, Dropped, SourceStatus};
pub use runner::{Timing, run, run_with};
