//! The programs compared: how each is configured, started, measured and ended.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::scenario::Scenario;

/// Where each listens; nothing else of the machine should.
pub(crate) const OWN_PORT: u16 = 28_067;

/// Ticks of /proc/PID/stat a second: fixed in the kernel's interface on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A scraper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Program {
    Ours,
    Prometheus,
    VictoriaMetrics,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Ours => "manifesto-exporter",
            Program::Prometheus => "prometheus",
            Program::VictoriaMetrics => "victoria-metrics",
        }
    }

    fn path(self) -> String {
        match self {
            Program::Ours => env!("CARGO_BIN_EXE_manifesto-exporter").to_owned(),
            Program::Prometheus | Program::VictoriaMetrics => format!("/usr/bin/{}", self.name()),
        }
    }

    pub(crate) fn is_installed(self) -> bool {
        Path::new(&self.path()).exists()
    }

    /// The configuration: the same job for all; peers drop every sample, so that they discover,
    /// scrape and parse and store nothing.
    fn config(self, scenario: &Scenario, targets: &Path) -> String {
        let drop_all = match self {
            Program::Ours => "",
            Program::Prometheus | Program::VictoriaMetrics => {
                "    metric_relabel_configs:\n      - source_labels: [__name__]\n        regex: .*\n        action: drop\n"
            }
        };
        let interval = scenario.interval.as_secs();
        format!(
            "scrape_configs:\n  - job_name: estate\n    scrape_interval: {interval}s\n    scrape_timeout: {interval}s\n\
             {drop_all}    file_sd_configs:\n      - files: [{}]\n",
            targets.display()
        )
    }

    fn args(self, folder: &Path) -> Vec<String> {
        let config = folder.join("config.yaml").display().to_string();
        let data = folder.join("data").display().to_string();
        match self {
            Program::Ours => vec![
                format!("--config.file={config}"),
                format!("--web.listen-address=127.0.0.1:{OWN_PORT}"),
                "--log.level=warn".to_owned(),
            ],
            Program::Prometheus => vec![
                format!("--config.file={config}"),
                format!("--storage.tsdb.path={data}"),
                format!("--web.listen-address=127.0.0.1:{}", OWN_PORT + 1),
                "--log.level=error".to_owned(),
            ],
            Program::VictoriaMetrics => vec![
                format!("-promscrape.config={config}"),
                format!("-storageDataPath={data}"),
                format!("-httpListenAddr=127.0.0.1:{}", OWN_PORT + 2),
                "-retentionPeriod=1d".to_owned(),
                "-loggerLevel=ERROR".to_owned(),
            ],
        }
    }
}

/// A running program; ended when dropped, and by the kernel should the harness be killed.
pub(crate) struct Peer {
    child: Child,
    program: Program,
    _folder: tempfile::TempDir,
}

/// What a process has used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) rss_peak_kb: u64,
    pub(crate) rss_kb: u64,
    pub(crate) descriptors: usize,
}

impl Peer {
    pub(crate) fn start(
        program: Program,
        scenario: &Scenario,
        targets: &Path,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(
            folder.path().join("config.yaml"),
            program.config(scenario, targets),
        )?;
        // setpriv executes the program in its own place: the pid is the program's.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program.path())
            .args(program.args(folder.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{} does not start", program.name()))?;
        Ok(Self {
            child,
            program,
            _folder: folder,
        })
    }

    pub(crate) fn usage(&mut self) -> anyhow::Result<Usage> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended early: {status}", self.program.name());
        }
        let process = format!("/proc/{}", self.child.id());
        let stat = fs::read_to_string(format!("{process}/stat"))?;
        // Behind the name, which may hold anything: state is field 3, utime 14, stime 15.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| -> anyhow::Result<f64> {
            Ok(fields.get(at).context("a short stat file")?.parse()?)
        };
        let cpu = (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND;
        let status = fs::read_to_string(format!("{process}/status"))?;
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok())
                .with_context(|| format!("no {name} in the status file"))
        };
        Ok(Usage {
            cpu: Duration::from_secs_f64(cpu),
            rss_peak_kb: kilobytes("VmHWM:")?,
            rss_kb: kilobytes("VmRSS:")?,
            descriptors: fs::read_dir(format!("{process}/fd"))?.count(),
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Our own metrics, as text.
pub(crate) fn own_metrics() -> anyhow::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", OWN_PORT))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}
