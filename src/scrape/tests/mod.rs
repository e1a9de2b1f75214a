//! Scrapes against servers that misbehave, each test named after the fault it brings about.

mod body;
mod connection;
mod server;
mod support;
