//! `kubernetes_sd_configs` as written, and made ready.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_saphyr::Location;

use super::kind::Kind;
use crate::document::DocumentError;
use crate::document::paths::absolute;
use crate::document::value::HttpUrl;
use crate::document::yaml::{At, Source};
use crate::http_client::http;
use crate::http_client::raw::{RawHttp, with_http_keys};
use crate::http_client::settings::HttpConfig;
use crate::kubernetes::{Access, check_field_selector, check_label_selector};

with_http_keys! {
    /// An entry of `kubernetes_sd_configs`.
    struct RawKubernetesSd {
        api_server: Option<At<HttpUrl>>,
        role: Option<At<Role>>,
        kubeconfig_file: Option<At<PathBuf>>,
        namespaces: Option<RawNamespaces>,
        selectors: Option<Vec<At<RawSelector>>>,
        attach_metadata: Option<RawAttach>,
    }
}

/// `namespaces`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawNamespaces {
    own_namespace: Option<At<bool>>,
    names: Option<Vec<At<String>>>,
}

/// An entry of `selectors`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSelector {
    role: Option<Role>,
    label: Option<String>,
    field: Option<String>,
}

/// `attach_metadata`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawAttach {
    node: Option<At<bool>>,
    namespace: Option<At<bool>>,
    deployment: Option<At<bool>>,
    job: Option<At<bool>>,
    cronjob: Option<At<bool>>,
}

/// Characters of the name of a namespace.
const NAMESPACE_MAX: usize = 63;

/// What becomes targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Each node's kubelet.
    Node,
    /// Each port of each service.
    Service,
    /// Each port of each container.
    Pod,
    /// Each address of each service, by its Endpoints object.
    Endpoints,
    /// The same by its slices.
    EndpointSlice,
    /// Each path of each ingress.
    Ingress,
    /// What ServiceMonitor and PodMonitor objects select.
    Monitor,
}

impl Role {
    /// The kinds of object that a selector of this role is of.
    fn kinds(self) -> &'static [Kind] {
        match self {
            Role::Node => &[Kind::Node],
            Role::Service => &[Kind::Service],
            Role::Pod => &[Kind::Pod],
            Role::Endpoints => &[Kind::Endpoints],
            Role::EndpointSlice => &[Kind::Slice],
            Role::Ingress => &[Kind::Ingress],
            Role::Monitor => &[Kind::ServiceMonitor, Kind::PodMonitor],
        }
    }

    /// The roles whose objects may be selected among.
    fn selectable(self) -> &'static [Role] {
        match self {
            Role::Node => &[Role::Node],
            Role::Service => &[Role::Service],
            Role::Pod => &[Role::Pod, Role::Node],
            Role::Endpoints => &[Role::Pod, Role::Service, Role::Endpoints],
            Role::EndpointSlice => &[Role::Pod, Role::Service, Role::EndpointSlice],
            Role::Ingress => &[Role::Ingress],
            Role::Monitor => &[Role::Monitor, Role::Pod, Role::Service, Role::EndpointSlice],
        }
    }
}

/// What is attached to targets of objects that they are not made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttachMetadata {
    /// Labels and annotations of the node.
    pub node: bool,
    /// Labels and annotations of the namespace.
    pub namespace: bool,
    /// The name of the deployment.
    pub deployment: bool,
    /// The name of the job.
    pub job: bool,
    /// The name of the cron job.
    pub cron_job: bool,
}

/// Which objects of a kind are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Whose objects.
    pub role: Role,
    /// By labels; `""` for all.
    pub label: String,
    /// By fields; `""` for all.
    pub field: String,
}

impl Selector {
    /// By labels alone.
    pub(in crate::discovery) fn by_label(role: Role, label: &str) -> Result<Self, String> {
        check_label_selector(label)?;
        Ok(Self {
            role,
            label: label.to_owned(),
            field: String::new(),
        })
    }
}

