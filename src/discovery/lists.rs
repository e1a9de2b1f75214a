//! Lists of target groups, as files and servers give them. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::groups::{LIST_TARGETS_MAX, Layers, Listing, TargetGroup};
use crate::document::value::NullableText;
use crate::labels::Labels;

/// Labels of a group.
const GROUP_LABELS_MAX: usize = 10_000;

/// The language of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `.json`, and every answer of a server.
    Json,
    /// `.yml` and `.yaml`.
    Yaml,
}

/// Reads a list. An entry that is wrong is skipped alone; a text that is no list is an error.
pub fn parse(text: &str, language: Language) -> Result<Listing, String> {
    if text.trim().is_empty() {
        return Err("the list is empty (0 bytes): not even `[]`".to_owned());
    }
    let listing = match read::<Vec<Group>>(text, language) {
        Ok(groups) if groups.iter().all(Group::is_usual) => Listing {
            groups: groups
                .into_iter()
                .map(|group| Arc::new(group.ready()))
                .collect(),
            ..Listing::default()
        },
        // Something in it is not as it should be: read it again without expectations.
        Ok(_) | Err(_) => parse_leniently(read::<Loose>(text, language)?, language)?,
    };
    match listing.targets() {
        count if count > LIST_TARGETS_MAX => Err(format!(
            "the list has {count} targets, more than {LIST_TARGETS_MAX}"
        )),
        _ => Ok(listing),
    }
}

fn read<T: serde::de::DeserializeOwned>(text: &str, language: Language) -> Result<T, String> {
    match language {
        Language::Json => serde_json::from_str(text).map_err(|error| error.to_string()),
        Language::Yaml => {
            let options = serde_saphyr::options! {
                budget: serde_saphyr::budget! {
                    max_nodes: 2_000_000,
                    max_events: 4_000_000,
                    max_depth: 32,
                },
                strict_booleans: true,
                with_snippet: false,
            };
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let message = error.to_string();
                message.lines().next().unwrap_or_default().to_owned()
            })
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, NullableText>>,
}

impl Group {
    fn is_usual(&self) -> bool {
        let labels = self.labels.as_ref();
        labels.is_none_or(|labels| labels.len() <= GROUP_LABELS_MAX)
    }

    fn ready(self) -> TargetGroup {
        TargetGroup {
            targets: self.targets.into_iter().map(address).collect(),
            common: Layers::from(
                self.labels
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(name, value)| (name, value.0))
                    .collect::<Labels>(),
            ),
        }
    }
}

fn address(address: String) -> Layers {
    Layers::from(Labels::from_iter([("__address__", address)]))
}

/// Takes what is right of a list in which something is not.
fn parse_leniently(list: Loose, language: Language) -> Result<Listing, String> {
    let Loose::List(entries) = list else {
        return Err(format!("expected a list of groups, found {}", list.kind()));
    };
    let mut listing = Listing::default();
    for (index, entry) in entries.into_iter().enumerate() {
        let Loose::Map(keys) = entry else {
            listing.skip(format_args!(
                "entry {index}: expected a group, found {}",
                entry.kind()
            ));
            continue;
        };
        match group(index, keys, language, &mut listing) {
            Ok(group) => listing.groups.push(Arc::new(group)),
            Err(reason) => listing.skip(format_args!("entry {index}: {reason}")),
        }
    }
    Ok(listing)
}

fn group(
    index: usize,
    keys: Vec<(String, Loose)>,
    language: Language,
    listing: &mut Listing,
) -> Result<TargetGroup, String> {
    let mut targets = None;
    // In order of name: one after the other, labels in any other order cost the square of their number.
    let mut labels = BTreeMap::new();
    for (key, value) in keys {
        match (key.as_str(), value) {
            ("targets", Loose::List(entries)) => targets = Some(entries),
            ("labels", Loose::Map(pairs)) if pairs.len() > GROUP_LABELS_MAX => {
                let count = pairs.len();
                return Err(format!("{count} labels are more than {GROUP_LABELS_MAX}"));
            }
            ("labels", Loose::Map(pairs)) => {
                for (name, value) in pairs {
                    match (value, language) {
                        (Loose::Text(value), _) | (Loose::Plain(value), Language::Yaml) => {
                            labels.insert(name, value);
                        }
                        // No label, as an empty one.
                        (Loose::Null, _) => {}
                        (other, _) => return Err(format!("label `{name}` is {}", other.kind())),
                    }
                }
            }
            ("labels", Loose::Null) => {}
            ("targets" | "labels", value) => return Err(format!("`{key}` is {}", value.kind())),
            // As Prometheus, who would know what it was meant for?
            _ => return Err(format!("unknown key `{key}`")),
        }
    }
    let mut group = TargetGroup {
        targets: Vec::new(),
        common: Layers::from(labels.into_iter().collect::<Labels>()),
    };
    for entry in targets.ok_or("`targets` is missing")? {
        match entry {
            Loose::Text(text) => group.targets.push(address(text)),
            other => listing.skip(format_args!("entry {index}: a target is {}", other.kind())),
        }
    }
    Ok(group)
}

