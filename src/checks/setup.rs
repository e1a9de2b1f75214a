//! What somebody has to configure so that a check can tell.

use std::fmt;

use crate::sources::SourceKind;

/// A piece of configuration without which some checks know nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setup {
    /// A source of this kind.
    Source(SourceKind),
    /// Files of attestations.
    Attestations,
    /// Files of the catalogue.
    Catalogue,
    /// Files of objectives.
    Objectives,
}

impl Setup {
    /// The key of the configuration.
    pub fn key(self) -> &'static str {
        match self {
            Setup::Source(_) => "sources",
            Setup::Attestations => "attestations",
            Setup::Catalogue => "catalogue",
            Setup::Objectives => "objectives",
        }
    }

    /// Which of several kinds the key needs one of, where there are kinds.
    pub fn kind(self) -> Option<&'static str> {
        match self {
            Setup::Source(kind) => Some(kind.as_str()),
            Setup::Attestations | Setup::Catalogue | Setup::Objectives => None,
        }
    }
}

/// For people: what to write down.
impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setup::Source(kind) => write!(f, "a source of kind `{kind}` (`sources`)"),
            Setup::Attestations => f.write_str("files of attestations (`attestations`)"),
            Setup::Catalogue => f.write_str("files of the catalogue (`catalogue`)"),
            Setup::Objectives => f.write_str("files of objectives (`objectives`)"),
        }
    }
}
