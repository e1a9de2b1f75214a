//! `kubernetes_sd_configs` beside the real Prometheus: on a real API server in `./tests/run real`, and on what was
//! recorded of both in a server of our own.

mod api;
mod default_job;
mod equality;
mod fake;
mod faults;
mod monitors;
mod real;
mod world;
