//! The reliability manifesto: its rules, what the configuration changes of them, and judging by them.

mod embedded;
mod in_force;
mod judge;
mod levels;
mod overrides;
mod rule;

pub use self::embedded::{ManifestoError, ids};
pub use self::in_force::{Definition, Manifesto};
pub use self::judge::{all_unknown, judge_all, judge_without_metrics, queries};
pub use self::levels::{Level, NO_LEVEL};
pub(crate) use self::levels::{RawLevel, levels};
pub use self::overrides::RulesConfig;
pub(crate) use self::overrides::{RawRules, rules};
pub use self::rule::{Rule, Scope, Severity};
