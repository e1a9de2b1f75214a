//! Expositions: bytes in, series events with line and column out.
//!
//! Pure, streaming, no allocation per sample.

mod chunks;
mod content_type;
mod event;
mod family;
mod fault;
mod limits;
mod lines;
mod metadata;
mod metric;
mod number;
mod point;
mod role;
mod rules;
mod sample;
mod scanner;
mod series;

pub use content_type::ContentTypeError;
pub use event::{Event, Exemplar, Labels, MetricType, Sample};
pub use fault::{Fault, Severity};
pub use limits::Limits;
pub use scanner::{Scanner, Summary, scan};

/// The text formats that Prometheus scrapes and this scanner reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text format 0.0.4 (and 1.0.0, which adds quoted UTF-8 names).
    Text,
    /// OpenMetrics 1.0.0 (and 0.0.1, which Prometheus reads alike).
    OpenMetrics,
}
