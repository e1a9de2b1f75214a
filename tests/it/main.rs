//! The integration tests, one binary.

mod openmetrics_suite;
