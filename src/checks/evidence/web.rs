//! `http`: what a server answers to a path, for whatever no other check knows.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::facts::{Entity, Facts, unexpected_answer};
use super::measured::figure;
use crate::checks::verdict::{Basis, Finding, Reason};
use crate::sources::{Answer, Query};

/// Where `{service}` and `{environment}` stand in a pointer, the names of whom is judged are put.
const SERVICE: &str = "{service}";
const ENVIRONMENT: &str = "{environment}";

/// What to ask, and what must be answered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// A source of kind `http`, by name.
    pub source: Arc<str>,
    /// Path and query below its URL.
    pub path: Arc<str>,
    /// The status asked for.
    #[serde(default = "ok")]
    pub status: u16,
    /// A JSON pointer (RFC 6901) to what is compared; the whole answer without it.
    #[serde(default)]
    pub pointer: Option<String>,
    /// It must be this.
    #[serde(default)]
    pub equals: Option<Value>,
    /// It must be a number, and not less.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// It must be a number, and not more.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// It must be a text that holds this.
    #[serde(default)]
    pub contains: Option<String>,
}

fn ok() -> u16 {
    200
}

impl Http {
    /// What it wants to know.
    pub(super) fn query(&self) -> Query {
        Query::Http {
            source: Arc::clone(&self.source),
            path: Arc::clone(&self.path),
        }
    }

    /// Judges the answer.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let (source, answer) = match facts.ask_one(&self.query()) {
            Ok(answered) => answered,
            Err(finding) => return finding,
        };
        let Answer::Body { status, text } = answer else {
            return unexpected_answer(source);
        };
        let finding = match *status == self.status {
            false => {
                let message = format!("{} answers {status}, asked is {}", self.path, self.status);
                Finding::unknown(Reason::SourceDown, message)
            }
            true => self.judge_text(facts, text),
        };
        let url = source
            .url
            .as_ref()
            .map_or("", |url| url.as_str().trim_end_matches('/'));
        let cited = format!(
            "{}: {url}{} {}",
            source.name,
            self.path,
            self.pointer(facts)
        );
        finding.on(Basis::Measured).citing([cited])
    }

    /// The pointer for whom is judged. What stands in a name is escaped: it is one key.
    fn pointer(&self, facts: &Facts<'_>) -> String {
        let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
        let (service, environment) = match facts.entity {
            Entity::Estate => (String::new(), String::new()),
            Entity::Service { key, .. } => (escaped(&key.name), escaped(&key.environment)),
        };
        let pointer = self.pointer.as_deref().unwrap_or("");
        pointer
            .replace(SERVICE, &service)
            .replace(ENVIRONMENT, &environment)
    }

    fn judge_text(&self, facts: &Facts<'_>, text: &str) -> Finding {
        let found = match &self.pointer {
            None => Value::String(text.to_owned()),
            Some(_) => {
                let pointer = self.pointer(facts);
                let Ok(json) = serde_json::from_str::<Value>(text) else {
                    return Finding::unknown(Reason::SourceDown, "the answer is not JSON");
                };
                match json.pointer(&pointer) {
                    Some(value) => value.clone(),
                    None => {
                        let message = format!("the answer holds nothing at `{pointer}`");
                        return Finding::unknown(Reason::NoData, message);
                    }
                }
            }
        };
        let number = || match &found {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let holds = |bound: Option<f64>, side: fn(f64, f64) -> bool| {
            bound.is_none_or(|bound| number().is_some_and(|number| side(number, bound)))
        };
        let is_configured = self.equals.as_ref().is_none_or(|wanted| *wanted == found)
            && holds(self.at_least, |number, bound| number >= bound)
            && holds(self.at_most, |number, bound| number <= bound)
            && self.contains.as_ref().is_none_or(|part| match &found {
                Value::String(text) => text.contains(part),
                other => other.to_string().contains(part),
            });
        let asked = [
            self.equals.as_ref().map(|wanted| wanted.to_string()),
            self.at_least
                .map(|bound| format!("at least {}", figure(bound))),
            self.at_most
                .map(|bound| format!("at most {}", figure(bound))),
            self.contains
                .as_ref()
                .map(|part| format!("something with {part:?}")),
        ];
        let asked: Vec<String> = asked.into_iter().flatten().collect();
        let shown = match self.pointer {
            Some(_) => found.to_string(),
            None => format!("{} bytes", text.len()),
        };
        let message = match asked.is_empty() {
            true => format!("answered {shown}"),
            false => format!("answered {shown}, asked is {}", asked.join(" and ")),
        };
        match is_configured {
            true => Finding::pass(message, ""),
            false => Finding::fail(Reason::Threshold, message, Vec::new()),
        }
    }
}
