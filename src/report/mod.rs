//! What a quarter came to, from history: the same history gives the same report.

mod collect;
mod compute;
mod figures;
mod find;
pub mod frozen;
pub mod model;
mod moments;
pub mod output;
mod question;
mod retention;
mod samples;
mod tally;
mod weights;

pub use self::compute::{key_result_pasts, report};
pub use self::find::{Found, ReportError, compute, find};
pub use self::model::Report;
pub use self::question::Question;
pub use self::retention::{due, is_settled, measured_quarters, prunable};
pub use self::samples::key_result_samples;
