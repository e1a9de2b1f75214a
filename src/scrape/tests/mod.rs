//! Scrapes against servers that misbehave, each test named after the fault it brings about.

mod auth;
mod body;
mod connection;
mod dialling;
mod engine;
mod limits;
mod proxying;
mod redirects;
pub(crate) mod support;
mod tls;
