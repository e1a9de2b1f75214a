//! How quickly discovery acts.

use std::time::Duration;

/// How quickly things happen; the defaults are right but in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The least time between two publications (the first comes at once).
    pub publish_every: Duration,
    /// How long a deleted file's targets stay.
    pub deleted_grace: Duration,
    /// The first wait before a failed server is asked again.
    pub retry: Duration,
    /// Answers that confirm a shrunken list count at most once in this time.
    pub answer_spacing: Duration,
    /// How long a source that crashed rests before it starts again.
    pub restart: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            publish_every: Duration::from_secs(1),
            deleted_grace: Duration::from_secs(5),
            retry: Duration::from_secs(2),
            answer_spacing: Duration::from_secs(10),
            restart: Duration::from_secs(1),
        }
    }
}
