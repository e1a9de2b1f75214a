//! Integration tests: one binary, a module per stage.

mod config;
mod detection;
