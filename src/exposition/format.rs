//! The text formats that are read.

/// The text formats that Prometheus scrapes and this scanner reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text format 0.0.4 (and 1.0.0, which adds quoted UTF-8 names).
    Text,
    /// OpenMetrics 1.0.0 (and 0.0.1, which Prometheus reads alike).
    OpenMetrics,
}