/// `kubernetes_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesSd {
    /// How the API server is reached.
    pub access: Access,
    /// What becomes targets.
    pub role: Role,
    /// The namespaces to look at; without any, and without `own_namespace`, all.
    pub namespaces: Vec<String>,
    /// Whether the namespace of our own pod is one of them.
    pub own_namespace: bool,
    /// Which objects are looked at.
    pub selectors: Vec<Selector>,
    /// What is attached to targets.
    pub attach: AttachMetadata,
}

impl KubernetesSd {
    /// Whether the other finds the same objects, asked for otherwise.
    pub(super) fn finds_same(&self, other: &Self) -> bool {
        let same_server = match (&self.access, &other.access) {
            (Access::Server { url: own, .. }, Access::Server { url: other, .. }) => own == other,
            (own, other) => own == other,
        };
        same_server && self.role == other.role
    }

    /// By labels and by fields: which objects of a kind are looked at.
    pub(super) fn selector(&self, kind: Kind) -> (String, String) {
        let mut selectors = self.selectors.iter();
        let found = selectors.find(|selector| selector.role.kinds().contains(&kind));
        found.map_or_else(Default::default, |selector| {
            (selector.label.clone(), selector.field.clone())
        })
    }
}

impl RawAttach {
    /// Makes it ready.
    pub(in crate::discovery) fn resolve(
        self,
        source: Source<'_>,
    ) -> Result<AttachMetadata, DocumentError> {
        Ok(AttachMetadata {
            node: boolean(source, self.node.as_ref())?,
            namespace: boolean(source, self.namespace.as_ref())?,
            deployment: boolean(source, self.deployment.as_ref())?,
            job: boolean(source, self.job.as_ref())?,
            cron_job: boolean(source, self.cronjob.as_ref())?,
        })
    }
}

impl RawKubernetesSd {
    /// Makes it ready.
    pub(super) fn resolve(
        source: Source<'_>,
        raw: At<Self>,
    ) -> Result<KubernetesSd, DocumentError> {
        let (at, mut raw) = (raw.referenced, raw.value);
        let Some(role) = raw.role.take() else {
            let message = "`kubernetes_sd_configs` needs `role`";
            let hint = "one of `pod`, `service`, `endpoints`, `endpointslice`, `node`, `ingress`, `monitor`";
            return Err(source.error(at, message).with_hint(hint));
        };
        let attach = raw.attach_metadata.take().unwrap_or_default();
        let attach = attach.resolve(source)?;
        let written = Written {
            at,
            http: raw.take_http(),
            api_server: raw.api_server,
            kubeconfig_file: raw.kubeconfig_file,
            namespaces: raw.namespaces,
            selectors: raw.selectors,
        };
        written.resolve(source, role.value, attach)
    }
}

/// Where to look and at what, as written.
pub(in crate::discovery) struct Written {
    pub(in crate::discovery) at: Location,
    pub(in crate::discovery) http: RawHttp,
    pub(in crate::discovery) api_server: Option<At<HttpUrl>>,
    pub(in crate::discovery) kubeconfig_file: Option<At<PathBuf>>,
    pub(in crate::discovery) namespaces: Option<RawNamespaces>,
    pub(in crate::discovery) selectors: Option<Vec<At<RawSelector>>>,
}

impl Written {
    /// Makes it ready.
    pub(in crate::discovery) fn resolve(
        mut self,
        source: Source<'_>,
        role: Role,
        attach: AttachMetadata,
    ) -> Result<KubernetesSd, DocumentError> {
        let namespaces = self.namespaces.take().unwrap_or_default();
        let own_namespace = boolean(source, namespaces.own_namespace.as_ref())?;
        let own_at = namespaces.own_namespace.as_ref().map(|own| own.referenced);
        let selectors = selectors(source, role, self.selectors.take().unwrap_or_default())?;
        let names = namespaces.names.unwrap_or_default().into_iter();
        let names = names.map(|name| namespace(source, name));
        let mut names = names.collect::<Result<Vec<_>, _>>()?;
        names.sort();
        names.dedup();
        Ok(KubernetesSd {
            access: access(source, self, own_at.filter(|_| own_namespace))?,
            role,
            namespaces: names,
            own_namespace,
            selectors,
            attach,
        })
    }
}

