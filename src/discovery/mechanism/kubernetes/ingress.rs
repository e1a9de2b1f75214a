//! Ingresses. Pure.

use std::sync::Arc;

use super::meta;
use super::objects::{RawIngress, RawIngressRule};
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::meta::ADDRESS;
use crate::labels::Labels;

/// What is kept of an ingress.
#[derive(Debug, PartialEq)]
pub(super) struct Ingress {
    labels: Labels,
    targets: Vec<Labels>,
}

impl From<RawIngress> for Ingress {
    fn from(raw: RawIngress) -> Self {
        let mut labels = meta::new();
        labels.set("namespace", raw.metadata.namespace.as_str());
        labels.set_some("ingress_class_name", raw.spec.ingress_class_name.as_ref());
        meta::object(&mut labels, "ingress", &raw.metadata);
        let secured: Vec<&str> = raw
            .spec
            .tls
            .iter()
            .flat_map(|tls| &tls.hosts)
            .map(String::as_str)
            .collect();
        let rules = raw.spec.rules.iter();
        Self {
            labels: labels.build(),
            targets: rules.flat_map(|rule| targets(rule, &secured)).collect(),
        }
    }
}

fn targets(rule: &RawIngressRule, secured: &[&str]) -> Vec<Labels> {
    let is_secured = secured.iter().any(|pattern| covers(pattern, &rule.host));
    let scheme = if is_secured { "https" } else { "http" };
    let paths: Vec<&str> = match &rule.http {
        None => vec!["/"],
        Some(http) => http.paths.iter().map(|path| path.path.as_str()).collect(),
    };
    let target = |path: &str| {
        let mut target = meta::new();
        target.set_plain(ADDRESS, rule.host.as_str());
        target.set("ingress_scheme", scheme);
        target.set("ingress_host", rule.host.as_str());
        target.set("ingress_path", if path.is_empty() { "/" } else { path });
        target.build()
    };
    paths.into_iter().map(target).collect()
}

/// Whether a host is what a pattern names: `*` stands for its first label.
fn covers(pattern: &str, host: &str) -> bool {
    if pattern == host {
        return true;
    }
    let (Some(of_pattern), Some((_, of_host))) = (pattern.strip_prefix("*."), host.split_once('.'))
    else {
        // A host of one label, and the pattern for any.
        return pattern == "*" && !host.contains('.');
    };
    of_pattern == of_host
}

impl Ingress {
    /// With what is attached of its namespace.
    pub(super) fn group(&self, attached: Vec<Arc<Labels>>) -> TargetGroup {
        TargetGroup {
            targets: self.targets.iter().cloned().map(Layers::from).collect(),
            common: Layers {
                own: self.labels.clone(),
                shared: attached,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (pattern, host, expected) in [
            ("a.example", "a.example", true),
            ("*.example", "a.example", true),
            ("*.example", "b.a.example", false),
            ("*.example", "example", false),
            ("a.*", "a.example", false),
            ("", "", true),
            ("*", "a", true),
        ] {
            assert_eq!(covers(pattern, host), expected, "{pattern} {host}");
        }
    }
}
