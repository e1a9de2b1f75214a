//! manifesto-exporter tells which services comply with a reliability manifesto.
//!
//! The pipeline, in reading order:
//!
//! ```text
//! config -> discovery -> scrape -> exposition -> checks -> snapshot -> publish
//!          catalogue, sources ------------------------^
//! ```
//!
//! [`ingest`] joins the middle (one body in, one observation out), [`daemon`] wires all stages,
//! [`cli`] holds a file per command.

pub mod aws;
pub mod calendar;
pub mod catalogue;
pub mod checks;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod discovery;
pub mod document;
pub mod exposition;
pub mod history;
pub mod http_client;
pub mod ingest;
mod interner;
pub mod kubernetes;
pub mod labels;
pub mod manifesto;
pub mod okr;
pub mod prometheus_api;
pub mod publish;
pub mod report;
pub mod rule_id;
pub mod scrape;
pub mod snapshot;
pub mod sources;
