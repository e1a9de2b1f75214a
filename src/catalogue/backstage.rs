//! Backstage's catalogue files: <https://backstage.io/docs/features/software-catalog/descriptor-format>.
//!
//! Components of type `service` are services, groups say who a team is; all else belongs to Backstage
//! and is passed over. What Backstage has no field for stands in annotations `manifesto/...`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_saphyr::Location;
use url::Url;

use super::{Entry, Links, Openness};
use crate::config::ConfigError;
use crate::config::value::{Day, Share};
use crate::config::yaml::{self, At, Source};

const API_VERSION: &str = "backstage.io/";

/// Where a component's source is, with the scheme of the reader before the URL.
const SOURCE_LOCATION: &str = "backstage.io/source-location";

/// Whether this is Backstage's: every entity of its names the version of the format.
pub(super) fn is_backstage(text: &str) -> bool {
    text.lines().any(|line| {
        line.strip_prefix("apiVersion:").is_some_and(|version| {
            version
                .trim()
                .trim_matches(['"', '\''])
                .starts_with(API_VERSION)
        })
    })
}

#[derive(Debug, Deserialize)]
struct Entity {
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: At<String>,
    #[serde(default)]
    annotations: BTreeMap<String, At<String>>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    url: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(rename = "type")]
    kind: String,
    owner: String,
    members: Vec<String>,
    #[serde(rename = "memberOf")]
    member_of: Vec<String>,
}

/// Who the teams are.
#[derive(Debug, Default)]
pub(super) struct Teams(HashMap<String, BTreeSet<String>>);

impl Teams {
    /// The members of a team, where any is known.
    pub(super) fn members(&self, team: &str) -> Option<Vec<String>> {
        self.0
            .get(team)
            .map(|members| members.iter().cloned().collect())
    }

    fn add(&mut self, team: &str, member: &str) {
        self.0
            .entry(bare(team).to_owned())
            .or_default()
            .insert(bare(member).to_owned());
    }
}

/// Reads a file of one entity or several: each service with where it is named.
pub(super) fn read(
    source: Source<'_>,
    teams: &mut Teams,
) -> Result<Vec<(Entry, Location)>, ConfigError> {
    let mut entries = Vec::new();
    for text in documents(source.text) {
        let document = Source {
            origin: source.origin,
            text: &text,
        };
        let entity: Entity = yaml::parse(document)?;
        let name = &entity.metadata.name;
        match (entity.kind.as_str(), entity.spec.kind.as_str()) {
            ("Component", "service") => {
                let location = name.referenced;
                entries.push((service(document, entity)?, location));
            }
            ("Group", _) => {
                for member in &entity.spec.members {
                    teams.add(&name.value, member);
                }
            }
            ("User", _) => {
                for team in &entity.spec.member_of {
                    teams.add(team, &name.value);
                }
            }
            _ => {}
        }
    }
    Ok(entries)
}

/// The documents of a file, each behind as many empty lines as there are lines before it, so that
/// places in it are places in the file.
fn documents(text: &str) -> Vec<String> {
    let mut documents = Vec::new();
    let (mut current, mut passed) = (String::new(), 0);
    for line in text.lines() {
        let ends = line == "---" || line.starts_with("--- ");
        if ends {
            documents.push(std::mem::replace(&mut current, "\n".repeat(passed + 1)));
        } else {
            current.push_str(line);
            current.push('\n');
        }
        passed += 1;
    }
    documents.push(current);
    let says_something = |document: &String| {
        document
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    };
    documents.retain(says_something);
    documents
}

fn service(source: Source<'_>, entity: Entity) -> Result<Entry, ConfigError> {
    let Metadata {
        name,
        annotations,
        links,
    } = entity.metadata;
    let said = |key: &str| annotations.get(&format!("manifesto/{key}"));
    let text = |key: &str| said(key).map_or_else(String::new, |value| value.value.clone());
    let list = |key: &str| -> Vec<String> {
        text(key)
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let link = |kind: &str| {
        links
            .iter()
            .find(|link| link.kind == kind)
            .and_then(|link| Url::parse(&link.url).ok())
    };
    let repository = annotations
        .get(SOURCE_LOCATION)
        .and_then(|location| Url::parse(location.value.strip_prefix("url:")?).ok());
    Ok(Entry {
        aliases: list("aliases"),
        team: bare(&entity.spec.owner).to_owned(),
        tier: text("tier"),
        owners: list("owners"),
        environments: list("environments"),
        external_slo: parsed::<Share>(source, said("external-slo"))?.map(|share| share.0),
        links: Links {
            docs: link("docs"),
            diagram: link("diagram"),
            repository,
        },
        openness: match (text("open-source").as_str(), text("private-reason")) {
            ("true", _) => Some(Openness::OpenSource),
            (_, reason) if !reason.is_empty() => Some(Openness::Private(reason)),
            _ => None,
        },
        created: parsed::<Day>(source, said("created"))?.map(|day| day.0),
        series: crate::config::SeriesNames::default(),
        place: format!("{}:{}", source.origin.name, name.referenced.line()),
        name: name.value,
    })
}

fn parsed<T: std::str::FromStr<Err = String>>(
    source: Source<'_>,
    written: Option<&At<String>>,
) -> Result<Option<T>, ConfigError> {
    written
        .map(|written| {
            let parsed = written.value.parse();
            parsed.map_err(|why: String| source.error(written.referenced, why))
        })
        .transpose()
}

/// The name in a reference such as `group:default/payments`.
fn bare(reference: &str) -> &str {
    let name = reference
        .rsplit_once('/')
        .map_or(reference, |(_, name)| name);
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_named_by_their_last_part() {
        for (reference, name) in [
            ("group:default/payments", "payments"),
            ("group:payments", "payments"),
            ("default/payments", "payments"),
            ("payments", "payments"),
        ] {
            assert_eq!(bare(reference), name);
        }
    }

    #[test]
    fn documents_keep_their_places() {
        let documents = documents("# a comment\n---\na: 1\n--- # the second\n\nb: 2\n---\n");
        assert_eq!(documents, ["\n\na: 1\n", "\n\n\n\n\nb: 2\n"]);
    }
}
