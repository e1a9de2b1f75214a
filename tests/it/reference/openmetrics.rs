//! OpenMetrics 1.0, with the quoted names that Prometheus takes besides.

use super::cursor::Cursor;
use super::series::{Manner, series};
use super::words::{label_name, metric_name, number, quoted, unescaped};
use super::{Entry, Read, Stop, bits, fails};

const MANNER: Manner = Manner {
    blanks: false,
    commas_left_out: false,
    newlines: false,
};

/// Reads a body, which must end with `# EOF`.
pub(super) fn read(body: &[u8], entries: &mut Vec<Entry>) -> Read<()> {
    let mut at = Cursor::new(body);
    loop {
        if at.skip("# EOF") {
            at.skip("\n");
            return match at.is_at_end() {
                true => Ok(()),
                false => fails("more after the end"),
            };
        }
        let entry = match at.peek() {
            None => return fails("no end"),
            Some(b'#') => metadata(&mut at)?,
            Some(_) => Some(sample(&mut at)?),
        };
        // Of a line without its newline it is the end of the body that is missed.
        if !at.is_at_end() {
            at.expect("\n")?;
        }
        entries.extend(entry);
    }
}

fn metadata(at: &mut Cursor<'_>) -> Read<Option<Entry>> {
    at.expect("# ")?;
    let keyword = ["HELP ", "TYPE ", "UNIT "]
        .into_iter()
        .find(|word| at.skip(word));
    let Some(keyword) = keyword else {
        return fails("a comment");
    };
    let written = match metric_name(at) {
        Some(name) => name.into_bytes(),
        None => quoted(at, true)?,
    };
    at.expect(" ")?;
    let rest = at.rest_of_line();
    // A name that is no text is nobody's concern here.
    let name = unescaped(&written, true).ok();
    match keyword {
        "HELP " => {
            let text = unescaped(rest, true)?;
            Ok(name.map(|name| Entry::Help { name, text }))
        }
        "TYPE " => {
            let kinds = "counter gauge histogram gaugehistogram summary info stateset unknown";
            let kind = kinds.split(' ').find(|kind| kind.as_bytes() == rest);
            let Some(kind) = kind.map(str::to_owned) else {
                return fails("no type of this format");
            };
            Ok(name.map(|name| Entry::Type { name, kind }))
        }
        _ => {
            let suffix = [b"_", rest].concat();
            if !rest.is_empty() && !written.ends_with(&suffix) {
                return fails("the name does not end in its unit");
            }
            let unit = String::from_utf8(rest.to_vec()).ok();
            Ok(name
                .zip(unit)
                .map(|(name, unit)| Entry::Unit { name, unit }))
        }
    }
}

fn sample(at: &mut Cursor<'_>) -> Read<Entry> {
    let (name, labels) = series(at, MANNER)?;
    at.expect(" ")?;
    let value = number(word(at))?;
    let time = time(at)?;
    if at.skip(" # {") {
        exemplar(at)?;
    }
    Ok(Entry::Sample {
        name,
        labels,
        bits: bits(value),
        time,
    })
}

/// What stands up to the next space or the end of the line.
fn word<'a>(at: &mut Cursor<'a>) -> &'a [u8] {
    at.take_while(|byte| byte != b' ' && byte != b'\n')
}

/// A time in seconds, to the millisecond, if one comes next.
fn time(at: &mut Cursor<'_>) -> Read<Option<i64>> {
    let mut ahead = *at;
    if at.peek() != Some(b' ') || ahead.skip(" # {") {
        return Ok(None);
    }
    at.expect(" ")?;
    let seconds = number(word(at))?;
    if !seconds.is_finite() {
        return fails("no time");
    }
    let ms = (seconds * 1000.0).trunc();
    if ms.abs() >= 2.0_f64.powi(63) {
        return Err(Stop::OutOfScope("a time past 64 bits of milliseconds"));
    }
    Ok(Some(ms as i64))
}

/// Reads an exemplar from behind its opening brace; nothing of it is kept.
fn exemplar(at: &mut Cursor<'_>) -> Read<()> {
    while !at.skip("}") {
        if label_name(at).is_none() {
            quoted(at, false)?;
        }
        at.expect("=")?;
        unescaped(&quoted(at, false)?, true)?;
        if !at.skip(",") && at.peek() != Some(b'}') {
            return fails("no comma between labels");
        }
    }
    at.expect(" ")?;
    number(word(at))?;
    time(at)?;
    Ok(())
}
