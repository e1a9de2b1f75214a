//! How wide text is, about, and text cut to the room it has.

/// About how wide `text` is at a size of `size`. The reader's font is not known, so that this
/// errs on the side of the wider ones among those that the pictures name.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// `text`, or as much of it as fits into `room` before an ellipsis.
pub(super) fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut used = advance('…') * size;
    if used > room {
        return String::new();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        used += advance(letter) * size;
        if used > room {
            break;
        }
        kept.push(letter);
    }
    format!("{}…", kept.trim_end())
}

/// The width of a letter, in shares of the font's size.
fn advance(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '\'' | '|' => 0.29,
        ' ' | '.' | ',' | ':' | ';' | '!' | 'f' | 't' | '/' | '\\' | '(' | ')' | '[' | ']' => 0.36,
        'r' | '-' | '"' | '*' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        'A'..='Z' | '~' => 0.7,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' => 0.57,
        'a'..='z' => 0.62,
        '0'..='9' => 0.635,
        '…' => 0.9,
        _ => 0.7,
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, width};

    #[test]
    fn text_is_cut_to_its_room() {
        assert_eq!(cut("checkout", 10.0, 100.0), "checkout");
        assert_eq!(cut("checkout production", 10.0, 62.0), "checkout…");
        assert_eq!(cut("checkout", 10.0, 5.0), "");
        assert!(width(&cut("a title that is long", 12.0, 60.0), 12.0) <= 60.0);
    }
}
