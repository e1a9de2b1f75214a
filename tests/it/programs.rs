//! Real programs: started on loopback, waited for, ended by the handle that started them.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use manifesto_exporter::http_client::settings::TlsConfig;
use manifesto_exporter::http_client::tls::client_config;

/// How long a program may take to do what a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_manifesto-exporter");

/// A running program; dropped, it is killed.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `name` with its output in `folder`.
    pub(crate) fn start(name: &str, arguments: &[&str], folder: &Path) -> Self {
        let file_name = Path::new(name).file_name().unwrap().to_str().unwrap();
        let log = folder.join(format!("{file_name}.log"));
        let output = std::fs::File::create(&log).unwrap();
        let mut command = Command::new(name);
        // What this machine is to AWS concerns no test.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("AWS_") {
                command.env_remove(variable);
            }
        }
        let child = command
            .args(arguments)
            .current_dir(folder)
            .env_remove("RUST_BACKTRACE")
            // What it keeps between runs belongs to the test.
            .env_remove("STATE_DIRECTORY")
            .env("XDG_STATE_HOME", folder.join("state"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name}: {error}; tests/run installs what the tests need")
            });
        Self { child, log }
    }

    /// Everything that it printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has printed something.
    pub(crate) async fn until_log(&self, part: &str) {
        let start = Instant::now();
        while !self.log().contains(part) {
            assert!(start.elapsed() < PATIENCE, "no {part:?}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success(),
            "{kill}"
        );
    }

    /// Waits for it to end: its status and how long it took.
    pub(crate) fn wait(mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A line that a run of all tests shows: what was counted. The harness keeps what passing tests print
/// to itself, but for what goes to standard error directly.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    let line = format!("counted: {line}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// An address on loopback that was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A client that uses no proxy.
pub(crate) fn client() -> reqwest::Client {
    let tls = client_config(&TlsConfig::default()).unwrap();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

/// Status and body of a GET; the error as text where nobody answers.
pub(crate) async fn get(url: &str) -> Result<(u16, String), String> {
    get_as(url, "*/*").await
}

/// The same, with an Accept header.
pub(crate) async fn get_as(url: &str, accept: &str) -> Result<(u16, String), String> {
    let response = client().get(url).header("accept", accept).send().await;
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    response
        .text()
        .await
        .map(|text| (status, text))
        .map_err(|error| error.to_string())
}

/// Polls until `found` says so; the last answer where it never does.
pub(crate) async fn until(url: &str, found: impl Fn(&str) -> bool) -> String {
    let start = Instant::now();
    loop {
        let answer = get(url).await;
        match &answer {
            Ok((200, body)) if found(body) => return body.clone(),
            _ if start.elapsed() > PATIENCE => {
                let said: String = format!("{answer:?}").chars().take(3_000).collect();
                panic!("{url} never answered as expected: {said}")
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The daemon under test.
pub(crate) struct Daemon {
    pub(crate) program: Program,
    pub(crate) base: String,
}

impl Daemon {
    /// Starts it with a configuration, on a free address.
    pub(crate) fn start(configuration: &str, folder: &Path, more: &[&str]) -> Self {
        std::fs::write(folder.join("config.yaml"), configuration).unwrap();
        let address = free_address().to_string();
        let flags = [
            "--config.file=config.yaml",
            "--web.listen-address",
            &address,
        ];
        let arguments: Vec<&str> = flags.iter().chain(more).copied().collect();
        Self {
            program: Program::start(BINARY, &arguments, folder),
            base: format!("http://{address}"),
        }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Waits until `/metrics` holds a line.
    pub(crate) async fn until_metric(&self, line: &str) -> String {
        until(&self.url("/metrics"), |body| {
            body.lines().any(|have| have == line)
        })
        .await
    }
}
