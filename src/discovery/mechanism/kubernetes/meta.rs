//! Labels of Kubernetes's objects. Pure.
//! <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config>

use super::objects::Metadata;
use crate::discovery::meta::{Meta, sanitised};
use crate::kubernetes::Key;

/// The labels of an object, none yet.
pub(super) fn new() -> Meta {
    Meta::new("__meta_kubernetes_")
}

/// The name, labels and annotations of an object.
pub(super) fn object(meta: &mut Meta, what: &str, metadata: &Metadata) {
    meta.set(&format!("{what}_name"), metadata.name.as_str());
    labels_and_annotations(meta, what, metadata);
}

/// Its labels and annotations.
pub(super) fn labels_and_annotations(meta: &mut Meta, what: &str, metadata: &Metadata) {
    for (kind, pairs) in [
        ("label", &metadata.labels),
        ("annotation", &metadata.annotations),
    ] {
        meta.set_all(&format!("{what}_{kind}"), pairs);
        for name in pairs.keys() {
            let name = sanitised(name);
            meta.set(&format!("{what}_{kind}present_{name}"), "true");
        }
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
        let mut meta = new();
        object(&mut meta, "pod", &metadata);
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
