//! The client for lists and evidence against servers that misbehave.

mod proxying;
mod reach;
pub(crate) mod server;
mod support;
