//! What monitors set that is not supported here. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kubernetes::Key;

/// Keys of an endpoint that say how to ask: credentials of others are not read, and who asks without them learns
/// nothing about the service.
const ASKS_OTHERWISE: [&str; 8] = [
    "authorization",
    "basicAuth",
    "bearerTokenFile",
    "bearerTokenSecret",
    "oauth2",
    "proxyConnectHeader",
    "proxyFromEnvironment",
    "proxyUrl",
];
/// The same of an endpoint that is asked by TLS.
const TLS: &str = "tlsConfig";

/// What one monitor sets that is not supported.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct Unsupported {
    keys: BTreeSet<String>,
    /// For want of what these keys say, endpoints are not asked.
    unasked: BTreeSet<&'static str>,
}

impl Unsupported {
    /// Of the monitor itself.
    pub(super) fn of(others: &BTreeMap<String, Value>) -> Self {
        let mut unsupported = Self::default();
        unsupported.add(others, &BTreeMap::new());
        unsupported
    }

    /// Of an endpoint.
    pub(super) fn add(
        &mut self,
        others: &BTreeMap<String, Value>,
        params: &BTreeMap<String, Vec<String>>,
    ) {
        let set = others.iter().filter(|(_, value)| is_set(value));
        self.keys.extend(set.map(|(key, _)| key.clone()));
        let mut several = params.iter().filter(|(_, values)| values.len() > 1);
        if let Some((name, _)) = several.next() {
            self.keys
                .insert(format!("params.{name} after its first value"));
        }
    }

    /// Of an endpoint that is not asked, for that.
    pub(super) fn unasked(&mut self, key: &'static str) {
        self.unasked.insert(key);
    }
}

/// What says that an endpoint is to be asked in a way that it cannot be.
pub(super) fn asks_otherwise(
    others: &BTreeMap<String, Value>,
    scheme: &str,
) -> Option<&'static str> {
    let by_tls = scheme.eq_ignore_ascii_case("https").then_some(TLS);
    let mut keys = ASKS_OTHERWISE.into_iter().chain(by_tls);
    keys.find(|key| others.get(*key).is_some_and(is_set))
}

/// Whether a value says anything.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(values) => values.values().any(is_set),
    }
}

/// What monitors set that is not supported, in a sentence for each key.
pub(in super::super) fn notes<'a>(
    resource: &str,
    monitors: impl Iterator<Item = (&'a Key, &'a Unsupported)>,
) -> Vec<String> {
    let mut by_key: BTreeMap<(&str, bool), (usize, &Key)> = BTreeMap::new();
    for (key, unsupported) in monitors {
        let keys = unsupported.keys.iter().map(|key| (key.as_str(), true));
        let unasked = unsupported.unasked.iter().map(|key| (*key, false));
        for what in keys.chain(unasked) {
            let (count, _) = by_key.entry(what).or_insert((0, key));
            *count += 1;
        }
    }
    let notes = by_key.into_iter().map(|((what, is_asked), (count, first))| {
        let Key { namespace, name } = first;
        let first = match count {
            1 => format!("{namespace}/{name}"),
            _ => format!("{namespace}/{name} and {} more", count - 1),
        };
        match is_asked {
            true => format!("{resource} set `{what}`, which is not supported: {first}"),
            false => format!(
                "{resource} have endpoints that need `{what}`, which is not supported, and are not scraped: {first}"
            ),
        }
    });
    notes.collect()
}
