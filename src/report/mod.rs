//! What a quarter came to, from history: the same history gives the same report.

mod collect;
mod compute;
pub mod frozen;
pub mod model;
pub mod output;
mod retention;
mod tally;

pub use self::collect::Question;
pub use self::compute::report;
pub use self::model::Report;
pub use self::retention::{due, prunable};
