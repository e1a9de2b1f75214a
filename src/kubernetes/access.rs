//! Where the API server is and who we are to it.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::endpoint::Endpoint;
use super::kubeconfig;
use crate::document::secret::SecretSource;
use crate::http_client::settings::{Auth, HttpConfig, TlsConfig};

/// Where Kubernetes puts what a pod needs to ask the API server:
/// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>.
pub(super) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How the API server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// As the service account of the pod that we run in.
    InCluster,
    /// As the current context of a kubeconfig file says.
    Kubeconfig(PathBuf),
    /// As the configuration says.
    Server {
        /// The server, with a path where a proxy wants one.
        url: Url,
        /// How to ask.
        http: Arc<HttpConfig>,
    },
}

impl Access {
    /// What the files and the environment say now.
    pub(super) fn endpoint(&self) -> Result<Endpoint, String> {
        match self {
            Access::InCluster => {
                let variable = |name: &str| std::env::var(name).unwrap_or_default();
                in_cluster(
                    &variable("KUBERNETES_SERVICE_HOST"),
                    &variable("KUBERNETES_SERVICE_PORT"),
                    Path::new(SERVICE_ACCOUNT),
                )
            }
            Access::Kubeconfig(path) => kubeconfig::read(path),
            Access::Server { url, http } => Ok(Endpoint {
                url: url.clone(),
                http: HttpConfig::clone(http),
                exec: None,
            }),
        }
    }
}

fn in_cluster(host: &str, port: &str, account: &Path) -> Result<Endpoint, String> {
    if host.is_empty() || port.is_empty() {
        return Err(
            "not in a Kubernetes cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; \
             elsewhere, set `kubeconfig_file` or `api_server`"
                .to_owned(),
        );
    }
    let host = match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.to_owned(),
    };
    let url = Url::parse(&format!("https://{host}:{port}"));
    let url = url.map_err(|error| {
        format!("KUBERNETES_SERVICE_HOST `{host}` and KUBERNETES_SERVICE_PORT `{port}`: {error}")
    })?;
    Ok(Endpoint {
        url,
        http: HttpConfig {
            // The file changes: it is read anew for each request.
            auth: Auth::Authorization {
                scheme: "Bearer".to_owned(),
                credentials: SecretSource::File(account.join("token")),
            },
            tls: TlsConfig {
                ca: Some(SecretSource::File(account.join("ca.crt"))),
                ..TlsConfig::default()
            },
            ..HttpConfig::default()
        },
        exec: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_pod_the_service_account_is_used() {
        let account = Path::new("/sa");
        let found = in_cluster("10.96.0.1", "443", account).unwrap();
        assert_eq!(found.url.as_str(), "https://10.96.0.1/");
        assert_eq!(
            found.http.files(),
            [Path::new("/sa/token"), Path::new("/sa/ca.crt")].map(Path::to_path_buf)
        );
        let found = in_cluster("fd00::1", "6443", account).unwrap();
        assert_eq!(found.url.as_str(), "https://[fd00::1]:6443/");
    }

    #[test]
    fn elsewhere_it_is_said_what_to_set() {
        let error = in_cluster("", "", Path::new("/sa")).unwrap_err();
        assert!(
            error.contains("set `kubeconfig_file` or `api_server`"),
            "{error}"
        );
    }
}
