//! Levels: ordered sets of rules of which a service holds the highest that it complies with whole.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::document::DocumentError;
use crate::document::yaml::{At, Source};
use crate::rule_id::RuleId;

/// Levels that there may be.
const LEVELS_MAX: usize = 20;

/// One level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// What it asks of every service.
    pub rules: Vec<RuleId>,
    /// What it asks of services of a tier beside that.
    pub tiers: BTreeMap<String, Vec<RuleId>>,
}

impl Level {
    /// What it asks of a service of a tier.
    pub fn asks(&self, tier: &str) -> impl Iterator<Item = RuleId> {
        let of_tier = self.tiers.get(tier).into_iter().flatten();
        self.rules.iter().chain(of_tier).copied()
    }
}

/// `levels` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLevel {
    name: At<String>,
    #[serde(default)]
    rules: Vec<RuleId>,
    #[serde(default)]
    tiers: BTreeMap<String, Vec<RuleId>>,
}

/// Makes levels ready, the lowest first.
pub(crate) fn levels(
    source: Source<'_>,
    raw: Vec<At<RawLevel>>,
) -> Result<Vec<Level>, DocumentError> {
    let mut levels: Vec<Level> = Vec::with_capacity(raw.len());
    for raw in raw {
        let (at, raw) = (raw.referenced, raw.value);
        let name = raw.name.value;
        if name.trim().is_empty() || name == NO_LEVEL {
            let message = format!("`{name}` cannot name a level");
            return Err(source.error(raw.name.referenced, message));
        }
        if levels.iter().any(|known| known.name == name) {
            let message = format!("level `{name}` is written twice");
            return Err(source.error(raw.name.referenced, message));
        }
        if levels.len() == LEVELS_MAX {
            return Err(source.error(at, format!("more than {LEVELS_MAX} levels")));
        }
        if raw.rules.is_empty() && raw.tiers.values().all(Vec::is_empty) {
            return Err(source.error(at, format!("level `{name}` asks nothing")));
        }
        levels.push(Level {
            name,
            rules: raw.rules,
            tiers: raw.tiers,
        });
    }
    Ok(levels)
}

/// What is said of a service that holds none.
pub const NO_LEVEL: &str = "none";

/// The first rule that levels ask for and that is not among those judged.
pub(super) fn unjudged(
    levels: &[Level],
    is_judged: impl Fn(RuleId) -> bool,
) -> Option<(String, RuleId)> {
    levels.iter().find_map(|level| {
        let of_tiers = level.tiers.values().flatten();
        let mut asked = level.rules.iter().chain(of_tiers);
        let unknown = asked.find(|rule| !is_judged(**rule))?;
        Some((level.name.clone(), *unknown))
    })
}
