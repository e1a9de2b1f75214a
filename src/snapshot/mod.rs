//! Every verdict at one moment: immutable, swapped whole. Metrics, page and API read nothing else.

mod advice;
mod build;
mod instances;
mod judge;
mod levels;
mod missing;
mod next_steps;
mod past;
mod ruleset;
mod score;
mod state;

pub use self::advice::{advice, advice_on_target};
pub use self::build::Snapshot;
pub use self::levels::highest_level;
pub use self::missing::Missing;
pub use self::next_steps::NextStep;
pub use self::past::{Memory, Past, PastVerdict};
pub use self::ruleset::{CARRIED_FOR_DEFAULT, JudgedScrape, Ruleset, figures, reason_of};
pub use self::score::{RuleStatus, Score};
pub use self::state::{
    Carried, EstateState, Failing, HeldLevel, Scrape, ScrapeOutcome, ServiceSeries, ServiceState,
    ServiceVerdict, TargetState, count_not_configured,
};
