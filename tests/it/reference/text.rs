//! The text format 0.0.4, quoted names of version 1.0.0 included.

use super::cursor::Cursor;
use super::series::{Manner, series};
use super::words::{metric_name, number, quoted, unescaped};
use super::{Entry, Read, bits, fails};

const MANNER: Manner = Manner {
    blanks: true,
    commas_left_out: true,
    newlines: true,
};

/// Reads a body to its end; the last line counts without its newline too.
pub(super) fn read(body: &[u8], entries: &mut Vec<Entry>) -> Read<()> {
    let body = [body, b"\n"].concat();
    let mut at = Cursor::new(&body);
    while !at.is_at_end() {
        at.skip_blanks();
        match at.peek() {
            Some(b'\n') => {}
            Some(b'#') => comment(&mut at, entries)?,
            _ => sample(&mut at, entries)?,
        }
        at.expect("\n")?;
    }
    Ok(())
}

fn comment(at: &mut Cursor<'_>, entries: &mut Vec<Entry>) -> Read<()> {
    at.expect("#")?;
    let apart = at.skip_blanks();
    let keyword = ["HELP", "TYPE"]
        .into_iter()
        .find(|word| apart && at.skip(word));
    let Some(keyword) = keyword.filter(|_| at.skip_blanks()) else {
        // For people.
        at.rest_of_line();
        return Ok(());
    };
    let name = match metric_name(at) {
        Some(name) => Some(name),
        // A name that is no text is nobody's concern here.
        None => unescaped(&quoted(at, true)?, true).ok(),
    };
    let rest = at.rest_of_line();
    // One character after the name is taken for the space that should be there.
    let is_blank = rest.iter().all(|byte| b" \t".contains(byte));
    let text = if is_blank { b"" } else { &rest[1..] };
    let told = name.filter(|_| std::str::from_utf8(rest).is_ok());
    if keyword == "HELP" {
        // Quotes need no escape in a help text.
        let text = unescaped(text, false)?;
        entries.extend(told.map(|name| Entry::Help { name, text }));
        return Ok(());
    }
    let kind = match text {
        b"counter" => "counter",
        b"gauge" => "gauge",
        b"histogram" => "histogram",
        b"summary" => "summary",
        b"untyped" => "unknown",
        _ => return fails("no type of this format"),
    };
    entries.extend(told.map(|name| Entry::Type {
        name,
        kind: kind.to_owned(),
    }));
    Ok(())
}

fn sample(at: &mut Cursor<'_>, entries: &mut Vec<Entry>) -> Read<()> {
    let (name, labels) = series(at, MANNER)?;
    at.skip_blanks();
    let value = number(at.take_while(|byte| !b" \t\n{".contains(&byte)))?;
    at.skip_blanks();
    let digits = at.take_while(|byte| byte.is_ascii_digit());
    let time = match std::str::from_utf8(digits).unwrap() {
        "" => None,
        digits => match digits.parse() {
            Ok(ms) => Some(ms),
            Err(_) => return fails("a time of more than 64 bits"),
        },
    };
    at.skip_blanks();
    if at.peek() != Some(b'\n') {
        return fails("more than a value and a time");
    }
    entries.push(Entry::Sample {
        name,
        labels,
        bits: bits(value),
        time,
    });
    Ok(())
}
