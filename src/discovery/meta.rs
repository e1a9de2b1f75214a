//! Labels as Prometheus's mechanisms make them of what servers say. Pure.

use std::fmt::Display;

use crate::labels::Labels;

pub(super) const ADDRESS: &str = "__address__";

/// Labels of one mechanism while they are put together: of two with one name, the later wins.
#[derive(Debug)]
pub(super) struct Meta {
    /// `__meta_kubernetes_`.
    prefix: &'static str,
    pairs: Vec<(String, String)>,
}

impl Meta {
    pub(super) fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            pairs: Vec::new(),
        }
    }

    /// A label, its name without the prefix.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        let name = format!("{}{name}", self.prefix);
        self.pairs.push((name, value.into()));
    }

    /// The same where there is a value.
    pub(super) fn set_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(name, value.to_string());
        }
    }

    /// A label under its whole name.
    pub(super) fn set_plain(&mut self, name: &str, value: impl Into<String>) {
        self.pairs.push((name.to_owned(), value.into()));
    }

    /// A label for each pair, named after it. In order of name: of two whose names differ in special characters only,
    /// the later wins, where Prometheus takes either.
    pub(super) fn set_all<'a>(
        &mut self,
        name: &str,
        pairs: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) {
        for (key, value) in pairs {
            self.set(&format!("{name}_{}", sanitised(key)), value.as_str());
        }
    }

    pub(super) fn build(self) -> Labels {
        let mut pairs = self.pairs;
        // The last of each name comes first, and stays.
        pairs.reverse();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs.dedup_by(|(later, _), (kept, _)| later == kept);
        let mut labels: Labels = pairs.into_iter().collect();
        labels.pack();
        labels
    }
}

/// A name as part of a label's: what a label's name cannot hold becomes `_`, character by character.
pub(super) fn sanitised(name: &str) -> String {
    let allowed = |c: char| match c.is_ascii_alphanumeric() || c == '_' {
        true => c,
        false => '_',
    };
    name.chars().map(allowed).collect()
}

/// `host:port`, with brackets around an IPv6 address.
pub(super) fn address(host: &str, port: impl Display) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// A list as one label's value, with a separator around each entry: a regular expression finds an entry wherever it
/// stands.
pub(super) fn surrounded(entries: &[impl AsRef<str>], separator: &str) -> String {
    let entries: Vec<&str> = entries.iter().map(AsRef::as_ref).collect();
    format!("{separator}{}{separator}", entries.join(separator))
}
