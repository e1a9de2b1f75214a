//! Discovery, against real files and real servers.

mod file;
mod http;
mod populate;
mod relabel;
mod reload;
mod rig;
mod tls;
