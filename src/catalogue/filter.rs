//! Which services something concerns.

use serde::Deserialize;

/// What is said must hold, what is not said may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceFilter {
    /// One of these names.
    pub service: Option<OneOrMore>,
    /// In one of these environments.
    pub environment: Option<OneOrMore>,
    /// Owned by one of these teams.
    pub team: Option<OneOrMore>,
    /// Of one of these tiers.
    pub tier: Option<OneOrMore>,
}

/// A text, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts")]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Any of several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

impl From<String> for OneOrMore {
    fn from(one: String) -> Self {
        Self::One(one)
    }
}

impl ServiceFilter {
    /// Every service of a team.
    pub fn of_team(team: &str) -> Self {
        Self {
            team: Some(team.to_owned().into()),
            ..Self::default()
        }
    }

    /// Whether it concerns a service.
    pub fn concerns(&self, service: &str, environment: &str, team: &str, tier: &str) -> bool {
        let is = |wanted: &Option<OneOrMore>, said: &str| {
            let mut wanted = wanted.iter().map(OneOrMore::all);
            wanted.all(|any| any.iter().any(|wanted| wanted == said))
        };
        is(&self.service, service)
            && is(&self.environment, environment)
            && is(&self.team, team)
            && is(&self.tier, tier)
    }
}
