//! Discovery: what there is to scrape.
//!
//! A task per source reads its list (from files, from a server; static lists need none), the
//! runner keeps the last good list of each, guards against lists that suddenly shrink, relabels,
//! and publishes one deduplicated target set.

mod address;
mod found;
pub mod groups;
mod guard;
pub mod lists;
mod mechanism;
mod merge;
mod meta;
mod populate;
mod published;
mod refresh;
pub mod relabel;
mod runner;
pub mod settings;
pub mod skipped;
pub mod target;
mod timing;
mod watch;

pub use found::Found;
pub use mechanism::DiscoveryConfig;
pub use merge::lost_of_static_lists;
pub use populate::target_from_labels;
pub use published::{Discovered, DropCounts, DropKind, DropReason, Dropped, SourceStatus};
pub use runner::{run, run_with};
pub use timing::Timing;
