//! `kubernetes`: a job for the cluster that we run in, one for each plugin of its services, and one for what its
//! ServiceMonitor and PodMonitor objects select.

use std::sync::Arc;

use super::global::{Global, RawGlobal};
use super::job::ScrapeJob;
use super::job_config::{JobConfig, job_config};
use crate::discovery::mechanism::DiscoveryConfig;
use crate::discovery::mechanism::kubernetes::{
    AttachMetadata, KubernetesSd, RawAttach, RawNamespaces, RawSelector, Role, Selector, Written,
};
use crate::discovery::relabel::{AnchoredRegex, RawRule, Rule, rules};
use crate::document::value::HttpUrl;
use crate::document::yaml::{self, At, Source};
use crate::document::{DocumentError, Origin};
use crate::http_client::raw::with_http_keys;

/// A job that is meant, as it is shipped.
#[derive(Clone, Copy)]
struct Shipped {
    path: &'static str,
    text: &'static str,
}

const PODS: Shipped = Shipped {
    path: "deploy/kubernetes/job.yaml",
    text: include_str!("../../../deploy/kubernetes/job.yaml"),
};

const MONITORS: Shipped = Shipped {
    path: "deploy/kubernetes/monitors.yaml",
    text: include_str!("../../../deploy/kubernetes/monitors.yaml"),
};

/// Which services have plugins, unless the configuration says.
const PLUGINS_OF_DEFAULT: &str = "mattermost.*";
/// Plugins, each a target of each pod.
const PLUGINS_MAX: usize = 100;

with_http_keys! {
    /// `kubernetes`.
    struct RawKubernetes {
        api_server: Option<At<HttpUrl>>,
        kubeconfig_file: Option<At<std::path::PathBuf>>,
        namespaces: Option<RawNamespaces>,
        selectors: Option<Vec<At<RawSelector>>>,
        plugins: Option<Vec<At<String>>>,
        plugins_of: Option<At<AnchoredRegex>>,
        attach_metadata: Option<RawAttach>,
        monitors: Option<At<bool>>,
        monitor_selector: Option<At<String>>,
        relabel_configs: Option<Vec<At<RawRule>>>,
    }
}

/// The jobs that it stands for.
pub(super) fn jobs(
    source: Source<'_>,
    global: Global,
    defaults: &RawGlobal,
    raw: At<Option<RawKubernetes>>,
) -> Result<Vec<JobConfig>, DocumentError> {
    let (at, mut raw) = (raw.referenced, raw.value.unwrap_or_default());
    let plugins = plugins(source, &mut raw)?;
    let monitors = monitors(source, &raw)?;
    let attach = raw.attach_metadata.take();
    let attach = attach.map(|attach| attach.resolve(source)).transpose()?;
    let more = rules(source, raw.relabel_configs.take().unwrap_or_default())?;
    let written = Written {
        at,
        http: raw.take_http(),
        api_server: raw.api_server,
        kubeconfig_file: raw.kubeconfig_file,
        namespaces: raw.namespaces,
        selectors: raw.selectors,
    };
    let looked_at = written.resolve(source, Role::Pod, AttachMetadata::default())?;
    let job = PODS.job(source, global, defaults, &looked_at, attach)?;
    let mut jobs = vec![with_rules(&job, &[], &more)];
    for plugin in plugins {
        let rules = plugin.rules(source)?;
        let mut job = with_rules(&job, &rules, &more);
        job.job = Arc::new(ScrapeJob {
            name: format!("{}-{}", job.job.name, plugin.id),
            ..ScrapeJob::clone(&job.job)
        });
        jobs.push(job);
    }
    if let Some(selectors) = monitors {
        let looked_at = KubernetesSd {
            selectors,
            ..looked_at
        };
        let job = MONITORS.job(source, global, defaults, &looked_at, attach)?;
        jobs.push(with_rules(&job, &[], &more));
    }
    Ok(jobs)
}

