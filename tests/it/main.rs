//! Integration tests: one binary, a module per stage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod discovery;
