//! Kubeconfig files: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>. The keys that say nothing of
//! how to reach a server are passed over.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use url::Url;

use super::endpoint::Endpoint;
use super::exec::{ClusterInfo, ExecPlugin};
use crate::document::secret::{Secret, SecretSource};
use crate::document::value::nullable;
use crate::http_client::settings::{Auth, Header, HttpConfig, Proxy, TlsConfig};

/// Bytes of a file.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The versions of credential plugins that are spoken.
const EXEC_VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Kubeconfig {
    current_context: String,
    #[serde(deserialize_with = "nullable")]
    contexts: Vec<Named<Context>>,
    #[serde(deserialize_with = "nullable")]
    clusters: Vec<Named<Cluster>>,
    #[serde(deserialize_with = "nullable")]
    users: Vec<Named<User>>,
}

/// An entry of one of the lists: `name`, and the rest under the list's name.
#[derive(Deserialize)]
struct Named<T> {
    name: String,
    #[serde(alias = "context", alias = "cluster", alias = "user")]
    value: Option<T>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Cluster {
    server: String,
    tls_server_name: Option<String>,
    insecure_skip_tls_verify: bool,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<Secret>,
    proxy_url: Option<Secret>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct User {
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<Secret>,
    client_key: Option<PathBuf>,
    client_key_data: Option<Secret>,
    token: Option<Secret>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    username: Option<Secret>,
    password: Option<Secret>,
    r#as: Option<String>,
    as_uid: Option<String>,
    #[serde(deserialize_with = "nullable")]
    as_groups: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    as_user_extra: BTreeMap<String, Vec<String>>,
    auth_provider: Option<AuthProvider>,
    exec: Option<Exec>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AuthProvider {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Exec {
    command: String,
    #[serde(deserialize_with = "nullable")]
    args: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    env: Vec<Variable>,
    api_version: String,
    install_hint: String,
    provide_cluster_info: bool,
    interactive_mode: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Variable {
    name: String,
    value: String,
}

/// What the current context of a file says.
pub(super) fn read(path: &Path) -> Result<Endpoint, String> {
    let named = |error: String| format!("kubeconfig `{}`: {error}", path.display());
    let text = text(path).map_err(|error| named(error.to_string()))?;
    // Paths in it are relative to it.
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(named)
}

fn text(path: &Path) -> std::io::Result<String> {
    let file = std::fs::File::open(path)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > FILE_BYTES_MAX {
        true => Err(std::io::Error::other(format!(
            "it is larger than {FILE_BYTES_MAX} bytes"
        ))),
        false => Ok(text),
    }
}

fn parse(text: &str, folder: &Path) -> Result<Endpoint, String> {
    let options = serde_saphyr::options! { with_snippet: false };
    let file: Kubeconfig = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        // The first line says what and where; the text itself may hold secrets.
        let message = error.to_string();
        message.lines().next().unwrap_or_default().to_owned()
    })?;
    let current = match file.current_context.as_str() {
        "" => return Err("`current-context` is not set".to_owned()),
        name => name,
    };
    let context = find(file.contexts, "context", current)?;
    let cluster = find(file.clusters, "cluster", &context.cluster)?;
    // Without a user, one asks as nobody.
    let user = match context.user.as_str() {
        "" => User::default(),
        name => find(file.users, "user", name)?,
    };
    let url = Url::parse(&cluster.server)
        .map_err(|error| format!("`server` `{}`: {error}", cluster.server))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!(
            "`server` `{}` is no http or https URL",
            cluster.server
        ));
    }
    let pem = |name: &str, data: Option<Secret>, file: Option<PathBuf>| -> Result<_, String> {
        let data = data.filter(|data| !data.expose().is_empty());
        match (data, file.filter(|file| !file.as_os_str().is_empty())) {
            // As kubectl: the data win.
            (Some(data), _) => Ok(Some(SecretSource::Inline(decoded(name, &data)?))),
            (None, file) => Ok(file.map(|file| SecretSource::File(folder.join(file)))),
        }
    };
    let exec = match user.exec {
        Some(exec) => Some(plugin(exec, &cluster, folder)?),
        None => None,
    };
    let tls = TlsConfig {
        ca: pem(
            "certificate-authority-data",
            cluster.certificate_authority_data,
            cluster.certificate_authority,
        )?,
        cert: pem(
            "client-certificate-data",
            user.client_certificate_data,
            user.client_certificate,
        )?,
        key: pem("client-key-data", user.client_key_data, user.client_key)?,
        server_name: cluster.tls_server_name.filter(|name| !name.is_empty()),
        insecure_skip_verify: cluster.insecure_skip_tls_verify,
        ..TlsConfig::default()
    };
    if let Some(provider) = user.auth_provider {
        return Err(format!(
            "the auth provider `{}` is not supported, nor by kubectl since 1.26: use a credential plugin (`exec`)",
            provider.name
        ));
    }
    let bearer = |credentials| Auth::Authorization {
        scheme: "Bearer".to_owned(),
        credentials,
    };
    let filled = |secret: Option<Secret>| secret.filter(|secret| !secret.expose().is_empty());
    let auth = match (user.token_file, filled(user.token), filled(user.username)) {
        (Some(file), _, _) if !file.as_os_str().is_empty() => {
            bearer(SecretSource::File(folder.join(file)))
        }
        (_, Some(token), _) => bearer(SecretSource::Inline(token)),
        (_, None, Some(username)) => Auth::Basic {
            username: SecretSource::Inline(username),
            password: SecretSource::Inline(user.password.unwrap_or_else(|| Secret::new(""))),
        },
        (_, None, None) => Auth::None,
    };
    let headers = impersonation(user.r#as, user.as_uid, user.as_groups, user.as_user_extra);
    Ok(Endpoint {
        url,
        http: HttpConfig {
            auth,
            tls,
            proxy: proxy(cluster.proxy_url)?,
            headers,
            ..HttpConfig::default()
        },
        exec,
    })
}

fn find<T>(entries: Vec<Named<T>>, what: &str, name: &str) -> Result<T, String> {
    let found = entries.into_iter().find(|entry| entry.name == name);
    found
        .and_then(|entry| entry.value)
        .ok_or_else(|| format!("it has no {what} `{name}`"))
}

fn decoded(name: &str, data: &Secret) -> Result<Secret, String> {
    let bytes = BASE64_STANDARD
        .decode(data.expose().trim())
        .map_err(|_| format!("`{name}` is not base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("`{name}` is not PEM"))?;
    Ok(Secret::new(text))
}

fn proxy(url: Option<Secret>) -> Result<Proxy, String> {
    let Some(url) = url.filter(|url| !url.expose().is_empty()) else {
        return Ok(Proxy::None);
    };
    // It may hold a password: what is wrong is said without it.
    let url = Url::parse(url.expose()).map_err(|error| format!("`proxy-url`: {error}"))?;
    match url.scheme() {
        "http" | "https" => Ok(Proxy::Url {
            url,
            no_proxy: Vec::new(),
            connect_headers: Vec::new(),
        }),
        scheme => Err(format!(
            "`proxy-url`: a proxy by `{scheme}` is not supported: one of `http`, `https`"
        )),
    }
}

/// <https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/>
fn impersonation(
    user: Option<String>,
    uid: Option<String>,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
) -> Vec<Header> {
    let header = |name: String, values: Vec<String>| Header {
        name,
        values,
        secrets: Vec::new(),
        files: Vec::new(),
    };
    let one = |value: Option<String>| {
        value
            .filter(|value| !value.is_empty())
            .map(|value| vec![value])
    };
    let mut headers: Vec<Header> = Vec::new();
    headers.extend(one(user).map(|values| header("impersonate-user".to_owned(), values)));
    headers.extend(one(uid).map(|values| header("impersonate-uid".to_owned(), values)));
    if !groups.is_empty() {
        headers.push(header("impersonate-group".to_owned(), groups));
    }
    for (key, values) in extra {
        // A header's name carries the key in lower case, what it cannot carry escaped.
        let key = percent_encoding::utf8_percent_encode(
            &key.to_lowercase(),
            percent_encoding::NON_ALPHANUMERIC,
        )
        .to_string();
        headers.push(header(format!("impersonate-extra-{key}"), values));
    }
    headers
}

fn plugin(exec: Exec, cluster: &Cluster, folder: &Path) -> Result<ExecPlugin, String> {
    if exec.command.is_empty() {
        return Err("`exec` needs `command`".to_owned());
    }
    if !EXEC_VERSIONS.contains(&exec.api_version.as_str()) {
        return Err(format!(
            "`exec` has the version `{}`: one of `{}` is needed",
            exec.api_version,
            EXEC_VERSIONS.join("`, `")
        ));
    }
    if exec.interactive_mode == "Always" {
        return Err(
            "`exec` wants somebody at the keyboard (`interactiveMode: Always`): there is nobody"
                .to_owned(),
        );
    }
    // A name alone is looked for in PATH; a path is relative to the file.
    let command = match exec.command.contains('/') {
        true => folder.join(&exec.command),
        false => PathBuf::from(&exec.command),
    };
    let data = cluster.certificate_authority_data.as_ref();
    let variables = exec.env.into_iter();
    Ok(ExecPlugin {
        command,
        args: exec.args,
        env: variables
            .map(|variable| (variable.name, variable.value))
            .collect(),
        api_version: exec.api_version,
        cluster: exec.provide_cluster_info.then(|| ClusterInfo {
            server: cluster.server.clone(),
            tls_server_name: cluster.tls_server_name.clone().unwrap_or_default(),
            insecure_skip_tls_verify: cluster.insecure_skip_tls_verify,
            certificate_authority_data: data
                .map(|data| data.expose().to_owned())
                .unwrap_or_default(),
        }),
        install_hint: exec.install_hint,
    })
}
