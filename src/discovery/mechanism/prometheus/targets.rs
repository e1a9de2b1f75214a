//! Targets of another server as ours: its labels, and where it scrapes. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use url::Url;

use crate::discovery::found::{METRICS_PATH, PARAM_PREFIX, SCHEME, SCRAPE_URL};
use crate::discovery::meta::{ADDRESS, Meta};
use crate::labels::Labels;
use crate::prometheus_api::Active;

/// Names of labels that discovery gave there: what they said can be relabelled by here too.
const DISCOVERED: &str = "__meta_";

/// A target that is listed: where it is scraped, its labels, and what discovery said of it.
pub(super) fn of_active(active: Active) -> Result<Labels, String> {
    let wrong = |why: &str| format!("target `{}`: {why}", active.scrape_url);
    let url = Url::parse(&active.scrape_url).map_err(|error| wrong(&error.to_string()))?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(wrong("it names no host"));
    };
    let mut meta = Meta::new("__meta_prometheus_");
    for (name, value) in &active.discovered_labels {
        if name.starts_with(DISCOVERED) {
            meta.set_plain(name, value.as_str());
        }
    }
    for (name, value) in active.labels.iter().filter(|(name, _)| is_own(name)) {
        meta.set_plain(name, value.as_str());
    }
    meta.set("scrape_pool", active.scrape_pool.as_str());
    meta.set_plain(SCRAPE_URL, active.scrape_url.as_str());
    meta.set_plain(ADDRESS, format!("{host}:{port}"));
    meta.set_plain(SCHEME, url.scheme());
    meta.set_plain(METRICS_PATH, decoded(url.path()));
    // Of several values of one parameter, labels hold the first, as in Prometheus.
    let mut first: HashMap<String, String> = HashMap::new();
    for (name, value) in url.query_pairs() {
        first.entry(name.into_owned()).or_insert(value.into_owned());
    }
    for (name, value) in first {
        meta.set_plain(&format!("{PARAM_PREFIX}{name}"), value);
    }
    Ok(meta.build())
}

/// Whether a label is the target's, and not one that says how to scrape it, or the name of a series.
fn is_own(name: &str) -> bool {
    !name.starts_with("__")
}

/// The path as a label has it, which is encoded again where it is asked for.
fn decoded(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
    decoded.map_or_else(|_| path.to_owned(), std::borrow::Cow::into_owned)
}

/// A series that a query finds.
#[derive(Deserialize)]
pub(super) struct Series {
    metric: BTreeMap<String, String>,
}

/// A series of a target, as `up` is: its instance is taken for the address.
pub(super) fn of_series(series: Series) -> Result<Labels, String> {
    let mut meta = Meta::new("__meta_prometheus_");
    match series.metric.get("instance") {
        Some(instance) if !instance.is_empty() => meta.set_plain(ADDRESS, instance.as_str()),
        _ => return Err(format!("series {:?} has no `instance`", series.metric)),
    }
    for (name, value) in series.metric.iter().filter(|(name, _)| is_own(name)) {
        meta.set_plain(name, value.as_str());
    }
    Ok(meta.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_where_it_is_scraped_and_has_the_labels_it_has_there() {
        let active: Active = serde_json::from_str(
            r#"{"discoveredLabels": {"__address__": "10.0.0.1", "__meta_kubernetes_namespace": "shop", "job": "before"},
                "labels": {"instance": "cart-0", "job": "cart", "env": "prod"}, "scrapePool": "pods",
                "scrapeUrl": "https://[fd00::1]:8443/a%20b?x=1&x=2&y=", "health": "up"}"#,
        )
        .unwrap();
        let labels = of_active(active).unwrap();
        for (name, value) in [
            ("__address__", "[fd00::1]:8443"),
            ("__scheme__", "https"),
            ("__metrics_path__", "/a b"),
            ("__param_x", "1"),
            ("__meta_kubernetes_namespace", "shop"),
            ("__meta_prometheus_scrape_pool", "pods"),
            ("instance", "cart-0"),
            ("job", "cart"),
            ("env", "prod"),
        ] {
            assert_eq!(labels.get(name), value, "{name}");
        }
        let nowhere = Active {
            scrape_url: "nowhere".to_owned(),
            ..Active::default()
        };
        assert!(
            of_active(nowhere)
                .unwrap_err()
                .starts_with("target `nowhere`: ")
        );
    }
}
