//! SLOs that files define, in the formats of Sloth, Pyrra and OpenSLO.
//!
//! Sloth: <https://sloth.dev/specs/default/>, Pyrra: <https://github.com/pyrra-dev/pyrra>, OpenSLO:
//! <https://github.com/OpenSLO/OpenSLO>. What is not about objectives is passed over: it is theirs.

use std::path::PathBuf;

use serde::Deserialize;

use super::backstage::documents;
use super::files::each_file;
use crate::document::DocumentError;
use crate::document::value::Share;
use crate::document::yaml::{self, At, Source};

/// SLOs of all files.
const SLOS_MAX: usize = 100_000;

/// An objective that a service has.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// The service, as the file names it.
    pub service: String,
    /// The SLO's name.
    pub name: String,
    /// The share of good events, 0 to 1.
    pub objective: f64,
    /// Where it is written.
    pub place: String,
}

#[derive(Debug, Deserialize)]
struct Document {
    version: Option<String>,
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
    service: Option<String>,
    slos: Option<Vec<At<SlothSlo>>>,
    metadata: Option<Metadata>,
    spec: Option<Spec>,
}

#[derive(Debug, Deserialize)]
struct SlothSlo {
    name: String,
    /// Per cent.
    objective: f64,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Spec {
    /// Pyrra: per cent, as text.
    target: Option<At<String>>,
    /// OpenSLO; Sloth's manifest for Kubernetes.
    service: Option<String>,
    objectives: Option<Vec<OpenSloObjective>>,
    slos: Option<Vec<At<SlothSlo>>>,
}

#[derive(Debug, Deserialize)]
struct OpenSloObjective {
    target: Option<f64>,
    #[serde(rename = "targetPercent")]
    target_percent: Option<f64>,
}

/// Reads every file that paths and patterns name.
pub(super) fn load(
    paths: &[PathBuf],
    warnings: &mut Vec<String>,
) -> Result<Vec<Slo>, DocumentError> {
    let mut all = Vec::new();
    each_file("slos", paths, warnings, |source| {
        for text in documents(source.text) {
            let document = Source::new(source.origin, &text);
            all.extend(of_document(document)?);
        }
        match all.len() > SLOS_MAX {
            true => Err(DocumentError::of_file(
                source.origin,
                format!("more than {SLOS_MAX} SLOs"),
            )),
            false => Ok(()),
        }
    })?;
    Ok(all)
}

fn of_document(source: Source<'_>) -> Result<Vec<Slo>, DocumentError> {
    let slos = slos_of(source)?;
    match slos
        .iter()
        .find(|slo| !(0.0..=1.0).contains(&slo.objective))
    {
        None => Ok(slos),
        Some(slo) => {
            let message = format!(
                "SLO `{}` has an objective of {}, which is no share of a whole",
                slo.name, slo.objective
            );
            Err(DocumentError::of_file(source.origin, message))
        }
    }
}

fn slos_of(source: Source<'_>) -> Result<Vec<Slo>, DocumentError> {
    let document: Document = yaml::parse(source)?;
    let name = &source.origin.name;
    let nothing = || {
        DocumentError::of_file(source.origin, "no SLO of Sloth, Pyrra or OpenSLO")
            .with_hint("Sloth has `version: prometheus/v1`, the others `kind: ServiceLevelObjective` and `kind: SLO`")
    };
    let sloth = |service: &str, slos: Vec<At<SlothSlo>>| {
        slos.into_iter()
            .map(|slo| Slo {
                service: service.to_owned(),
                objective: slo.value.objective / 100.0,
                place: format!("{name}:{}", slo.referenced.line()),
                name: slo.value.name,
            })
            .collect()
    };
    let kind = document.kind.as_deref();
    let api = document.api_version.as_deref().unwrap_or("");
    match (document.version.as_deref(), kind, document.spec) {
        (Some("prometheus/v1"), _, _) => {
            let service = document.service.ok_or_else(nothing)?;
            Ok(sloth(&service, document.slos.unwrap_or_default()))
        }
        (_, Some("PrometheusServiceLevel"), Some(spec)) => {
            let service = spec.service.ok_or_else(nothing)?;
            Ok(sloth(&service, spec.slos.unwrap_or_default()))
        }
        (_, Some("ServiceLevelObjective"), Some(spec)) if api.starts_with("pyrra.dev/") => {
            let (metadata, target) = (
                document.metadata.ok_or_else(nothing)?,
                spec.target.ok_or_else(nothing)?,
            );
            let share: Share = format!("{}%", target.value.trim_end_matches('%'))
                .parse()
                .map_err(|why: String| source.error(target.referenced, why))?;
            let labels = ["pyrra.dev/service", "service", "app"];
            let labelled = labels.iter().find_map(|label| metadata.labels.get(*label));
            Ok(vec![Slo {
                service: labelled.unwrap_or(&metadata.name).clone(),
                objective: share.0,
                place: format!("{name}:{}", target.referenced.line()),
                name: metadata.name,
            }])
        }
        (_, Some("SLO"), Some(spec)) if api.starts_with("openslo/") => {
            let metadata = document.metadata.ok_or_else(nothing)?;
            let service = spec.service.unwrap_or_else(|| metadata.name.clone());
            let objectives = spec.objectives.unwrap_or_default();
            let target = |objective: &OpenSloObjective| {
                objective
                    .target
                    .or(objective.target_percent.map(|percent| percent / 100.0))
            };
            Ok(objectives
                .iter()
                .filter_map(target)
                .map(|objective| Slo {
                    service: service.clone(),
                    name: metadata.name.clone(),
                    objective,
                    place: name.clone(),
                })
                .collect())
        }
        // OpenSLO keeps services and alert policies beside SLOs.
        (_, Some(_), _) if api.starts_with("openslo/") => Ok(Vec::new()),
        _ => Err(nothing()),
    }
}
