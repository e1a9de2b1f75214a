//! Evidence that no scrape gives: cases as data against servers that speak the real protocols, and
//! the same queries on real engines.

mod bypass;
mod case;
mod cases;
mod docs;
mod real;
mod recorded;
mod running;
pub(crate) mod server;
mod tokens;
