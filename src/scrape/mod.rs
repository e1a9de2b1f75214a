//! Scraping: when each target is asked, how, and what that may cost.
//!
//! [`run`] follows the target sets of discovery, starts each scrape when it is due and hands body
//! and result to a [`Handler`]. [`Client`] makes one scrape: everything between the target's URL
//! and the decompressed bytes. A target that fails is a [`ScrapeError`] with a bounded reason, never an
//! error of ours. [`Decoder`] is the part of it that a bench measures alone.

mod asked;
mod auth;
mod client;
mod connect;
mod connector;
mod encoding;
mod engine;
mod error;
mod exchange;
mod framing;
mod gzip;
mod head;
mod network;
mod progress;
mod redirect;
mod request;
mod response;
mod result;
mod schedule;
mod settings;
mod slots;
mod stats;
mod stream;
mod tls;
mod tunnel;

#[cfg(test)]
pub(crate) mod tests;

pub use client::{Client, IdleConnection, scrape_once};
pub use encoding::{Coding, Decoder};
pub use engine::{Handler, run};
pub use error::{ScrapeError, ScrapeErrorKind};
pub use network::Network;
pub use progress::Progress;
pub use result::{BodySink, ScrapeResult};
pub use settings::{Capacity, ScrapeSettings};
pub use stats::{EngineSnapshot, EngineStats, LATENESS_BUCKETS};
