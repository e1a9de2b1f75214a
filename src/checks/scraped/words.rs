//! Lists of words, written as people read them.

/// Words separated by white space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) &'static str);

impl Words {
    /// Whether `word` is one of them.
    pub(super) fn has(self, word: &str) -> bool {
        self.0.split_ascii_whitespace().any(|listed| listed == word)
    }
}
