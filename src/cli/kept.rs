//! Where a configuration keeps history, and how it cuts quarters: what commands that read history need.

use std::path::{Path, PathBuf};

use crate::calendar::FiscalCalendar;
use crate::config;

/// Where history is, and how quarters are cut.
pub(super) struct Kept {
    pub(super) file: PathBuf,
    pub(super) calendar: FiscalCalendar,
}

impl Kept {
    /// By a configuration file, or the embedded default.
    pub(super) fn find(config_file: Option<&Path>) -> Result<Self, String> {
        let config = match config_file {
            Some(path) => config::load(path),
            None => config::embedded(),
        };
        let config = config.map_err(|error| error.to_string())?;
        let file = config.history.file(|name| std::env::var_os(name));
        let file = file.map_err(|error| error.to_string())?;
        let Some(file) = file else {
            return Err(
                "this configuration keeps no history (`history: off`): there is nothing to read"
                    .to_owned(),
            );
        };
        Ok(Self {
            file,
            calendar: config.calendar,
        })
    }
}
