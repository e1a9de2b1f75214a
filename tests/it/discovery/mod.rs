//! Discovery, against real files and real servers.

mod file;
mod http;
mod populate;
mod relabel;
mod reload;
pub(crate) mod rig;
mod tls;