/// Any value.
enum Loose {
    Null,
    Text(String),
    /// A number, `true` or `false`: a label's value may be one, an address may not.
    Plain(String),
    List(Vec<Loose>),
    Map(Vec<(String, Loose)>),
}

impl Loose {
    fn kind(&self) -> &'static str {
        match self {
            Loose::Null => "null",
            Loose::Text(_) => "a text",
            Loose::Plain(_) => "a number or boolean",
            Loose::List(_) => "a list",
            Loose::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Loose, E> {
        Ok(Loose::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Loose, E> {
        Ok(Loose::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Loose, E> {
        Ok(Loose::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Loose, E> {
        Ok(Loose::Plain(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_none<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Loose, D::Error> {
        Loose::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = seq.next_element()? {
            list.push(entry);
        }
        Ok(Loose::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Loose::Map(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_either_language() {
        let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"team": "x"}}, {"targets": []}]"#;
        let yaml = "- targets: ['a:1', b:2]\n  labels:\n    team: x\n- targets: []\n";
        let listing = parse(json, Language::Json).unwrap();
        assert_eq!(listing.targets(), 2);
        assert_eq!(listing.groups[0].common.own.get("team"), "x");
        assert_eq!(parse(yaml, Language::Yaml), Ok(listing));
    }

    #[test]
    fn groups_that_did_not_change_are_the_very_same() {
        let read = |text: &str| parse(text, Language::Json).unwrap();
        let before = read(r#"[{"targets": ["a:1"]}, {"targets": ["b:1"], "labels": {"x": "1"}}]"#);
        let mut after = read(
            r#"[{"targets": ["c:1"]}, {"targets": ["b:1"], "labels": {"x": "1"}}, {"targets": ["a:2"]}]"#,
        );
        after.reuse(&before);
        assert!(Arc::ptr_eq(&after.groups[1], &before.groups[1]));
        let others = [&after.groups[0], &after.groups[2]];
        let known = |group| before.groups.iter().any(|known| Arc::ptr_eq(known, group));
        assert!(!others.into_iter().any(known));
    }

    #[test]
    fn numbers_in_yaml_stay_as_written() {
        let listing = parse("- {targets: [a], labels: {version: 1.10}}", Language::Yaml).unwrap();
        assert_eq!(listing.groups[0].common.own.get("version"), "1.10");
    }

    #[test]
    fn fault_37_one_bad_entry_is_skipped_alone() {
        let json = r#"[
            {"targets": ["a:1", null, {"host": "b"}]}, 7, {"labels": {}},
            {"targets": ["c:3"], "labels": {"a": ["b"]}}, {"targets": ["d:4"], "labels": null}]"#;
        let listing = parse(json, Language::Json).unwrap();
        assert_eq!(listing.targets(), 2);
        assert_eq!(
            listing.skipped,
            [
                "entry 0: a target is null",
                "entry 0: a target is a mapping",
                "entry 1: expected a group, found a number or boolean",
                "entry 2: `targets` is missing",
                "entry 3: label `a` is a list",
            ]
        );
    }

    #[test]
    fn fault_44_a_group_has_so_many_labels_and_no_more() {
        let labels = (0..GROUP_LABELS_MAX + 1).rev();
        let labels: Vec<String> = labels.map(|n| format!("\"l{n:06}\": \"v\"")).collect();
        let labels = labels.join(",");
        for other in ["", ", null"] {
            let json = format!(
                r#"[{{"targets": ["a:1"{other}], "labels": {{{labels}}}}}, {{"targets": ["b:1"]}}]"#
            );
            let listing = parse(&json, Language::Json).unwrap();
            assert_eq!(listing.targets(), 1);
            let reason = "entry 0: 10001 labels are more than 10000";
            assert_eq!(listing.skipped, [reason]);
        }
    }

    #[test]
    fn what_is_no_list() {
        for text in [
            "",
            " \n",
            "null",
            "{}",
            "[{]",
            "[{\"targets\": [\"a\"",
            "\"a\"",
        ] {
            assert!(parse(text, Language::Json).is_err(), "{text:?}");
            assert!(parse(text, Language::Yaml).is_err(), "{text:?}");
        }
        assert_eq!(parse("[]", Language::Json), Ok(Listing::default()));
    }

    #[test]
    fn fault_44_too_many_targets_are_refused_by_number() {
        let targets = vec!["\"a\""; LIST_TARGETS_MAX + 1].join(",");
        let error = parse(&format!("[{{\"targets\": [{targets}]}}]"), Language::Json);
        assert_eq!(
            error.unwrap_err(),
            "the list has 100001 targets, more than 100000"
        );
    }
}
