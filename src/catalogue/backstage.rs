//! Backstage's catalogue files: <https://backstage.io/docs/features/software-catalog/descriptor-format>.
//!
//! Components of type `service` are services, groups say who a team is; all else belongs to Backstage
//! and is passed over. What Backstage has no field for stands in annotations `manifesto/...`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_saphyr::Location;

use super::entry::{Entry, Links, Openness};
use crate::document::DocumentError;
use crate::document::value::{Day, Share, ShownUrl};
use crate::document::yaml::{self, At, Source};

const API_VERSION: &str = "backstage.io/";

/// Where a component's source is, with the scheme of the reader before the URL.
const SOURCE_LOCATION: &str = "backstage.io/source-location";

/// Before the annotations that are ours.
const OURS: &str = "manifesto/";

/// Our annotations, behind that.
const ANNOTATIONS: [&str; 10] = [
    "aliases",
    "created",
    "environments",
    "external-slo",
    "first-deployed",
    "log-format",
    "open-source",
    "owners",
    "private-reason",
    "tier",
];

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
    url: At<String>,
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
) -> Result<Vec<(Entry, Location)>, DocumentError> {
    let mut entries = Vec::new();
    for text in documents(source.text) {
        let document = Source::new(source.origin, &text);
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
pub(super) fn documents(text: &str) -> Vec<String> {
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

fn service(source: Source<'_>, entity: Entity) -> Result<Entry, DocumentError> {
    let Metadata {
        name,
        annotations,
        links,
    } = entity.metadata;
    for (key, value) in &annotations {
        if let Some(ours) = key.strip_prefix(OURS)
            && !ANNOTATIONS.contains(&ours)
        {
            let hint = format!("ours are {OURS}{}", ANNOTATIONS.join(&format!(", {OURS}")));
            let message = format!("unknown annotation `{key}`");
            return Err(source.error(value.referenced, message).with_hint(hint));
        }
    }
    let said = |key: &str| annotations.get(&format!("{OURS}{key}"));
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
        let link = links.iter().find(|link| link.kind == kind);
        parsed::<ShownUrl>(
            source,
            link.map(|link| (&link.url, link.url.value.as_str())),
        )
    };
    // Other schemes than `url:` are places on the machine of who wrote this.
    let repository = annotations
        .get(SOURCE_LOCATION)
        .and_then(|location| Some((location, location.value.strip_prefix("url:")?)));
    let whole = |key: &str| said(key).map(|value| (value, value.value.as_str()));
    let openness = match (said("open-source"), said("private-reason")) {
        (Some(open), None) if open.value == "true" => Some(Openness::OpenSource),
        (Some(open), _) if open.value != "false" => {
            let message =
                "`manifesto/open-source` is `true`, or `false` beside a `manifesto/private-reason`";
            return Err(source.error(open.referenced, message));
        }
        (_, Some(reason)) if !reason.value.trim().is_empty() => {
            Some(Openness::Private(reason.value.clone()))
        }
        (Some(said), _) | (None, Some(said)) => {
            let message = "a service that is not open source needs a `manifesto/private-reason`";
            return Err(source.error(said.referenced, message));
        }
        (None, None) => None,
    };
    Ok(Entry {
        aliases: list("aliases"),
        team: bare(&entity.spec.owner).to_owned(),
        tier: text("tier"),
        owners: list("owners"),
        environments: list("environments"),
        external_slo: parsed::<Share>(source, whole("external-slo"))?.map(|share| share.0),
        links: Links {
            docs: link("docs")?.map(|url| url.0),
            diagram: link("diagram")?.map(|url| url.0),
            repository: parsed::<ShownUrl>(source, repository)?.map(|url| url.0),
        },
        openness,
        created: parsed::<Day>(source, whole("created"))?.map(|day| day.0),
        first_deployed: parsed::<Day>(source, whole("first-deployed"))?.map(|day| day.0),
        log_format: text("log-format"),
        series: crate::catalogue::settings::SeriesNames::default(),
        place: format!("{}:{}", source.origin.name, name.referenced.line()),
        name: name.value,
    })
}

fn parsed<T: std::str::FromStr<Err = String>>(
    source: Source<'_>,
    written: Option<(&At<String>, &str)>,
) -> Result<Option<T>, DocumentError> {
    written
        .map(|(place, text)| {
            let parsed = text.parse();
            parsed.map_err(|why: String| {
                // A URL may hold a password: the line is not shown.
                source.error(place.referenced, why).without_line()
            })
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
