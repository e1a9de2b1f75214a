//! What is counted of history.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;
use strum::VariantArray as _;

use super::error::HistoryFailure;
use super::recorder::Recorded;

/// What is counted of history, since this process began.
#[derive(Debug, Default)]
pub struct HistoryStats {
    is_on: AtomicBool,
    is_up: AtomicBool,
    commits: AtomicU64,
    rows: AtomicU64,
    /// Milliseconds, 0 before the first.
    committed_at: AtomicI64,
    bytes: AtomicU64,
    set_aside: AtomicU64,
    failures: [AtomicU64; HistoryFailure::VARIANTS.len()],
}

/// The same at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryTotals {
    /// Whether it is being written.
    pub is_up: bool,
    /// Transactions.
    pub commits: u64,
    /// Transitions and changes of ownership in them.
    pub rows: u64,
    /// When the last was made.
    pub committed_at: Option<Timestamp>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Damaged files that were set aside.
    pub set_aside: u64,
    /// Failures, by kind.
    pub failures: Vec<(HistoryFailure, u64)>,
}

impl HistoryStats {
    /// History is kept from now on; it is not open yet.
    pub fn turn_on(&self) {
        self.is_on.store(true, Relaxed);
    }

    /// It was opened, or can be written again.
    pub fn opened(&self, bytes: u64) {
        self.is_up.store(true, Relaxed);
        self.bytes.store(bytes, Relaxed);
    }

    /// A damaged file was set aside.
    pub fn was_set_aside(&self) {
        self.set_aside.fetch_add(1, Relaxed);
    }

    /// A snapshot was recorded.
    pub fn recorded(&self, recorded: Recorded, at: Timestamp, bytes: u64) {
        if recorded.committed {
            self.commits.fetch_add(1, Relaxed);
            self.rows.fetch_add(recorded.rows as u64, Relaxed);
            self.committed_at.store(at.as_millisecond(), Relaxed);
            self.bytes.store(bytes, Relaxed);
        }
    }

    /// It could not be opened or written.
    pub fn failed(&self, failure: HistoryFailure) {
        self.is_up.store(false, Relaxed);
        self.failures[failure as usize].fetch_add(1, Relaxed);
    }

    /// What is counted now; `None` where no history is kept.
    pub fn totals(&self) -> Option<HistoryTotals> {
        let committed_at = self.committed_at.load(Relaxed);
        self.is_on.load(Relaxed).then(|| HistoryTotals {
            is_up: self.is_up.load(Relaxed),
            commits: self.commits.load(Relaxed),
            rows: self.rows.load(Relaxed),
            committed_at: (committed_at > 0).then(|| super::codes::moment(committed_at)),
            bytes: self.bytes.load(Relaxed),
            set_aside: self.set_aside.load(Relaxed),
            failures: HistoryFailure::VARIANTS
                .iter()
                .map(|failure| (*failure, self.failures[*failure as usize].load(Relaxed)))
                .collect(),
        })
    }
}
