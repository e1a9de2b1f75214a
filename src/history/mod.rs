//! What was judged when: transitions of verdicts, ownership, records, rules, and when the exporter was
//! measuring, in a SQLite file.

mod care;
mod codes;
mod coverage;
mod covered;
mod error;
mod frozen;
mod memory;
mod migrations;
mod paths;
mod read;
mod recorder;
mod records;
mod rows;
mod samples;
mod settings;
mod stats;
mod store;
mod stored;
mod targets;
mod timeline;
mod transitions;
mod written;

pub use self::care::{backup, prune, verify};
pub use self::coverage::Moment;
pub use self::error::{HistoryError, HistoryFailure};
pub use self::frozen::{Frozen, freeze};
pub use self::read::{
    Detail, KnownRecord, KnownService, Owner, Reader, ServiceHistory, State, StoredSample,
};
pub use self::recorder::{Found, Pace, Recorded, Recorder, Unclean};
pub use self::records::{
    RecordKind, StoredAttestation, StoredLevel, StoredRule, StoredRuleset, StoredSlo, StoredWaiver,
};
pub use self::samples::KeyResultSample;
pub(crate) use self::settings::RawHistory;
pub use self::settings::{HistorySettings, Location};
pub use self::stats::{HistoryStats, HistoryTotals};
pub use self::stored::{StoredInitiative, StoredObjective};
pub use self::timeline::{Ended, Interval, Segment, Timeline, intersection};
pub use self::transitions::{Transition, Wanted};
