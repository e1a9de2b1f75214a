//! `run`: the daemon, with its flags, its socket and its signals.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::logging::{self, LogFormat, LogLevel};
use super::{Exit, complain, runtime};
use crate::daemon::{self, Loaded, Options};
use crate::publish::Reload;
use crate::publish::telemetry::VERSION;

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
    let options = Options {
        config_file: args.config_file,
        enable_lifecycle: args.enable_lifecycle,
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

/// `:8067` listens on every address, as elsewhere in this ecosystem.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    full.parse().map_err(|_| {
        format!("--web.listen-address: {text:?} is no address: expected HOST:PORT with an IP address, as in 0.0.0.0:8067 or [::1]:8067")
    })
}

/// Binds, then runs the daemon until SIGINT or SIGTERM; SIGHUP reloads.
pub(super) async fn serve(options: Options, loaded: Loaded, address: SocketAddr) -> Exit {
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            complain(&format!(
                "cannot listen on {address}: {error}\nhint: choose another with --web.listen-address"
            ));
            return Exit::Usage;
        }
    };
    tracing::info!(%address, version = VERSION, "listening");
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
            Exit::Usage
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
