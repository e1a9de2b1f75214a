//! What is written down of one service.

use jiff::civil::Date;
use url::Url;

use super::settings::SeriesNames;

/// What is written down of one service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// As discovery names it, or knows it by an alias.
    pub name: String,
    /// Other names that mean it.
    pub aliases: Vec<String>,
    /// The team that owns it, `""` where nobody says.
    pub team: String,
    /// How much hangs on it, in the company's own words (`critical`, `tier-2`); `""` where nobody says.
    pub tier: String,
    /// The people who answer for it.
    pub owners: Vec<String>,
    /// Where it should run; anywhere if empty.
    pub environments: Vec<String>,
    /// The availability promised to customers, 0 to 1.
    pub external_slo: Option<f64>,
    /// Documentation and where it is looked at.
    pub links: Links,
    /// Whether its source is open, or why not; `None` where nobody says.
    pub openness: Option<Openness>,
    /// When it began.
    pub created: Option<Date>,
    /// When it was first deployed to production.
    pub first_deployed: Option<Date>,
    /// The format of its log lines that was agreed, where they are not JSON; `""` where none was.
    pub log_format: String,
    /// Series that it names otherwise than the manifesto.
    pub series: SeriesNames,
    /// Where this is written, for messages.
    pub place: String,
}

/// Pages about a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Its documentation.
    pub docs: Option<Url>,
    /// Its architecture, drawn.
    pub diagram: Option<Url>,
    /// Its source.
    pub repository: Option<Url>,
}

/// Whether a service's source is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Openness {
    /// Anybody may read it.
    OpenSource,
    /// It is not, for this reason.
    Private(String),
}
