//! manifesto-exporter tells which services keep a reliability manifesto.
//!
//! The pipeline, in reading order:
//!
//! ```text
//! config -> discovery -> scrape -> exposition -> checks -> snapshot -> publish
//! ```

pub mod config;
pub mod discovery;
pub mod exposition;
pub mod labels;
pub mod scrape;
