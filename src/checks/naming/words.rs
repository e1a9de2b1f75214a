//! Lists of words, written as people read them.

use std::borrow::Cow;

/// Words separated by white space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words(pub(crate) &'static str);

impl Words {
    /// Whether `word` is one of them.
    pub(crate) fn has(self, word: &str) -> bool {
        self.0.split_ascii_whitespace().any(|listed| listed == word)
    }

    /// Whether any of `words` is one of them.
    pub(crate) fn any<'a>(self, mut words: impl Iterator<Item = &'a str>) -> bool {
        words.any(|word| self.has(word))
    }
}

/// The words of a snake_case name.
pub(crate) fn words(name: &str) -> impl DoubleEndedIterator<Item = &str> + Clone {
    name.split('_').filter(|word| !word.is_empty())
}

/// Whether one of `sequences` stands among the words of a name.
pub(crate) fn has_sequence(words: &[&str], sequences: &[&[&str]]) -> bool {
    sequences
        .iter()
        .any(|sequence| words.windows(sequence.len()).any(|at| at == *sequence))
}

/// A word without the ending of its plural: `requests` and `request` are one, `queries` and `query` too.
pub(crate) fn singular(word: &str) -> Cow<'_, str> {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return Cow::Owned(format!("{stem}y"));
    }
    let plural = word
        .strip_suffix('s')
        .filter(|_| word.len() > 3 && !word.ends_with("ss"));
    Cow::Borrowed(plural.unwrap_or(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_lose_their_ending() {
        for (word, expected) in [
            ("requests", "request"),
            ("queries", "query"),
            ("success", "success"),
            ("dns", "dns"),
            ("ies", "ies"),
            ("ties", "tie"),
        ] {
            assert_eq!(singular(word), expected);
        }
    }
}
