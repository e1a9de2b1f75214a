//! A relabelling rule: as written, checked, ready to apply.

use std::fmt;
use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use strum::VariantNames as _;

use super::re2;
use super::template::Template;
use crate::document::DocumentError;
use crate::document::quantity::Count;
use crate::document::value::NullableText;
use crate::document::yaml::{At, Source};

/// Bytes of a compiled expression (and of its matching cache).
const REGEX_BYTES_MAX: usize = 32 * 1024 * 1024;

const SEPARATOR_DEFAULT: &str = ";";
const REPLACEMENT_DEFAULT: &str = "$1";
const REGEX_DEFAULT: &str = "(.*)";

/// An anchored expression: it matches the whole text or not at all. Equal if written alike.
#[derive(Debug, Clone)]
pub struct AnchoredRegex {
    written: String,
    regex: Regex,
}

impl AnchoredRegex {
    /// Compiles an expression in RE2's syntax.
    pub fn new(written: &str) -> Result<Self, String> {
        Self::within(written, REGEX_BYTES_MAX)
    }

    /// The same for one that may be no larger than that when compiled.
    pub(super) fn within(written: &str, bytes_max: usize) -> Result<Self, String> {
        let translated = re2::translate(written)
            .map_err(|message| format!("not a regular expression: {message}"))?;
        let regex = RegexBuilder::new(&format!("^(?s:{translated})$"))
            .size_limit(bytes_max)
            .dfa_size_limit(bytes_max)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => {
                    format!("regular expression larger than {limit} bytes when compiled")
                }
                error => {
                    // The crate's message repeats the expression over several lines.
                    let message = error.to_string();
                    let last = message.lines().last().unwrap_or_default();
                    let last = last.trim_start_matches("error: ");
                    format!("not a regular expression: {last}")
                }
            })?;
        Ok(Self {
            written: written.to_owned(),
            regex,
        })
    }

    /// As it is written.
    pub(in crate::discovery) fn as_str(&self) -> &str {
        &self.written
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex.captures(text)
    }
}

impl PartialEq for AnchoredRegex {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for AnchoredRegex {}

impl<'de> Deserialize<'de> for AnchoredRegex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = AnchoredRegex;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a regular expression")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<AnchoredRegex, E> {
                AnchoredRegex::new(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[derive(strum::EnumString, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Action {
    /// Sets a label to an expanded template where the expression matches.
    Replace,
    /// Drops the target unless the expression matches.
    Keep,
    /// Drops the target if the expression matches.
    Drop,
    /// Drops the target unless the values equal the target label's.
    KeepEqual,
    /// Drops the target if the values equal the target label's.
    DropEqual,
    /// Sets a label to a hash of the values, modulo.
    HashMod,
    /// Copies labels whose names match to expanded names.
    LabelMap,
    /// Removes labels whose names match.
    LabelDrop,
    /// Removes labels whose names do not match.
    LabelKeep,
    /// Sets a label to the values in lower case.
    Lowercase,
    /// Sets a label to the values in upper case.
    Uppercase,
}

impl Action {
    /// As in the configuration.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Action;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a relabelling action")
            }
            fn visit_str<E: de::Error>(self, written: &str) -> Result<Action, E> {
                let unknown = |_| de::Error::unknown_variant(written, Action::VARIANTS);
                written.parse().map_err(unknown)
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// An entry of `relabel_configs` as written.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawRule {
    pub(super) source_labels: Option<Vec<String>>,
    #[serde(deserialize_with = "written")]
    pub(super) separator: Option<NullableText>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) regex: Option<AnchoredRegex>,
    pub(super) modulus: Option<At<Count>>,
    pub(super) target_label: Option<String>,
    #[serde(deserialize_with = "written")]
    pub(super) replacement: Option<NullableText>,
    #[serde(deserialize_with = "null_is_no_action")]
    pub(super) action: Option<Action>,
}

/// `separator:` and `replacement:` with nothing after them are empty, not the default: as in Prometheus.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NullableText>, D::Error> {
    NullableText::deserialize(deserializer).map(Some)
}

/// `action:` with nothing after it is no action: as in Prometheus.
fn null_is_no_action<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Action>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(action) => Ok(Some(action)),
        None => Err(de::Error::custom(
            "an action is missing: leave the key out for `replace`",
        )),
    }
}

/// `regex:` with nothing after it is the empty expression, not the default: as in Prometheus.
fn null_is_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<AnchoredRegex>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(regex) => Ok(Some(regex)),
        None => AnchoredRegex::new("").map(Some).map_err(de::Error::custom),
    }
}

/// A rule ready to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(super) source_labels: Vec<String>,
    pub(super) separator: String,
    pub(super) step: Step,
}

/// An action with what it needs, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Replace {
        regex: AnchoredRegex,
        target: Template,
        replacement: Template,
    },
    Keep(AnchoredRegex),
    Drop(AnchoredRegex),
    KeepEqual(String),
    DropEqual(String),
    HashMod {
        target: String,
        modulus: u64,
    },
    LabelMap {
        regex: AnchoredRegex,
        replacement: Template,
    },
    LabelDrop(AnchoredRegex),
    LabelKeep(AnchoredRegex),
    Lowercase(String),
    Uppercase(String),
}

