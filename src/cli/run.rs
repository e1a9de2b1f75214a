//! `run`: the daemon, with its flags, its socket and its signals.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::console::{Exit, complain, runtime};
use super::logging::{self, LogFormat, LogLevel};
use crate::daemon::{self, ConfigSource, Loaded, Options, StartError};
use crate::document::duration;
use crate::publish::telemetry::VERSION;
use crate::publish::{Hosts, Reload, ServerLimits, Web};

/// Reloads waiting at once; a storm of signals is one reload.
const RELOADS_MAX: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration file; without it, the embedded example, which watches this exporter alone
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,

    /// Address to serve the page, the metrics and the API on
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8067"
    )]
    listen_address: String,

    /// Web configuration file with TLS, users, headers: read anew for each connection
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config_file: Option<PathBuf>,

    /// Serve basic authentication without TLS on an address that is not loopback: only where TLS
    /// ends in front of it
    #[arg(long = "web.allow-plaintext-auth")]
    allow_plaintext_auth: bool,

    /// URL under which the exporter is reached; requests for another public host name are refused
    #[arg(long = "web.external-url", value_name = "URL", value_parser = parse_external_url)]
    external_url: Option<url::Url>,

    /// One more host name under which the exporter may be asked for; can be repeated
    #[arg(long = "web.allowed-host", value_name = "NAME")]
    allowed_hosts: Vec<String>,

    /// Time between two looks at the configuration and the files that it names, which are read again once they changed; 0s
    /// for never
    #[arg(
        long = "config.auto-reload-interval",
        value_name = "DURATION",
        default_value = "5s",
        value_parser = parse_interval
    )]
    auto_reload_interval: Duration,

    /// Serve POST /-/reload
    #[arg(long = "web.enable-lifecycle")]
    enable_lifecycle: bool,

    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct LogArgs {
    /// Least severe level that is logged
    #[arg(long = "log.level", value_enum, default_value_t = LogLevel::Info, value_name = "LEVEL")]
    level: LogLevel,

    /// Format of log lines
    #[arg(long = "log.format", value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    format: LogFormat,
}

impl LogArgs {
    pub(super) fn init(self) {
        logging::init(self.level, self.format);
    }
}

pub(super) fn main(args: Args) -> Exit {
    args.log.init();
    let loaded = match daemon::load(args.config_file.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let address = match parse_address(&args.listen_address) {
        Ok(address) => address,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    let web = match web(&args, address) {
        Ok(web) => web,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    let options = Options {
        hosts: hosts(args.external_url.as_ref(), &args.allowed_hosts),
        external_url: args.external_url,
        source: args
            .config_file
            .map_or(ConfigSource::Embedded, ConfigSource::File),
        auto_reload: (!args.auto_reload_interval.is_zero()).then_some(args.auto_reload_interval),
        enable_lifecycle: args.enable_lifecycle,
        web,
        limits: ServerLimits::default(),
    };
    match runtime() {
        Ok(runtime) => {
            let exit = runtime.block_on(serve(options, loaded, address));
            // A name lookup that hangs in the system's resolver cannot be cancelled: leave it.
            runtime.shutdown_background();
            exit
        }
        Err(exit) => exit,
    }
}

/// The web configuration. Passwords do not cross a network in the clear unless told to.
fn web(args: &Args, address: SocketAddr) -> Result<Option<Arc<Web>>, String> {
    let Some(path) = &args.web_config_file else {
        return Ok(None);
    };
    let web = Web::load(path.clone()).map_err(|error| error.to_string())?;
    if web.has_users_without_tls() && !address.ip().is_loopback() && !args.allow_plaintext_auth {
        return Err(format!(
            "{}: passwords would cross the network in the clear: `basic_auth_users` without `tls_server_config` on {address}\n\
             hint: configure TLS, listen on loopback, or say --web.allow-plaintext-auth where TLS ends in front of this exporter",
            path.display()
        ));
    }
    Ok(Some(Arc::new(web)))
}

/// Never, or not more often than each second.
fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = duration::parse(text).map_err(|error| error.to_string())?;
    match !interval.is_zero() && interval < Duration::from_secs(1) {
        true => Err("it is shorter than 1s".to_owned()),
        false => Ok(interval),
    }
}

/// Without a host it would name nobody, and so allow everybody.
fn parse_external_url(text: &str) -> Result<url::Url, String> {
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(format!("scheme `{scheme}` is neither `http` nor `https`")),
    }
}

/// Without either flag nobody has said which names are ours: any will do.
fn hosts(external_url: Option<&url::Url>, allowed: &[String]) -> Option<Hosts> {
    let external = external_url
        .and_then(|url| url.host_str())
        .map(str::to_owned);
    let names: Vec<String> = external
        .into_iter()
        .chain(allowed.iter().cloned())
        .collect();
    (!names.is_empty()).then(|| Hosts::new(names))
}

/// `:8067` listens on every address, as elsewhere in this ecosystem.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    // A name stands for the first address that it resolves to.
    let resolved = full
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next());
    resolved.ok_or_else(|| {
        format!("--web.listen-address: {text:?} is no address: expected HOST:PORT, as in 0.0.0.0:8067, [::1]:8067 or localhost:8067")
    })
}

/// Binds, then runs the daemon until SIGINT or SIGTERM; SIGHUP reloads.
pub(super) async fn serve(options: Options, loaded: Loaded, address: SocketAddr) -> Exit {
    match bind(address).await {
        Ok(listener) => serve_on(options, loaded, listener).await,
        Err(exit) => exit,
    }
}

/// A listener on an address.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, Exit> {
    TcpListener::bind(address).await.map_err(|error| {
        complain(&format!(
            "cannot listen on {address}: {error}\nhint: choose another with --web.listen-address"
        ));
        Exit::Usage
    })
}

/// Runs the daemon on a listener until SIGINT or SIGTERM; SIGHUP reloads.
pub(super) async fn serve_on(options: Options, loaded: Loaded, listener: TcpListener) -> Exit {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, version = VERSION, "listening");
        if matches!(options.source, ConfigSource::Embedded) && address.port() != 8067 {
            tracing::warn!(%address, "the embedded configuration watches localhost:8067, which is not this exporter");
        }
    }
    let shutdown = CancellationToken::new();
    let reloads = mpsc::channel(RELOADS_MAX);
    let signals = match signals(reloads.0.clone(), shutdown.clone()) {
        Ok(signals) => tokio::spawn(signals),
        Err(error) => {
            complain(&format!("signals cannot be received: {error}"));
            return Exit::Usage;
        }
    };
    let ended = daemon::run(options, loaded, listener, reloads, shutdown).await;
    signals.abort();
    match ended {
        Ok(()) => {
            tracing::info!("stopped");
            Exit::Ok
        }
        Err(error) => {
            complain(&error.to_string());
            match error {
                // Not the user's doing: whoever watches the process is to start it anew.
                StartError::TaskEnded { .. } => Exit::Unmeasured,
                _ => Exit::Usage,
            }
        }
    }
}

/// SIGHUP asks for a reload; SIGINT and SIGTERM end everything.
fn signals(
    reloads: mpsc::Sender<Reload>,
    shutdown: CancellationToken,
) -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => break tracing::info!("SIGINT, stopping"),
                _ = terminate.recv() => break tracing::info!("SIGTERM, stopping"),
                _ = hangup.recv() => {
                    // The outcome is logged where it happens; a full queue holds a reload already.
                    let (answer, _) = oneshot::channel();
                    if reloads.try_send(Reload { answer }).is_err() {
                        tracing::debug!("a reload is waiting already");
                    }
                }
            }
        }
        shutdown.cancel();
    })
}
