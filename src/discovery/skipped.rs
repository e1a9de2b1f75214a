//! What a referenced Prometheus configuration asks for and is not done here.

/// A job of a referenced file that cannot be scraped here, though Prometheus can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedJob {
    /// `job_name`.
    pub job: String,
    /// File and line.
    pub place: String,
    /// What is not supported.
    pub why: String,
}
