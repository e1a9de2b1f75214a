//! The client for lists and evidence against servers that misbehave.

pub(crate) mod oauth2;
mod proxying;
mod reach;
pub(crate) mod server;
pub(crate) mod support;
