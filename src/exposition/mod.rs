//! Expositions: bytes in, series events with line and column out.
//!
//! Pure, streaming, no allocation per sample. What is held does not grow with the body: the unfinished line of a
//! chunk, hashes of the series of one family, hashes of the names of families, all capped.
//!
//! A [`Fault`] is an error where Prometheus 3 would fail the scrape, a violation where the format's specification
//! forbids what Prometheus tolerates. After either, reading goes on with the next line. What shows only at the end
//! of a family, such as a missing bucket, is told when the next family begins, with the line it concerns.
//!
//! A body comes to: `chunks` into lines, `lexer` and its callers into parts, `family` and `metric` judge these.

mod chunks;
mod content_type;
mod event;
mod exemplar;
mod family;
mod fault;
mod format;
mod identity_hasher;
mod labels;
mod lexer;
mod limits;
mod lines;
mod metadata;
mod metric;
mod number;
mod observed;
mod point;
mod role;
mod rules;
mod sample;
mod scanner;
mod series;
mod shape;
mod summary;

pub use content_type::ContentTypeError;
pub use event::{Event, Exemplar, Labels, MetricType, Sample};
pub use fault::{Fault, Severity};
pub use format::Format;
pub use limits::Limits;
pub use scanner::{Scanner, scan};
pub use shape::{BodyShape, ShapeBuilder, ShapeMatcher};
pub use summary::Summary;
