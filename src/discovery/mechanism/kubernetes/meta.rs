//! Labels as Prometheus makes them of objects. Pure.
//! <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config>

use super::objects::Metadata;
use crate::kubernetes::Key;
use crate::labels::Labels;

pub(super) const ADDRESS: &str = "__address__";
const PREFIX: &str = "__meta_kubernetes_";

/// Labels while they are put together: of two with one name, the later wins.
#[derive(Debug, Default)]
pub(super) struct Meta(Vec<(String, String)>);

impl Meta {
    /// A label, its name without the prefix.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((format!("{PREFIX}{name}"), value.into()));
    }

    /// The same where there is a value.
    pub(super) fn set_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(name, value.to_string());
        }
    }

    /// A label under its whole name.
    pub(super) fn set_plain(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// The name, labels and annotations of an object.
    pub(super) fn object(&mut self, what: &str, metadata: &Metadata) {
        self.set(&format!("{what}_name"), metadata.name.as_str());
        self.labels_and_annotations(what, metadata);
    }

    /// Its labels and annotations. In order of name: of two whose names differ in special characters only, the
    /// later wins, where Prometheus takes either.
    pub(super) fn labels_and_annotations(&mut self, what: &str, metadata: &Metadata) {
        for (kind, pairs) in [
            ("label", &metadata.labels),
            ("annotation", &metadata.annotations),
        ] {
            for (name, value) in pairs {
                let name = sanitised(name);
                self.set(&format!("{what}_{kind}_{name}"), value.as_str());
                self.set(&format!("{what}_{kind}present_{name}"), "true");
            }
        }
    }

    pub(super) fn build(self) -> Labels {
        let mut pairs = self.0;
        // The last of each name comes first, and stays.
        pairs.reverse();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs.dedup_by(|(later, _), (kept, _)| later == kept);
        let mut labels: Labels = pairs.into_iter().collect();
        labels.shrink_to_fit();
        labels
    }
}

/// A name as part of a label's: what a label's name cannot hold becomes `_`, character by character.
pub(super) fn sanitised(name: &str) -> String {
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '_'
        }
    };
    name.chars().map(allowed).collect()
}

/// `host:port`, with brackets around an IPv6 address.
pub(super) fn address(host: &str, port: i32) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// The key of what is in a namespace.
pub(super) fn key(namespace: &str, name: &str) -> Key {
    Key {
        namespace: namespace.into(),
        name: name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_labels_character_by_character() {
        assert_eq!(
            sanitised("app.kubernetes.io/näme"),
            "app_kubernetes_io_n_me"
        );
        let metadata = Metadata {
            name: "x".to_owned(),
            labels: [("a-b", "1"), ("a.b", "2"), ("empty", "")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Metadata::default()
        };
        let mut meta = Meta::default();
        meta.object("pod", &metadata);
        let labels = meta.build();
        let all: Vec<(&str, &str)> = labels.iter().collect();
        assert_eq!(
            all,
            [
                ("__meta_kubernetes_pod_label_a_b", "2"),
                ("__meta_kubernetes_pod_labelpresent_a_b", "true"),
                ("__meta_kubernetes_pod_labelpresent_empty", "true"),
                ("__meta_kubernetes_pod_name", "x"),
            ]
        );
    }
}
