//! A real etcd, kube-apiserver and Prometheus.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData as _,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::world::resource;
use crate::compared::prometheus::program;
use crate::programs::{Program, free_address};

/// Who may do everything, and who may do nothing until it is granted.
pub(super) const ADMIN: &str = "admin-token";
pub(super) const NOBODY: &str = "nobody-token";

/// A running API server with its etcd.
pub(super) struct Api {
    folder: TempDir,
    pub(super) address: SocketAddr,
    etcd: SocketAddr,
    _etcd: Program,
    server: Option<Program>,
    client: reqwest::Client,
}

impl Api {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (etcd, peers, address) = (free_address(), free_address(), free_address());
        let etcd_program = Program::start(
            &program("ETCD"),
            &[
                "--data-dir=etcd",
                &format!("--listen-client-urls=http://{etcd}"),
                &format!("--advertise-client-urls=http://{etcd}"),
                &format!("--listen-peer-urls=http://{peers}"),
                "--log-level=error",
            ],
            folder.path(),
        );
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        let signing = KeyPair::generate().unwrap();
        let public = signing.subject_public_key_info();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &ca.pem());
        write("server.pem", &certificate.pem());
        write("server.key", &key.serialize_pem());
        write("accounts.key", &signing.serialize_pem());
        write("accounts.pub", &pem("PUBLIC KEY", &public));
        write(
            "tokens.csv",
            &format!("{ADMIN},admin,1,system:masters\n{NOBODY},nobody,2\n"),
        );
        let ca = reqwest::Certificate::from_pem(ca.pem().as_bytes()).unwrap();
        let mut api = Self {
            folder,
            address,
            etcd,
            _etcd: etcd_program,
            server: None,
            client: client(ca),
        };
        api.start_server().await;
        api
    }

    /// Starts the API server, and waits until it is ready.
    pub(super) async fn start_server(&mut self) {
        let (address, etcd) = (self.address, self.etcd);
        self.server = Some(Program::start(
            &program("KUBE_APISERVER"),
            &[
                &format!("--etcd-servers=http://{etcd}"),
                "--bind-address=127.0.0.1",
                &format!("--secure-port={}", address.port()),
                "--tls-cert-file=server.pem",
                "--tls-private-key-file=server.key",
                "--token-auth-file=tokens.csv",
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-signing-key-file=accounts.key",
                "--service-account-key-file=accounts.pub",
                "--service-cluster-ip-range=10.0.0.0/24,fd00:3::/112",
                "--disable-admission-plugins=ServiceAccount",
                "--endpoint-reconciler-type=none",
                "--allow-privileged=true",
            ],
            self.folder.path(),
        ));
        for _ in 0..600 {
            let ready = self.request(reqwest::Method::GET, "/readyz", None).await;
            if ready.is_ok_and(|(status, _)| status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let log = self.server.as_ref().unwrap().log();
        panic!("the API server is not ready: {log}");
    }

    /// Ends the API server; what it stored stays.
    pub(super) fn stop_server(&mut self) {
        let server = self.server.take().unwrap();
        // It would wait for its watches to end.
        server.signal("KILL");
        server.wait();
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(super) async fn request(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}{path}", self.url());
        let mut request = self.client.request(method, url).bearer_auth(ADMIN);
        if let Some((content_type, body)) = body {
            request = request
                .header("content-type", content_type)
                .body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Applies an object, and its status.
    pub(super) async fn apply(&self, object: &Value) {
        let mut parts = vec![(object_path(object), without(object, "status"))];
        if !object["status"].is_null() {
            parts.push((
                format!("{}/status", object_path(object)),
                without(object, "spec"),
            ));
        }
        for (path, part) in parts {
            let path = format!("{path}?fieldManager=tests&force=true");
            let body = Some(("application/apply-patch+yaml", &part));
            let (status, said) = self
                .request(reqwest::Method::PATCH, &path, body)
                .await
                .unwrap();
            assert!(status < 300, "{path}: {said}");
        }
    }

    /// Installs the resource definitions of prometheus-operator, and waits until they are served.
    pub(super) async fn know_monitors(&self) {
        let folder = PathBuf::from(program("OPERATOR_CRDS"));
        for resource in ["servicemonitors", "podmonitors"] {
            let file = folder.join(format!("monitoring.coreos.com_{resource}.yaml"));
            let text = std::fs::read_to_string(file).unwrap();
            self.apply(&serde_saphyr::from_str(&text).unwrap()).await;
            let path = format!("/apis/monitoring.coreos.com/v1/{resource}");
            let begun = Instant::now();
            loop {
                let asked = self.request(reqwest::Method::GET, &path, None).await;
                if asked.is_ok_and(|(status, _)| status == 200) {
                    break;
                }
                assert!(begun.elapsed() < Duration::from_secs(30), "{path}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// A token of a service account.
    pub(super) async fn token_of(&self, namespace: &str, account: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let wanted =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let body = Some(("application/json", &wanted));
        let (status, said) = self
            .request(reqwest::Method::POST, &path, body)
            .await
            .unwrap();
        assert_eq!(status, 201, "{said}");
        said["status"]["token"].as_str().unwrap().to_owned()
    }

    pub(super) async fn delete(&self, object: &Value) {
        let path = object_path(object);
        let now = json!({"gracePeriodSeconds": 0});
        let body = Some(("application/json", &now));
        let (status, said) = self
            .request(reqwest::Method::DELETE, &path, body)
            .await
            .unwrap();
        assert!(status < 300, "{path}: {said}");
    }

    /// Everything of some resources, without who wrote it.
    pub(super) async fn lists(&self, paths: &[&str]) -> BTreeMap<String, Vec<Value>> {
        let mut lists = BTreeMap::new();
        for path in paths {
            let (status, mut said) = self
                .request(reqwest::Method::GET, path, None)
                .await
                .unwrap();
            assert_eq!(status, 200, "{path}: {said}");
            let items = said["items"].as_array_mut().unwrap();
            for item in items.iter_mut() {
                let metadata = item["metadata"].as_object_mut().unwrap();
                metadata.remove("managedFields");
            }
            lists.insert((*path).to_owned(), std::mem::take(items));
        }
        lists
    }
}

fn client(ca: reqwest::Certificate) -> reqwest::Client {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn without(object: &Value, key: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(key);
    object
}

fn object_path(object: &Value) -> String {
    let (group, resource) = resource(object);
    let name = object["metadata"]["name"].as_str().unwrap();
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{group}/namespaces/{namespace}/{resource}/{name}"),
        None => format!("{group}/{resource}/{name}"),
    }
}
