//! The client for lists and evidence against servers that misbehave.

mod reach;
pub(crate) mod server;
