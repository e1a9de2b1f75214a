//! Integration tests: one binary, a module per stage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod auto_reload;
mod bad_targets;
mod catalogue;
mod commands;
mod compared;
mod config;
mod daemon;
mod dashboards;
mod detection;
mod discovery;
mod evidence;
mod exposition_chunks;
mod exposition_events;
mod expositions;
mod faults;
mod faults_table;
mod history;
mod kubernetes;
mod many_targets;
mod mechanisms;
#[cfg(target_os = "linux")]
mod network;
mod openmetrics_suite;
mod outputs;
mod programs;
mod promconfig;
mod real;
mod reference;
mod round_trip;
mod second_hand;
mod secrets;
mod server;
mod services;
mod simulation;
mod snapshots_of_services;
mod states;
mod tidy;
mod web_config;
mod web_tls;
