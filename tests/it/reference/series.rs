//! A series: a name and labels, as both formats write them but for blanks and commas.

use super::cursor::Cursor;
use super::words::{label_name, metric_name, quoted, unescaped};
use super::{Read, fails};

/// What a format allows between and inside the parts.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Blanks between any two parts.
    pub(super) blanks: bool,
    /// Labels one after another without a comma.
    pub(super) commas_left_out: bool,
    /// Raw newlines in label values.
    pub(super) newlines: bool,
}

impl Manner {
    fn skip_blanks(self, at: &mut Cursor<'_>) {
        if self.blanks {
            at.skip_blanks();
        }
    }
}

/// Name and labels in the order written.
pub(super) type Series = (String, Vec<(String, String)>);

/// Reads `name`, `name{label="value"}` or `{"name",label="value"}`.
pub(super) fn series(at: &mut Cursor<'_>, manner: Manner) -> Read<Series> {
    let mut name = metric_name(at);
    let mut labels = Vec::new();
    manner.skip_blanks(at);
    if at.skip("{") {
        braces(at, manner, &mut name, &mut labels)?;
    }
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return fails("a series without a name");
    };
    check(&labels)?;
    Ok((name, labels))
}

fn braces(
    at: &mut Cursor<'_>,
    manner: Manner,
    metric: &mut Option<String>,
    labels: &mut Vec<(String, String)>,
) -> Read<()> {
    loop {
        manner.skip_blanks(at);
        if at.skip("}") {
            return Ok(());
        }
        let is_quoted = at.peek() == Some(b'"');
        let name = match label_name(at) {
            Some(name) => name,
            // Also where no raw newline may stand in a value.
            None => unescaped(&quoted(at, true)?, true)?,
        };
        manner.skip_blanks(at);
        let is_metric = is_quoted && at.peek() != Some(b'=');
        if is_metric {
            if metric.replace(name).is_some() {
                return fails("a second name");
            }
        } else {
            at.expect("=")?;
            manner.skip_blanks(at);
            let value = unescaped(&quoted(at, manner.newlines)?, true)?;
            labels.push((name, value));
            manner.skip_blanks(at);
        }
        let may_go_on = manner.commas_left_out && !is_metric;
        if !at.skip(",") && at.peek() != Some(b'}') && !may_go_on {
            return fails("no comma between labels");
        }
    }
}

/// That the series can be stored. Labels without a value are dropped first, each with all others of
/// its name.
fn check(labels: &[(String, String)]) -> Read<()> {
    for (at, (name, _)) in labels.iter().enumerate() {
        let of_name = || labels.iter().filter(|(other, _)| other == name);
        if name.is_empty() || name == "__name__" {
            return fails(format!("a label called {name:?}"));
        }
        if of_name().all(|(_, value)| !value.is_empty())
            && labels[..at].iter().any(|(other, _)| other == name)
        {
            return fails(format!("{name:?} twice"));
        }
    }
    Ok(())
}
