//! Counts of a whole body.

/// What a finished body came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Samples handed out.
    pub samples: u64,
    /// Lines read, the unterminated one included.
    pub lines: u64,
    /// Bytes fed.
    pub bytes: u64,
    /// Errors, also those past `faults_max`.
    pub errors: u64,
    /// Violations, also those past `faults_max`.
    pub violations: u64,
    /// Whether the last line of a text body lacks its newline, as that of a truncated body does.
    pub unterminated: bool,
}
