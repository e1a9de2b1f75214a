//! Publishing: what the snapshot says, as metrics, page and JSON. Nothing here judges.

mod api;
mod app;
mod auth;
mod body;
pub mod compliance;
mod guard;
mod history;
mod html;
mod instrumentation;
mod negotiate;
mod objectives;
mod page;
mod rate;
mod records;
mod render;
mod reports;
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

pub use app::{App, Probe, ProbeAnswer, REPORTS_AT_ONCE_MAX, Reload};
pub use guard::{Guard, Hosts};
pub use page::percent;
pub use render::Published;
pub use routes::{READY, router};
pub use server::{ServerLimits, serve};
pub use telemetry::Telemetry;
pub use web::{Web, WebError};
