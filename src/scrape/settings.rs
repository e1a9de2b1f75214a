//! What the operator decides about scraping as a whole, and how much may run at once.

use crate::http_client::DialPolicy;

/// Settings of the scraping stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeSettings {
    /// Which addresses may be dialled.
    pub dial: DialPolicy,
    /// Whether credentials may travel over plain HTTP to another machine.
    pub allow_plaintext_credentials: bool,
    /// How much may run at once.
    pub capacity: Capacity,
}

impl Default for ScrapeSettings {
    fn default() -> Self {
        Self {
            dial: DialPolicy::default(),
            allow_plaintext_credentials: false,
            capacity: Capacity::of_this_process(),
        }
    }
}

/// Bounds on what is open at once.
///
/// A target that hangs holds its place in flight for its whole timeout. Places must therefore
/// outnumber plausible hangs, and hangs must not take the places of the healthy: targets whose
/// last scrape timed out share `suspects_max` places only. So when many targets begin to hang at
/// once, the healthy ones wait at most one timeout, once; from then on the hanging ones wait for
/// each other. A suspect that answers is no longer one. Targets that another server is asked about wait for
/// that server together, and are suspects for as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Scrapes in flight.
    pub in_flight_max: usize,
    /// Of these, scrapes of targets whose last scrape timed out.
    pub suspects_max: usize,
    /// Connections open, past which none is kept for its next scrape.
    pub kept_max: usize,
}

/// Scrapes in flight, where file descriptors allow. At 50 ms a scrape, 20,000 scrapes a second.
const IN_FLIGHT_MAX: usize = 1_000;

/// File descriptors left to everything else: listeners, their clients, sources, files.
const RESERVED_FDS: usize = 256;

impl Capacity {
    /// What the limit on open files leaves room for.
    pub fn of_this_process() -> Self {
        Self::for_open_files(open_files_max().unwrap_or(1024))
    }

    /// What a limit of `fds` open files leaves room for.
    pub fn for_open_files(fds: usize) -> Self {
        // A small limit is shared half and half: something must be left to scrape with.
        let ours = fds.saturating_sub(RESERVED_FDS).max(fds / 2).max(2);
        let in_flight_max = (ours / 2).min(IN_FLIGHT_MAX);
        Self {
            in_flight_max,
            suspects_max: in_flight_max.div_ceil(2),
            kept_max: ours - in_flight_max,
        }
    }
}

/// The soft limit on open files, as Linux tells it; `None` elsewhere.
fn open_files_max() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|l| l.starts_with("Max open files"))?;
    match line.split_whitespace().nth(3)? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_bound_capacity() {
        for (fds, in_flight, suspects, kept) in [
            (1024, 384, 192, 384),
            (65_536, 1_000, 500, 64_280),
            (100, 25, 13, 25),
            (0, 1, 1, 1),
        ] {
            let expected = Capacity {
                in_flight_max: in_flight,
                suspects_max: suspects,
                kept_max: kept,
            };
            assert_eq!(Capacity::for_open_files(fds), expected, "{fds} files");
        }
    }
}
