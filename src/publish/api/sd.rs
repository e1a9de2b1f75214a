//! `/sd`: what was discovered, as Prometheus's HTTP service discovery reads it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::discovery::Discovered;
use crate::discovery::target::TargetUrl;

/// One group of `/sd`, as Prometheus's HTTP service discovery reads it.
#[derive(Debug, Serialize)]
pub(in crate::publish) struct SdGroup {
    targets: [String; 1],
    labels: BTreeMap<String, String>,
}

/// What was discovered, for another Prometheus to scrape: scheme, path and parameters as the
/// labels that it understands before relabelling.
pub(in crate::publish) fn sd(discovered: &Discovered) -> Vec<SdGroup> {
    discovered
        .targets
        .iter()
        .map(|target| {
            let mut labels: BTreeMap<String, String> = target
                .labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            labels.insert(
                "__scheme__".to_owned(),
                target.url.scheme.as_str().to_owned(),
            );
            labels.insert("__metrics_path__".to_owned(), target.url.path().to_owned());
            labels.extend(parameters(&target.url));
            SdGroup {
                targets: [target.url.authority()],
                labels,
            }
        })
        .collect()
}

/// `__param_*`: Prometheus keeps the first value of each.
fn parameters(url: &TargetUrl) -> Vec<(String, String)> {
    let query = url
        .path_and_query
        .split_once('?')
        .map_or("", |(_, query)| query);
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let name = format!("__param_{name}");
        if parameters.iter().all(|(known, _)| *known != name) {
            parameters.push((name, value.into_owned()));
        }
    }
    parameters
}