impl Rule {
    /// What the rule does.
    pub fn action(&self) -> Action {
        match self.step {
            Step::Replace { .. } => Action::Replace,
            Step::Keep(_) => Action::Keep,
            Step::Drop(_) => Action::Drop,
            Step::KeepEqual(_) => Action::KeepEqual,
            Step::DropEqual(_) => Action::DropEqual,
            Step::HashMod { .. } => Action::HashMod,
            Step::LabelMap { .. } => Action::LabelMap,
            Step::LabelDrop(_) => Action::LabelDrop,
            Step::LabelKeep(_) => Action::LabelKeep,
            Step::Lowercase(_) => Action::Lowercase,
            Step::Uppercase(_) => Action::Uppercase,
        }
    }
}

/// Makes rules of relabelling ready.
pub(crate) fn rules(
    source: Source<'_>,
    raw: Vec<At<RawRule>>,
) -> Result<Arc<[Rule]>, DocumentError> {
    raw.into_iter()
        .map(|raw| {
            let at = raw.referenced;
            if let Some(modulus) = raw.value.modulus() {
                source.unquoted(modulus, "a number")?;
            }
            Rule::try_from(raw.value).map_err(|message| source.error(at, message))
        })
        .collect()
}

impl RawRule {
    /// `modulus` as written.
    pub(in crate::discovery) fn modulus(&self) -> Option<&At<Count>> {
        self.modulus.as_ref()
    }
}

/// Checks that a rule has what its action needs, and nothing that its action would ignore where Prometheus refuses
/// that too.
impl TryFrom<RawRule> for Rule {
    type Error = String;

    fn try_from(raw: RawRule) -> Result<Self, String> {
        let modulus = raw.modulus.as_ref().map_or(0, |written| written.value.0);
        let action = raw.action.unwrap_or(Action::Replace);
        refuse_extra(action, modulus, &raw)?;
        let name = action.as_str();
        let target = || match raw.target_label.as_deref() {
            None | Some("") => Err(format!("action `{name}` needs `target_label`")),
            Some(label) => Ok(label.to_owned()),
        };
        let regex = match &raw.regex {
            Some(regex) => regex.clone(),
            None => AnchoredRegex::new(REGEX_DEFAULT)?,
        };
        let replacement = raw.replacement.as_ref();
        let replacement = replacement.map_or(REPLACEMENT_DEFAULT, |text| &text.0);
        let step = match action {
            Action::Replace => Step::Replace {
                regex,
                target: Template::new(&target()?),
                replacement: Template::new(replacement),
            },
            Action::Keep => Step::Keep(regex),
            Action::Drop => Step::Drop(regex),
            Action::KeepEqual => Step::KeepEqual(target()?),
            Action::DropEqual => Step::DropEqual(target()?),
            Action::HashMod => Step::HashMod {
                modulus: match modulus {
                    0 => return Err("action `hashmod` needs a `modulus` above 0".to_owned()),
                    modulus => modulus,
                },
                target: target()?,
            },
            Action::LabelMap if replacement.is_empty() => {
                return Err("action `labelmap` needs a `replacement` that is not empty".to_owned());
            }
            Action::LabelMap => Step::LabelMap {
                regex,
                replacement: Template::new(replacement),
            },
            Action::LabelDrop => Step::LabelDrop(regex),
            Action::LabelKeep => Step::LabelKeep(regex),
            Action::Lowercase => Step::Lowercase(target()?),
            Action::Uppercase => Step::Uppercase(target()?),
        };
        if raw.source_labels.iter().flatten().any(String::is_empty) {
            return Err("a name in `source_labels` is empty".to_owned());
        }
        Ok(Self {
            source_labels: raw.source_labels.unwrap_or_default(),
            separator: raw
                .separator
                .map_or_else(|| SEPARATOR_DEFAULT.to_owned(), |text| text.0),
            step,
        })
    }
}

/// Refuses keys that were written (with another value than the default) and have no meaning.
fn refuse_extra(action: Action, modulus: u64, raw: &RawRule) -> Result<(), String> {
    let differs = |value: &Option<NullableText>, default: &str| {
        value.as_ref().is_some_and(|value| value.0 != default)
    };
    let has_target = raw
        .target_label
        .as_deref()
        .is_some_and(|label| !label.is_empty());
    let keys = [
        ("source_labels", raw.source_labels.is_some()),
        ("separator", differs(&raw.separator, SEPARATOR_DEFAULT)),
        ("regex", raw.regex.is_some()),
        ("modulus", modulus != 0),
        ("target_label", has_target),
        (
            "replacement",
            differs(&raw.replacement, REPLACEMENT_DEFAULT),
        ),
    ];
    let refused: &[&str] = match action {
        Action::KeepEqual | Action::DropEqual => &["separator", "regex", "modulus", "replacement"],
        Action::LabelDrop | Action::LabelKeep => &[
            "source_labels",
            "separator",
            "modulus",
            "target_label",
            "replacement",
        ],
        Action::Lowercase | Action::Uppercase => &["replacement"],
        Action::Replace | Action::Keep | Action::Drop | Action::HashMod | Action::LabelMap => &[],
    };
    match keys
        .iter()
        .find(|(key, written)| *written && refused.contains(key))
    {
        Some((key, _)) => Err(format!(
            "action `{}` does not take `{key}`",
            action.as_str()
        )),
        None => Ok(()),
    }
}