impl Shipped {
    /// The job, looking where `looked_at` does. `attach` is what is attached instead of what the job says.
    fn job(
        self,
        source: Source<'_>,
        global: Global,
        defaults: &RawGlobal,
        looked_at: &KubernetesSd,
        attach: Option<AttachMetadata>,
    ) -> Result<JobConfig, DocumentError> {
        let origin = Origin {
            name: self.path.to_owned(),
            folder: source.origin.folder.clone(),
        };
        let own = source.beside(&origin, self.text);
        let (mut job, _) = job_config(own, global, defaults, yaml::parse(own)?)?;
        for found in &mut job.discovery {
            if let DiscoveryConfig::Kubernetes(shipped) = found {
                **shipped = KubernetesSd {
                    role: shipped.role,
                    attach: attach.unwrap_or(shipped.attach),
                    ..looked_at.clone()
                };
            }
        }
        Ok(job)
    }
}

/// Which monitors are looked at, where they are.
fn monitors(
    source: Source<'_>,
    raw: &RawKubernetes,
) -> Result<Option<Vec<Selector>>, DocumentError> {
    let wanted = raw.monitors.as_ref();
    let wanted = wanted.map_or(Ok(false), |written| source.boolean(written))?;
    let Some(written) = &raw.monitor_selector else {
        return Ok(wanted.then(Vec::new));
    };
    let at = written.referenced;
    if !wanted {
        let message = "`monitor_selector` has no effect without `monitors: true`";
        return Err(source.error(at, message));
    }
    let selector = Selector::by_label(Role::Monitor, &written.value);
    let selector = selector.map_err(|error| source.error(at, error))?;
    Ok(Some(vec![selector]))
}

/// The same job with more rules.
fn with_rules(job: &JobConfig, first: &[Rule], then: &[Rule]) -> JobConfig {
    let rules = [&job.relabel, first, then].concat();
    JobConfig {
        relabel: rules.into(),
        ..job.clone()
    }
}

/// A plugin of a service: it answers at a path of its own, and is judged by itself.
struct Plugin {
    id: String,
    /// A regular expression.
    services: String,
}

fn plugins(source: Source<'_>, raw: &mut RawKubernetes) -> Result<Vec<Plugin>, DocumentError> {
    let plugins = raw.plugins.take().unwrap_or_default();
    let services = match &raw.plugins_of {
        Some(written) if plugins.is_empty() => {
            let message = "`plugins_of` says whose `plugins` there are, and there are none";
            return Err(source.error(written.referenced, message));
        }
        Some(written) => written.value.as_str(),
        None => PLUGINS_OF_DEFAULT,
    };
    let mut found: Vec<Plugin> = Vec::new();
    for written in &plugins {
        let id = written.value.as_str();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let error = if id.is_empty() || !id.chars().all(allowed) || id.starts_with('.') {
            format!("`{id}` is no id of a plugin, as `com.mattermost.calls` is")
        } else if found.iter().any(|known| known.id == id) {
            format!("plugin `{id}` is named twice")
        } else if found.len() == PLUGINS_MAX {
            format!("{} plugins are more than {PLUGINS_MAX}", plugins.len())
        } else {
            found.push(Plugin {
                id: id.to_owned(),
                services: services.to_owned(),
            });
            continue;
        };
        return Err(source.error(written.referenced, error));
    }
    Ok(found)
}

impl Plugin {
    /// What makes a target of a service one of the plugin.
    fn rules(&self, source: Source<'_>) -> Result<Arc<[Rule]>, DocumentError> {
        let (id, services) = (&self.id, serde_json::Value::from(self.services.as_str()));
        let text = format!(
            r#"
- {{source_labels: [service], regex: {services}, action: keep}}
- {{target_label: service, replacement: {id:?}}}
- {{target_label: __metrics_path__, replacement: "/plugins/{id}/metrics"}}
- {{target_label: version, replacement: ""}}
"#
        );
        let origin = Origin {
            name: format!("plugin `{id}`"),
            folder: source.origin.folder.clone(),
        };
        let own = source.beside(&origin, &text);
        rules(own, yaml::parse(own)?)
    }
}
