//! What is compared: how many targets, how large, how often.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::simulator::{address, service};

/// Instances of one service in one environment.
const INSTANCES: usize = 4;

/// The port that every simulated target serves: not 8067, which a daemon or a test may use.
pub(crate) const TARGET_PORT: u16 = 28_060;

/// One workload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) targets: usize,
    pub(crate) bytes: usize,
    pub(crate) interval: Duration,
    pub(crate) gzip: bool,
}

/// A name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Name {
    /// 2,000 targets of 60 kB every 10 s, plain, then gzipped.
    #[value(name = "60k")]
    K60,
    /// 5,000 targets of 5 kB every 5 s.
    #[value(name = "5k")]
    K5,
    /// 20 targets of 1 MB every 2 s.
    #[value(name = "1m")]
    M1,
    /// 10,000 targets of 5 kB every 15 s, ours alone: late scrapes and memory.
    #[value(name = "10k")]
    Targets10k,
    /// 2,000 targets of 5 kB every 5 s, ours alone: a tenth replaced every minute.
    Churn,
    /// 100 to 10,000 targets of 5 kB every 5 s, ours alone.
    Linear,
    /// 60k, 5k, 1m, 10k, linear, churn.
    All,
}

const K60: Scenario = Scenario {
    name: "60k-plain",
    targets: 2_000,
    bytes: 60_000,
    interval: Duration::from_secs(10),
    gzip: false,
};

const K5: Scenario = Scenario {
    name: "5k-plain",
    targets: 5_000,
    bytes: 5_000,
    interval: Duration::from_secs(5),
    gzip: false,
};

const M1: Scenario = Scenario {
    name: "1m-plain",
    targets: 20,
    bytes: 1_000_000,
    interval: Duration::from_secs(2),
    gzip: false,
};

impl Name {
    /// The workloads in which all programs are compared.
    pub(crate) fn compared(self) -> Vec<Scenario> {
        let gzipped = |plain: Scenario, name| Scenario {
            name,
            gzip: true,
            ..plain
        };
        match self {
            Name::K60 => vec![K60, gzipped(K60, "60k-gzip")],
            Name::K5 => vec![K5, gzipped(K5, "5k-gzip")],
            Name::M1 => vec![M1, gzipped(M1, "1m-gzip")],
            Name::Targets10k | Name::Churn | Name::Linear | Name::All => vec![],
        }
    }
}

/// 10,000 targets of 5 kB every 15 s.
pub(crate) const TARGETS_10K: Scenario = Scenario {
    name: "10k-targets",
    targets: 10_000,
    interval: Duration::from_secs(15),
    ..K5
};

/// What churns.
pub(crate) const CHURN: Scenario = Scenario {
    name: "churn",
    targets: 2_000,
    ..K5
};

/// Whether the cost grows with the targets and with nothing else.
pub(crate) fn linear() -> [Scenario; 4] {
    [100, 500, 2_000, 10_000].map(|targets| Scenario {
        name: "linear",
        targets,
        ..K5
    })
}

/// Writes the targets as files for `file_sd_configs` hold them, whole: those who watch must never
/// see half a file.
pub(crate) fn write_targets(
    path: &Path,
    targets: impl Iterator<Item = usize>,
) -> anyhow::Result<()> {
    let groups: Vec<_> = targets
        .map(|target| {
            json!({
                "targets": [format!("{}:{TARGET_PORT}", address(target))],
                "labels": {
                    "service": service(target),
                    "environment": format!("e{}", target / (5 * INSTANCES)),
                },
            })
        })
        .collect();
    let new = path.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(&groups)?)?;
    Ok(std::fs::rename(new, path)?)
}
