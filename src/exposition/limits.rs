//! What one body may cost.

/// Limits of one body; past any of them the body is in error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line, without its newline.
    pub line_bytes_max: usize,
    /// Labels of one sample, the metric's name not counted.
    pub labels_max: usize,
    /// Bytes of a label's name, as written.
    pub label_name_bytes_max: usize,
    /// Bytes of a label's value, as written.
    pub label_value_bytes_max: usize,
    /// Samples; past it nothing more is read.
    pub samples_max: u64,
    /// Faults worded and handed out; the rest is only counted.
    pub faults_max: usize,
}

/// As those of a scrape job.
impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes_max: 1024 * 1024,
            labels_max: 256,
            label_name_bytes_max: 4 * 1024,
            label_value_bytes_max: 64 * 1024,
            samples_max: 1_000_000,
            faults_max: 1_000,
        }
    }
}
