//! The integration tests, one binary.

mod expositions;
mod openmetrics_suite;
