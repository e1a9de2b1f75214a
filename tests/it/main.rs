//! The integration tests, one binary.

mod exposition_chunks;
mod exposition_events;
mod expositions;
mod openmetrics_suite;
