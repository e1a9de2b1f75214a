//! What is known of a scrape while it runs, so that a deadline can say where it struck.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed};

/// What a scrape is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    Preparing,
    Token,
    Resolving,
    Connecting,
    Proxy,
    Handshake,
    Headers,
    Body,
}

impl Phase {
    const ALL: [Phase; 8] = [
        Phase::Preparing,
        Phase::Token,
        Phase::Resolving,
        Phase::Connecting,
        Phase::Proxy,
        Phase::Handshake,
        Phase::Headers,
        Phase::Body,
    ];

    /// Completes "timed out ...".
    pub(super) fn doing(self) -> &'static str {
        match self {
            Phase::Preparing => "reading credentials",
            Phase::Token => "fetching the oauth2 token",
            Phase::Resolving => "resolving the host name",
            Phase::Connecting => "connecting",
            Phase::Proxy => "waiting for the proxy",
            Phase::Handshake => "in the TLS handshake",
            Phase::Headers => "waiting for the response headers",
            Phase::Body => "reading the body",
        }
    }
}

/// Written by the scrape, read after its end or its deadline. Relaxed atomics only because the
/// future moves between threads; there is one writer.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    status: AtomicU16,
    reused: AtomicBool,
    retried: AtomicBool,
    body_bytes: AtomicU64,
    wire_bytes: AtomicU64,
    exchange_start: AtomicU64,
}

impl Progress {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Relaxed))]
    }

    /// A request is about to be sent on a connection.
    pub(super) fn begin_exchange(&self, reused: bool) {
        self.reused.store(reused, Relaxed);
        self.exchange_start.store(self.wire_bytes(), Relaxed);
        self.enter(Phase::Headers);
    }

    /// Bytes received since the request was sent.
    pub(super) fn response_bytes(&self) -> u64 {
        self.wire_bytes() - self.exchange_start.load(Relaxed)
    }

    pub(super) fn received(&self, bytes: usize) {
        self.wire_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn wire_bytes(&self) -> u64 {
        self.wire_bytes.load(Relaxed)
    }

    pub(super) fn delivered(&self, bytes: usize) {
        self.body_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn body_bytes(&self) -> u64 {
        self.body_bytes.load(Relaxed)
    }

    pub(super) fn answered(&self, status: u16) {
        self.status.store(status, Relaxed);
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self.status.load(Relaxed) {
            0 => None,
            status => Some(status),
        }
    }

    pub(super) fn reused(&self) -> bool {
        self.reused.load(Relaxed)
    }

    pub(super) fn set_retried(&self) {
        self.retried.store(true, Relaxed);
    }

    pub(super) fn retried(&self) -> bool {
        self.retried.load(Relaxed)
    }
}
