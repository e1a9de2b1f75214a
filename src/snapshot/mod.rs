//! Every verdict at one moment: immutable, swapped whole. Metrics, page and API read nothing else.

mod build;
mod departed;
mod instances;
mod judge;
mod missing;
mod ruleset;
mod score;
mod state;

pub use self::build::Snapshot;
pub use self::missing::Missing;
pub use self::ruleset::{Ruleset, figures};
pub use self::score::{RuleStatus, Score};
pub use self::state::{EstateState, Failing, Scrape, ServiceState, ServiceVerdict, TargetState};
