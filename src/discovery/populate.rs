//! From discovered labels to a target, as Prometheus does it. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::form_urlencoded;

use super::address;
use super::found::{Found, METRICS_PATH, PARAM_PREFIX, SCHEME, SCRAPE_INTERVAL, SCRAPE_TIMEOUT};
use super::groups::{Layers, TargetGroup};
use super::published::DropReason;
use super::relabel::{self, Outcome};
use super::settings::job::{Scheme, ScrapeJob};
use super::settings::job_config::JobConfig;
use super::settings::proof::Proof;
use super::target::{ServiceKey, Target, TargetUrl};
use crate::document::duration;
use crate::document::value::FinalLabelName;
use crate::labels::Labels;

const ADDRESS: &str = "__address__";
const INSTANCE: &str = "instance";

/// `labels`: the first of each that is not empty wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelNames {
    /// The service's name; the job's name where none is set.
    pub service: Vec<String>,
    /// The environment.
    pub environment: Vec<String>,
    /// The owning team.
    pub team: Vec<String>,
}

impl Default for LabelNames {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            service: names(&["service", "job"]),
            environment: names(&["environment", "env"]),
            team: names(&["team"]),
        }
    }
}

/// `labels` as written.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawLabels {
    service: Option<Vec<FinalLabelName>>,
    environment: Option<Vec<FinalLabelName>>,
    team: Option<Vec<FinalLabelName>>,
}

impl From<RawLabels> for LabelNames {
    fn from(raw: RawLabels) -> Self {
        let names = |raw: Option<Vec<FinalLabelName>>, default: Vec<String>| match raw {
            Some(names) => names.into_iter().map(|name| name.0).collect(),
            None => default,
        };
        let default = LabelNames::default();
        Self {
            service: names(raw.service, default.service),
            environment: names(raw.environment, default.environment),
            team: names(raw.team, default.team),
        }
    }
}

/// How targets get the name of their service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Naming {
    labels: LabelNames,
    /// Service by alias.
    aliases: HashMap<String, String>,
}

impl Naming {
    /// Names by these labels, and by what each alias means.
    pub(crate) fn new(labels: impl Into<LabelNames>, aliases: HashMap<String, String>) -> Self {
        Self {
            labels: labels.into(),
            aliases,
        }
    }

    fn service(&self, labels: &Labels, job: &ScrapeJob) -> ServiceKey {
        let name = match first(labels, &self.labels.service) {
            "" => &job.name,
            name => name,
        };
        let name = self.aliases.get(name).map_or(name, String::as_str);
        ServiceKey {
            name: name.to_owned(),
            environment: first(labels, &self.labels.environment).to_owned(),
        }
    }
}

fn first<'a>(labels: &'a Labels, names: &[String]) -> &'a str {
    let values = names.iter().map(|name| labels.get(name));
    values
        .into_iter()
        .find(|value| !value.is_empty())
        .unwrap_or("")
}

/// Makes a target of labels that a source might have named.
pub fn target_from_labels(
    job: &JobConfig,
    labels: Labels,
    naming: &Naming,
    source: &str,
) -> Result<Target, DropReason> {
    let group = TargetGroup {
        targets: vec![Layers::from(labels)],
        common: Layers::default(),
    };
    let found = Found::new(&job.job, &Arc::new(group), 0);
    target(job, found, naming, source)
}

/// Makes a target of what a source said.
pub(super) fn target(
    job: &JobConfig,
    found: Found,
    naming: &Naming,
    source: &str,
) -> Result<Target, DropReason> {
    let mut labels = found.labels();
    if let Outcome::Dropped { rule_index } = relabel::apply(&job.relabel, &mut labels) {
        let action = job.relabel[rule_index].action();
        return Err(DropReason::Relabel { rule_index, action });
    }
    let finished = finish(&job.job, labels, naming).map_err(DropReason::Invalid)?;
    check_place(job, &found, &finished, naming)?;
    Ok(Target {
        found,
        sources: vec![source.to_owned()],
        ..finished
    })
}

/// Where another server scrapes, nobody's relabelling changes.
fn check_place(
    job: &JobConfig,
    found: &Found,
    finished: &Target,
    naming: &Naming,
) -> Result<(), DropReason> {
    let Proof::Prometheus { lists: true, .. } = job.job.proof else {
        return Ok(());
    };
    let there = finish(&job.job, found.labels(), naming).map_err(DropReason::Invalid)?;
    match there.url == finished.url {
        true => Ok(()),
        false => Err(DropReason::Invalid(format!(
            "relabelling makes it {}: with `proof: prometheus` it is scraped at {} and nowhere else",
            finished.url, there.url
        ))),
    }
}

/// What the labels say after relabelling.
fn finish(job: &Arc<ScrapeJob>, mut labels: Labels, naming: &Naming) -> Result<Target, String> {
    let address = labels.get(ADDRESS).to_owned();
    if address.is_empty() {
        return Err("no address: `__address__` is empty".to_owned());
    }
    let scheme = match labels.get(SCHEME) {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => return Err(format!("scheme `{other}` is neither `http` nor `https`")),
    };
    let (host, port) = address::parse(&address, scheme.default_port())?;
    let interval = time(&labels, SCRAPE_INTERVAL)?;
    let timeout = time(&labels, SCRAPE_TIMEOUT)?;
    if timeout > interval {
        return Err(format!(
            "`{SCRAPE_TIMEOUT}` {} is longer than `{SCRAPE_INTERVAL}` {}",
            labels.get(SCRAPE_TIMEOUT),
            labels.get(SCRAPE_INTERVAL)
        ));
    }
    let url = TargetUrl {
        scheme,
        host,
        port,
        path_and_query: path_and_query(job, &labels),
    };
    labels.set_default(INSTANCE, &address);
    labels.retain(|name, _| !name.starts_with("__"));
    labels.pack();
    Ok(Target {
        url,
        service: naming.service(&labels, job),
        team: first(&labels, &naming.labels.team).to_owned(),
        job: job.clone(),
        interval,
        timeout,
        labels,
        found: Found::nowhere(job),
        sources: Vec::new(),
    })
}

fn time(labels: &Labels, name: &str) -> Result<Duration, String> {
    let text = labels.get(name);
    match duration::parse(text) {
        Ok(Duration::ZERO) => Err(format!("`{name}` is 0")),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("`{name}`: `{text}` is {error}")),
    }
}

/// The path, and the job's parameters with those that relabelling set in first place of each.
fn path_and_query(job: &ScrapeJob, labels: &Labels) -> String {
    let mut params: BTreeMap<&str, Vec<&str>> = job
        .params
        .iter()
        .map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect()))
        .collect();
    for (name, value) in labels.iter() {
        if let Some(name) = name.strip_prefix(PARAM_PREFIX) {
            let values = params.entry(name).or_default();
            match values.first_mut() {
                Some(first) => *first = value,
                None => values.push(value),
            }
        }
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, values) in params {
        for value in values {
            query.append_pair(name, value);
        }
    }
    let path = escaped_path(labels.get(METRICS_PATH));
    match query.finish().as_str() {
        "" => path,
        query => format!("{path}?{query}"),
    }
}

/// The path with a leading slash, and everything escaped that would end it or break a request.
fn escaped_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        out.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'('
            | b')' | b'*' | b'+' | b',' | b';' | b'=' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
