//! Text folded at words, for terminals and alike when piped.

use textwrap::{Options, WordSplitter, WrapAlgorithm};

/// Columns that every terminal has.
pub(super) const COLUMNS: usize = 80;

/// Folds text to [`COLUMNS`], each line behind the first indented; the first begins at `indent` already. A word
/// that is longer than a line stays whole: it is a series or a URL, and somebody will want to copy it.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    let spaces = " ".repeat(indent);
    let options = Options::new(COLUMNS)
        .initial_indent(&spaces)
        .subsequent_indent(&spaces)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let filled = textwrap::fill(text, options);
    filled.get(indent..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_never_in_one() {
        let long = "x".repeat(90);
        let wrapped = wrap(&format!("{} {long} end", "wörd ".repeat(30)), 10);
        let mut lines = wrapped.lines();
        // What stands before the text takes ten columns.
        assert!(lines.next().unwrap().chars().count() <= COLUMNS - 10);
        for line in lines {
            assert!(line.starts_with(&" ".repeat(10)), "{line:?}");
            assert!(
                line.chars().count() <= COLUMNS || line.trim() == long,
                "{line:?}"
            );
        }
        assert_eq!(wrapped.matches("wörd").count(), 30);
        assert!(wrapped.contains(&long));
        assert_eq!(wrap("", 4), "");
    }
}
