//! Credential plugins: programs that grant credentials, as `aws eks get-token` does.
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use crate::document::secret::{Secret, SecretSource};
use crate::http_client::settings::{Auth, HttpConfig};

/// How long a plugin may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of what it says.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// Characters shown of what it complains.
const COMPLAINT_CHARS_MAX: usize = 300;
/// Credentials are renewed so long before they expire.
const EARLY: Duration = Duration::from_secs(30);

/// `exec` of a kubeconfig's user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExecPlugin {
    pub(super) command: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) api_version: String,
    /// What the plugin is told of the cluster, where it wants to know.
    pub(super) cluster: Option<ClusterInfo>,
    /// Said where the program is not there.
    pub(super) install_hint: String,
}

/// The cluster, as a plugin is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ClusterInfo {
    pub(super) server: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) tls_server_name: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) insecure_skip_tls_verify: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) certificate_authority_data: String,
}

/// What a plugin granted.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    token: Option<Secret>,
    certificate: Option<(Secret, Secret)>,
    expires: Option<SystemTime>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    api_version: &'a str,
    kind: &'static str,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Spec<'a> {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a ClusterInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    api_version: String,
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerStatus {
    token: Option<Secret>,
    client_certificate_data: Option<Secret>,
    client_key_data: Option<Secret>,
    expiration_timestamp: Option<jiff::Timestamp>,
}

impl ExecPlugin {
    /// Runs it.
    pub(super) async fn run(&self) -> Result<Granted, String> {
        let name = self.command.display();
        let request = Request {
            api_version: &self.api_version,
            kind: "ExecCredential",
            spec: Spec {
                interactive: false,
                cluster: self.cluster.as_ref(),
            },
        };
        let request = serde_json::to_string(&request).map_err(|error| error.to_string())?;
        let mut child = tokio::process::Command::new(&self.command)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("KUBERNETES_EXEC_INFO", request)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match self.install_hint.trim() {
                "" => format!("credential plugin `{name}`: {error}"),
                hint => format!("credential plugin `{name}`: {error}: {hint}"),
            })?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let both = async { tokio::try_join!(read(out), read(err)) };
        let ran = async {
            let output = both.await?;
            Ok::<_, std::io::Error>((output, child.wait().await?))
        };
        let ((said, complained), status) = match tokio::time::timeout(DEADLINE, ran).await {
            Ok(Ok(ran)) => ran,
            Ok(Err(error)) => return Err(format!("credential plugin `{name}`: {error}")),
            Err(_) => {
                return Err(format!(
                    "credential plugin `{name}` took longer than {DEADLINE:?}"
                ));
            }
        };
        if !status.success() {
            let complained = String::from_utf8_lossy(&complained);
            let complained: String = complained
                .trim()
                .chars()
                .take(COMPLAINT_CHARS_MAX)
                .collect();
            return Err(format!(
                "credential plugin `{name}` failed ({status}): {complained}"
            ));
        }
        self.granted(&said)
            .map_err(|error| format!("credential plugin `{name}`: {error}"))
    }

    /// What it said: the text may be a secret, and is not shown.
    fn granted(&self, said: &[u8]) -> Result<Granted, String> {
        let answer: Answer = serde_json::from_slice(said).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("its output is no ExecCredential (line {line}, column {column})")
        })?;
        if answer.api_version != self.api_version {
            let (wanted, said) = (&self.api_version, answer.api_version);
            return Err(format!("it was asked for `{wanted}` and said `{said}`"));
        }
        let status = answer.status.ok_or("it granted nothing (no `status`)")?;
        let filled = |secret: Option<Secret>| secret.filter(|secret| !secret.expose().is_empty());
        let token = filled(status.token);
        let certificate = match (
            filled(status.client_certificate_data),
            filled(status.client_key_data),
        ) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("it granted a certificate without a key, or the reverse".to_owned()),
        };
        if token.is_none() && certificate.is_none() {
            return Err("it granted neither a token nor a certificate".to_owned());
        }
        Ok(Granted {
            token,
            certificate,
            expires: status.expiration_timestamp.map(SystemTime::from),
        })
    }
}

impl Granted {
    /// Whether it may still be used.
    pub(super) fn is_valid(&self) -> bool {
        self.expires
            .is_none_or(|expires| SystemTime::now() + EARLY < expires)
    }

    /// Asks as who was granted.
    pub(super) fn apply(&self, http: &mut HttpConfig) {
        if let Some(token) = &self.token {
            http.auth = Auth::Authorization {
                scheme: "Bearer".to_owned(),
                credentials: SecretSource::Inline(token.clone()),
            };
        }
        if let Some((certificate, key)) = &self.certificate {
            http.tls.cert = Some(SecretSource::Inline(certificate.clone()));
            http.tls.key = Some(SecretSource::Inline(key.clone()));
        }
    }
}

/// All that comes, if it is not too much.
async fn read(from: Option<impl tokio::io::AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(OUTPUT_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)
            .await?;
    }
    match bytes.len() > OUTPUT_BYTES_MAX {
        true => Err(std::io::Error::other(format!(
            "it says more than {OUTPUT_BYTES_MAX} bytes"
        ))),
        false => Ok(bytes),
    }
}
