//! Publishing: what the snapshot says, as metrics, page and JSON. Nothing here judges.

mod api;
mod body;
pub mod compliance;
mod negotiate;
mod page;
mod render;
mod routes;
mod server;
pub mod telemetry;
mod writer;

pub use render::Published;
pub use routes::{App, Probe, ProbeAnswer, Reload, router};
pub use server::serve;
pub use telemetry::Telemetry;
