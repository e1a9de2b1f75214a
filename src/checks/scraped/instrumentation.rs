//! The Instrumentation Score: <https://github.com/instrumentation-score/spec>, its rules as of April 2026.
//!
//! It judges OTLP data; of its 19 rules an exposition can prove four, of the resource that OpenTelemetry
//! writes as `target_info`. It is no rule of the manifesto and weighs nothing there: a score of its own, shown
//! with how many of its rules stand behind it, as the specification demands.

use std::sync::Arc;

use crate::checks::naming::family::Family;
use crate::exposition::Sample;
use crate::labels::snake;

/// The rules of the specification.
pub const RULES_TOTAL: usize = 19;

/// Bytes of an instance's id that tell it from others.
const ID_BYTES_MAX: usize = 256;

/// The resource of one target, as far as rules look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Resource {
    /// `service.name` says something.
    pub has_name: bool,
    /// `service.instance.id`, empty where it is not there.
    pub instance_id: String,
    /// Some attribute says that it runs on Kubernetes.
    pub is_on_kubernetes: bool,
    /// `k8s.pod.uid` says something.
    pub has_pod_uid: bool,
}

impl Resource {
    /// Reads `target_info`; nothing else is a resource.
    pub(super) fn of(family: &Family, sample: &Sample<'_>) -> Option<Arc<Self>> {
        if family.stem != "target_info" {
            return None;
        }
        let mut resource = Self::default();
        for (key, value) in sample.labels() {
            let says = !value.trim().is_empty();
            let key = snake(&key);
            match &*key {
                "service_name" => resource.has_name = says,
                "service_instance_id" => {
                    let end = value.floor_char_boundary(ID_BYTES_MAX);
                    value[..end].clone_into(&mut resource.instance_id);
                }
                "k8s_pod_uid" => resource.has_pod_uid = says,
                _ => {}
            }
            resource.is_on_kubernetes |= says && key.starts_with("k8s_");
        }
        Some(Arc::new(resource))
    }
}

/// What a rule of the specification weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Impact {
    Critical = 40,
    Important = 30,
    Normal = 20,
}

/// The score of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instrumentation {
    /// Weight of the rules that all instances comply with, and of all that were judged.
    passed: u32,
    weight: u32,
    /// How many of the specification's rules were judged.
    pub judged: usize,
    /// Those that are violated.
    pub failed: Vec<&'static str>,
}

impl Instrumentation {
    /// Judges the resources of a service's instances; `None` where none has one.
    pub fn of<'a>(resources: impl Iterator<Item = &'a Resource>) -> Option<Self> {
        let all: Vec<&Resource> = resources.collect();
        if all.is_empty() {
            return None;
        }
        let mut score = Self::default();
        let mut judge = |rule, impact: Impact, kept: bool| {
            score.judged += 1;
            score.weight += impact as u32;
            match kept {
                true => score.passed += impact as u32,
                false => score.failed.push(rule),
            }
        };
        judge("RES-005", Impact::Critical, all.iter().all(|r| r.has_name));
        let mut ids: Vec<&str> = all.iter().map(|r| r.instance_id.trim()).collect();
        let has_ids = ids.iter().all(|id| !id.is_empty());
        judge("RES-001", Impact::Normal, has_ids);
        if has_ids {
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            judge("RES-002", Impact::Important, ids.len() == count);
        }
        if all.iter().any(|r| r.is_on_kubernetes) {
            judge(
                "RES-003",
                Impact::Important,
                all.iter().all(|r| r.has_pod_uid),
            );
        }
        Some(score)
    }

    /// 0 to 1: the specification's score is a hundred times this.
    pub fn ratio(&self) -> f64 {
        f64::from(self.passed) / f64::from(self.weight.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(id: &str, uid: bool) -> Resource {
        Resource {
            has_name: true,
            instance_id: id.to_owned(),
            is_on_kubernetes: uid,
            has_pod_uid: uid,
        }
    }

    #[test]
    fn the_formula_is_the_specifications() {
        let of = |resources: &[Resource]| Instrumentation::of(resources.iter());
        assert_eq!(of(&[]), None);
        let good = of(&[resource("a", true), resource("b", true)]).unwrap();
        assert_eq!((good.ratio(), good.judged), (1.0, 4));
        // Two instances of one id: 90 of 120.
        let twice = of(&[resource("a", true), resource("a", true)]).unwrap();
        assert_eq!((twice.ratio(), twice.failed), (0.75, vec!["RES-002"]));
        // Without ids there is nothing to be unique: 40 of 60.
        let unnamed = of(&[resource("", false)]).unwrap();
        assert_eq!(
            (unnamed.judged, unnamed.failed.clone()),
            (2, vec!["RES-001"])
        );
        assert!((unnamed.ratio() - 2.0 / 3.0).abs() < 1e-9);
        // On Kubernetes the pod should be known: 90 of 120.
        let pod = Resource {
            is_on_kubernetes: true,
            ..resource("a", false)
        };
        assert_eq!(of(&[pod]).unwrap().failed, ["RES-003"]);
    }
}
