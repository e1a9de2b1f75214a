//! Applying rules.

use md5::{Digest, Md5};

use super::rule::{Rule, Step};
use crate::labels::Labels;

/// What became of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It passed every rule.
    Keep,
    /// A rule dropped it.
    Dropped {
        /// Which rule, from 0.
        rule_index: usize,
    },
}

/// Applies the rules in order; the first that drops ends it.
pub fn apply(rules: &[Rule], labels: &mut Labels) -> Outcome {
    for (rule_index, rule) in rules.iter().enumerate() {
        if !keeps(rule, labels) {
            return Outcome::Dropped { rule_index };
        }
    }
    Outcome::Keep
}

/// Applies one rule; says whether the target is still one.
pub(super) fn keeps(rule: &Rule, labels: &mut Labels) -> bool {
    let values = || {
        let values: Vec<&str> = rule.source_labels.iter().map(|l| labels.get(l)).collect();
        values.join(&rule.separator)
    };
    match &rule.step {
        Step::Keep(regex) => return regex.is_match(&values()),
        Step::Drop(regex) => return !regex.is_match(&values()),
        Step::KeepEqual(target) => return labels.get(target) == values(),
        Step::DropEqual(target) => return labels.get(target) != values(),
        Step::Replace {
            regex,
            target,
            replacement,
        } => {
            let values = values();
            if let Some(captures) = regex.captures(&values) {
                let target = target.expand(&captures);
                // A template may expand to nothing, which names no label.
                if !target.is_empty() {
                    labels.set(target, replacement.expand(&captures));
                }
            }
        }
        Step::HashMod { target, modulus } => {
            let hash = hash(&values()) % modulus;
            labels.set(target, hash.to_string());
        }
        Step::Lowercase(target) => {
            let lower = values().chars().map(lower).collect::<String>();
            labels.set(target, lower);
        }
        Step::Uppercase(target) => {
            let upper = values().chars().map(upper).collect::<String>();
            labels.set(target, upper);
        }
        Step::LabelMap { regex, replacement } => {
            let mapped: Vec<(String, String)> = labels
                .iter()
                .filter_map(|(name, value)| {
                    let captures = regex.captures(name)?;
                    Some((replacement.expand(&captures), value.to_owned()))
                })
                .filter(|(name, _)| !name.is_empty())
                .collect();
            for (name, value) in mapped {
                labels.set(name, value);
            }
        }
        Step::LabelDrop(regex) => labels.retain(|name, _| !regex.is_match(name)),
        Step::LabelKeep(regex) => labels.retain(|name, _| regex.is_match(name)),
    }
    true
}

/// The last eight bytes of the MD5 sum, big-endian: what Prometheus shards by.
fn hash(text: &str) -> u64 {
    let sum = Md5::digest(text.as_bytes());
    sum.iter()
        .skip(8)
        .fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

/// Go maps a character to one character, never to several.
fn lower(c: char) -> char {
    match c {
        'İ' => 'i',
        c => single(c.to_lowercase(), c),
    }
}

fn upper(c: char) -> char {
    single(c.to_uppercase(), c)
}

fn single(mut mapped: impl Iterator<Item = char>, original: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(c), None) => c,
        _ => original,
    }
}
