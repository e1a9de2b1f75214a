//! What names say: of a metric, whose it is and what it is about; of a label, whose request a series counts
//! and how it ended. The model is told in docs/detection.md.

pub mod counters;
pub mod family;
pub mod help;
pub mod labels;
pub mod namespace;
mod probes;
pub mod products;
pub mod role;
pub mod words;
