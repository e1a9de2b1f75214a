//! Reading documents that people write: YAML with budgets, errors with line and column, values that
//! check themselves, durations, paths and globs, secrets. Knows nothing of what the documents are about.

pub mod digest;
pub mod duration;
mod error;
pub(crate) mod files;
pub mod glob;
pub mod inert;
mod key_path;
pub(crate) mod paths;
pub(crate) mod quantity;
pub mod secret;
pub(crate) mod value;
pub(crate) mod yaml;

pub use self::error::{DocumentError, Origin, Position};
pub use self::value::{Day, Interval, Pattern, PortRange};
