//! What all clients share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use arc_swap::ArcSwap;

use super::settings::ScrapeSettings;
use crate::http_client::Resolver;

/// The settings in force, the resolver, the count of open connections.
#[derive(Debug)]
pub struct Network {
    settings: ArcSwap<ScrapeSettings>,
    pub(super) resolver: Resolver,
    pub(super) open: Arc<AtomicUsize>,
}

impl Network {
    /// The network as the settings allow it, names resolved by `resolver`.
    pub fn new(settings: ScrapeSettings, resolver: Resolver) -> Self {
        Self {
            settings: ArcSwap::from_pointee(settings),
            resolver,
            open: Arc::default(),
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<ScrapeSettings> {
        self.settings.load_full()
    }

    /// Puts other settings in force, from the next request on, kept connections included.
    pub fn reload(&self, settings: ScrapeSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// Connections open now, in flight and kept.
    pub fn open_connections(&self) -> usize {
        self.open.load(Relaxed)
    }
}
