//! The integration tests, one binary.

#![expect(clippy::unwrap_used, reason = "tests")]

mod openmetrics_suite;
