//! What is wrong with an exposition, and where.

/// How bad a [`Fault`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The format's specification forbids it, Prometheus tolerates it: verdicts stand.
    Violation,
    /// Prometheus 3 itself would fail the scrape: nothing was measured.
    Error,
}

/// One thing wrong with an exposition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whether Prometheus would fail the scrape.
    pub severity: Severity,
    /// Line, from 1; 0 where the fault concerns the whole body.
    pub line: u64,
    /// Column in bytes, from 1; 0 where the fault concerns the whole line.
    pub column: u64,
    /// What was expected and what was seen, without location.
    pub message: String,
}
