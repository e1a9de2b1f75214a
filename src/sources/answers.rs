//! What servers lookup, at one moment. Plain data: checks read it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::SourceError;
use super::protocol::{Answer, Query, SourceKind};

/// A question's latest outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// When it was asked.
    pub at: SystemTime,
    /// What came of it.
    pub outcome: Result<Answer, SourceError>,
}

/// A configured server, as far as checks must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSource {
    /// Its name in the configuration.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Where it is, for who wants to follow evidence.
    pub url: Option<url::Url>,
    /// The environments that it knows of; every one if empty.
    pub environments: Vec<String>,
}

impl KnownSource {
    fn covers(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|e| e == environment)
    }
}

/// Everything that sources lookup last. Immutable, swapped whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// The configured servers, in order.
    pub sources: Vec<KnownSource>,
    /// By source's place and question.
    pub(super) answers: HashMap<(usize, Query), Arc<Answered>>,
}

/// What is known of a question.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// Nobody who could answer it is configured.
    NobodyToAsk(SourceKind),
    /// It was not asked yet.
    NotAskedYet(&'a KnownSource),
    /// There is no answer.
    Refused(&'a KnownSource, &'a SourceError),
    /// There is one.
    Answer(&'a KnownSource, &'a Answer),
}

impl Answers {
    /// Nothing was asked yet of these.
    pub fn of(sources: Vec<KnownSource>) -> Self {
        Self {
            sources,
            answers: HashMap::new(),
        }
    }

    /// What the source that knows an environment says of it; the first, where several do.
    pub fn get(&self, environment: &str, query: &Query) -> Lookup<'_> {
        let mut all = self.all(query).into_iter();
        all.find(|(source, _)| source.covers(environment))
            .map_or(Lookup::NobodyToAsk(query.kind()), |(_, lookup)| lookup)
    }

    /// What every source that could know says: for what concerns the whole estate.
    pub fn all<'a>(&'a self, query: &Query) -> Vec<(&'a KnownSource, Lookup<'a>)> {
        let sources = self.sources.iter().enumerate();
        let asked = sources.filter(|(_, source)| match query {
            Query::Http { source: name, .. } => {
                source.kind == SourceKind::Http && source.name == **name
            }
            _ => source.kind == query.kind(),
        });
        asked
            .map(|(place, source)| {
                let known = self.answers.get(&(place, query.clone()));
                let lookup = match known.map(AsRef::as_ref) {
                    None => Lookup::NotAskedYet(source),
                    Some(answered) => match &answered.outcome {
                        Ok(answer) => Lookup::Answer(source, answer),
                        Err(error) => Lookup::Refused(source, error),
                    },
                };
                (source, lookup)
            })
            .collect()
    }

    /// Puts an outcome in the place of the last one.
    pub fn put(&mut self, place: usize, query: Query, answered: Answered) {
        self.answers.insert((place, query), Arc::new(answered));
    }
}
