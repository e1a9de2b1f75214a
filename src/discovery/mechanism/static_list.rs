//! `static_configs`: targets written in the configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::discovery::groups::{Layers, TargetGroup};
use crate::document::DocumentError;
use crate::document::value::{LabelName, NullableText};
use crate::document::yaml::{At, Source};
use crate::labels::Labels;

/// An entry of `static_configs`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawGroup {
    targets: Option<Vec<At<String>>>,
    labels: Option<BTreeMap<LabelName, NullableText>>,
}

impl RawGroup {
    /// Makes a group ready. With relabelling, an address may be anything: rules may make a target of it.
    pub(in crate::discovery) fn resolve(
        self,
        source: Source<'_>,
        relabelled: bool,
    ) -> Result<TargetGroup, DocumentError> {
        let mut targets = Vec::new();
        for target in self.targets.unwrap_or_default() {
            if target.value.is_empty() {
                return Err(source.error(target.referenced, "a target is empty"));
            }
            if target.value.contains('/') && !relabelled {
                let message = format!("`{}` is not a `host:port`", target.value);
                return Err(source
                    .error(target.referenced, message)
                    .with_hint("scheme and path go under `scheme` and `metrics_path`"));
            }
            targets.push(Layers::from(Labels::from_iter([(
                "__address__",
                target.value,
            )])));
        }
        let labels = self.labels.unwrap_or_default().into_iter();
        Ok(TargetGroup {
            targets,
            common: Layers::from(
                labels
                    .map(|(name, value)| (name.0, value.0))
                    .collect::<Labels>(),
            ),
        })
    }
}
