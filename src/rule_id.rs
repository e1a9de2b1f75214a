//! The ids of rules and the categories that their letters name.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use strum::VariantArray as _;

/// A rule's id: the letter of its category and a number, `O-8`. Ordered as the manifesto is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RuleId {
    category: Category,
    number: u8,
}

impl RuleId {
    /// The category that the letter names.
    pub fn category(self) -> Category {
        self.category
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.category.letter(), self.number))
    }
}

/// What an id must look like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no rule id: expected a category letter of F, C, D, O, P, R, S, X and a number, as in `O-8`"
)]
pub struct BadRuleId(String);

impl FromStr for RuleId {
    type Err = BadRuleId;

    fn from_str(text: &str) -> Result<Self, BadRuleId> {
        let bad = || BadRuleId(text.to_owned());
        let (letter, number) = text.split_once('-').ok_or_else(bad)?;
        let category = Category::VARIANTS
            .iter()
            .copied()
            .find(|category| letter.eq_ignore_ascii_case(category.letter()))
            .ok_or_else(bad)?;
        Ok(Self {
            category,
            number: number.parse().map_err(|_| bad())?,
        })
    }
}

impl TryFrom<String> for RuleId {
    type Error = BadRuleId;

    fn try_from(text: String) -> Result<Self, BadRuleId> {
        text.parse()
    }
}

/// The manifesto's seven categories, in its order, and one for rules that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Category {
    /// F: what the rest stands on.
    Foundation,
    /// C: incidents, post-mortems, shared knowledge.
    ContinuousImprovement,
    /// D: design and architecture.
    #[strum(serialize = "design_architecture")]
    Design,
    /// O: logs and metrics.
    Observability,
    /// P: performance and cost.
    #[strum(serialize = "performance_cost")]
    Performance,
    /// R: SLOs, gamedays, disaster recovery.
    Resilience,
    /// S: security.
    Security,
    /// X: rules of the user's own.
    Own,
}

impl Category {
    /// The letter of its rules' ids.
    pub fn letter(self) -> &'static str {
        match self {
            Category::Foundation => "F",
            Category::ContinuousImprovement => "C",
            Category::Design => "D",
            Category::Observability => "O",
            Category::Performance => "P",
            Category::Resilience => "R",
            Category::Security => "S",
            Category::Own => "X",
        }
    }

    /// As in labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
