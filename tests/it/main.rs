//! The integration tests, one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod exposition_chunks;
mod exposition_events;
mod expositions;
mod openmetrics_suite;
