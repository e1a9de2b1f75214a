//! Publishing: what the snapshot says, as metrics, page and JSON. Nothing here judges.

mod api;
mod auth;
mod body;
pub mod compliance;
mod guard;
mod history;
mod instrumentation;
mod negotiate;
mod objectives;
mod page;
mod rate;
mod records;
mod render;
mod routes;
mod runbooks;
mod server;
mod sources;
mod targets;
mod targets_page;
pub mod telemetry;
mod tls;
mod web;
mod web_config;
mod writer;

pub use guard::{Guard, Hosts};
pub use page::percent;
pub use render::Published;
pub use routes::{App, Probe, ProbeAnswer, READY, Reload, router};
pub use server::{ServerLimits, serve};
pub use telemetry::Telemetry;
pub use web::{Web, WebError};