/// The name of a namespace, a label of DNS: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
fn namespace(source: Source<'_>, written: At<String>) -> Result<String, DocumentError> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name = written.value;
    let is_name = !name.is_empty()
        && name.len() <= NAMESPACE_MAX
        && name.chars().all(is_inner)
        && !name.starts_with('-')
        && !name.ends_with('-');
    match is_name {
        true => Ok(name),
        false => {
            let message = format!("`{name}` is not the name of a namespace");
            Err(source.error(written.referenced, message))
        }
    }
}

fn boolean(source: Source<'_>, written: Option<&At<bool>>) -> Result<bool, DocumentError> {
    written.map_or(Ok(false), |written| source.boolean(written))
}

fn access(
    source: Source<'_>,
    written: Written,
    own_namespace: Option<Location>,
) -> Result<Access, DocumentError> {
    // As Prometheus: what is written as it is by default says nothing.
    let http2 = written.http.enable_http2.as_ref();
    let is_custom_http2 = http2.is_some_and(|written| !written.value);
    let at = written.at;
    let http = http(source, written.http)?;
    let is_custom = http != HttpConfig::default() || is_custom_http2;
    let kubeconfig = written.kubeconfig_file;
    let kubeconfig = kubeconfig.filter(|file| !file.value.as_os_str().is_empty());
    let in_pod_only = |what: &str| match own_namespace {
        None => Ok(()),
        Some(at) => {
            let message = format!(
                "both `{what}` and `own_namespace` are set: only a pod has a namespace of its own"
            );
            Err(source.error(at, message))
        }
    };
    match (written.api_server, kubeconfig) {
        (Some(_), Some(file)) => {
            let message = "both `api_server` and `kubeconfig_file` are set: at most one may be";
            Err(source.error(file.referenced, message))
        }
        (None, Some(file)) if is_custom => {
            let message =
                "`kubeconfig_file` says how to ask: what is set beside it would not be used";
            Err(source.error(file.referenced, message))
        }
        (None, Some(file)) => {
            in_pod_only("kubeconfig_file")?;
            Ok(Access::Kubeconfig(absolute(source, &file.value)))
        }
        (Some(url), None) => {
            in_pod_only("api_server")?;
            Ok(Access::Server {
                url: url.value.0,
                http: Arc::new(http),
            })
        }
        (None, None) if is_custom => {
            let message =
                "HTTP settings without `api_server`: a pod's service account says how to ask";
            Err(source.error(at, message))
        }
        (None, None) => Ok(Access::InCluster),
    }
}

fn selectors(
    source: Source<'_>,
    role: Role,
    raw: Vec<At<RawSelector>>,
) -> Result<Vec<Selector>, DocumentError> {
    let mut selectors: Vec<Selector> = Vec::new();
    for At {
        referenced: at,
        value: raw,
        ..
    } in raw
    {
        let name = |role: Role| -> &'static str { role.into() };
        let of = raw.role.filter(|of| role.selectable().contains(of));
        let Some(of) = of else {
            let allowed: Vec<String> = role
                .selectable()
                .iter()
                .map(|role| format!("`{}`", name(*role)))
                .collect();
            let message = match raw.role {
                None => "a selector needs `role`".to_owned(),
                Some(of) => format!(
                    "role `{}` does not look at what a selector of role `{}` is of",
                    name(role),
                    name(of)
                ),
            };
            let error = source.error(at, message);
            return Err(error.with_hint(format!("its `role` is one of {}", allowed.join(", "))));
        };
        if selectors.iter().any(|before| before.role == of) {
            let message = format!("there are two selectors of role `{}`", name(of));
            return Err(source.error(at, message));
        }
        let (label, field) = (raw.label.unwrap_or_default(), raw.field.unwrap_or_default());
        check_label_selector(&label).map_err(|error| source.error(at, error))?;
        check_field_selector(&field).map_err(|error| source.error(at, error))?;
        selectors.push(Selector {
            role: of,
            label,
            field,
        });
    }
    Ok(selectors)
}
