//! Relabelling, with Prometheus's exact semantics. Pure.

mod apply;
mod explain;
mod re2;
mod relabeling;
mod rule;
mod template;

pub use apply::{Outcome, apply};
pub use explain::{LabelChange, RelabelStep, explain};
pub(crate) use relabeling::RawRelabeling;
pub(crate) use rule::rules;
pub use rule::{Action, AnchoredRegex, RawRule, Rule};
pub use template::Template;
