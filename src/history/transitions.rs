//! What changed in a span of time.

use std::sync::Arc;

use jiff::Timestamp;

use super::error::HistoryError;
use super::read::{Owner, Reader, State};
use crate::calendar::Span;
use crate::discovery::target::ServiceKey;
use crate::rule_id::RuleId;
use crate::snapshot::RuleStatus;

/// Whose changes are wanted: what is said must hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// A service's.
    pub service: Option<&'a str>,
    /// In an environment.
    pub environment: Option<&'a str>,
    /// Of a team, at the time.
    pub team: Option<&'a str>,
    /// Of a rule.
    pub rule: Option<RuleId>,
}

/// A change of a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// Whose; the estate by an empty name.
    pub key: ServiceKey,
    /// Who owned it then.
    pub team: String,
    /// Of which rule.
    pub rule: RuleId,
    /// What it was; `None` where it was not known before.
    pub from: Option<RuleStatus>,
    /// What it became.
    pub to: Option<RuleStatus>,
    /// Why, as in labels.
    pub reason: Arc<str>,
    /// Its sentence.
    pub message: String,
}

impl Reader {
    /// The changes of statuses in a span, in order of time.
    pub fn transitions(
        &self,
        span: Span,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Transition>, HistoryError> {
        let ever = Span {
            from: Timestamp::MIN,
            to: span.to,
        };
        let timeline = self.timeline(ever)?;
        let is = |wanted: Option<&str>, said: &str| wanted.is_none_or(|wanted| wanted == said);
        let mut found = Vec::new();
        for service in self.services()? {
            let key = &service.key;
            if !is(wanted.service, &key.name) || !is(wanted.environment, &key.environment) {
                continue;
            }
            let history = self.service(&service, &timeline)?;
            for (rule, pieces) in &history.rules {
                if wanted.rule.is_some_and(|wanted| wanted != *rule) {
                    continue;
                }
                let mut before: Option<&State> = None;
                for (piece, state) in pieces {
                    let is_change = before.is_none_or(|before| before.status != state.status);
                    let owner = owner_at(&history.owners, piece.from);
                    let team = owner.map_or("", |owner| &owner.team);
                    if is_change && span.contains(piece.from) && is(wanted.team, team) {
                        found.push(Transition {
                            at: piece.from,
                            key: key.clone(),
                            team: team.to_owned(),
                            rule: *rule,
                            from: before.and_then(|before| before.status),
                            to: state.status,
                            reason: Arc::clone(&state.reason),
                            message: self.sentence(state.detail)?,
                        });
                    }
                    before = Some(state);
                }
            }
        }
        found.sort_by(|a, b| (a.at, &a.key, a.rule).cmp(&(b.at, &b.key, b.rule)));
        Ok(found)
    }
}

impl Reader {
    /// What of somebody's wishes history has never seen, in words: a name with a typo looks like peace.
    pub fn unknown(&self, wanted: &Wanted<'_>) -> Result<Option<String>, HistoryError> {
        let never = |what: &str, name: &str| format!("no {what} `{name}` was ever seen");
        let services = self.services()?;
        let has = |is: &dyn Fn(&ServiceKey) -> bool| services.iter().any(|known| is(&known.key));
        if let Some(name) = wanted
            .service
            .filter(|name| !has(&|key| key.name == **name))
        {
            return Ok(Some(never("service", name)));
        }
        if let Some(name) = wanted
            .environment
            .filter(|name| !has(&|key| key.environment == **name))
        {
            return Ok(Some(never("environment", name)));
        }
        if let Some(name) = wanted.team
            && !self.owned_anything(name)?
        {
            return Ok(Some(never("team", name)));
        }
        let rule = wanted
            .rule
            .filter(|rule| !self.rules.iter().any(|(_, known)| known == rule));
        Ok(rule.map(|rule| format!("rule `{rule}` was never judged")))
    }

    fn owned_anything(&self, team: &str) -> Result<bool, HistoryError> {
        let select = "SELECT EXISTS (SELECT 1 FROM ownership WHERE team = ?1)";
        let found = self.connection.query_row(select, (team,), |row| row.get(0));
        found.map_err(self.failed())
    }
}

fn owner_at(owners: &[(Span, Owner)], at: Timestamp) -> Option<&Owner> {
    let mut owners = owners.iter();
    owners
        .find(|(span, _)| span.contains(at))
        .map(|(_, owner)| owner)
}
