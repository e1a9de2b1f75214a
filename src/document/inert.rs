//! Text of others, made harmless for a terminal, a log, a chat or a table.

/// Marks that change the direction of what follows (Unicode Standard Annex 9): with them a text shows as another.
const DIRECTIONS: [char; 12] = [
    '\u{061c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Whether a character shows nothing, and does something.
pub fn is_active(c: char) -> bool {
    c.is_control() || DIRECTIONS.contains(&c)
}

/// The same text with such characters escaped.
pub fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_active(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_escaped() {
        assert_eq!(inert("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(inert("a\u{202e}cod.exe"), "a\\u{202e}cod.exe");
        assert_eq!(inert("naïve ✓"), "naïve ✓");
    }
}
