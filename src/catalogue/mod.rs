//! What people wrote down: the service catalogue (in our own YAML or in Backstage's
//! `catalog-info.yaml`), and beside it attestations, waivers, objectives and SLOs. Discovery says what
//! runs, the catalogue what should, and whose it is.

mod attestations;
mod backstage;
mod entry;
mod files;
mod filter;
mod index;
mod initiatives;
mod objectives;
mod own;
mod records;
mod settings;
mod slos;
mod waivers;

pub use self::attestations::{About, Attestation, Attestations};
pub use self::entry::{Entry, Links, Openness};
pub use self::filter::{OneOrMore, ServiceFilter};
pub use self::index::Catalogue;
pub use self::initiatives::Initiative;
pub use self::objectives::{Better, Commitment, KeyResult, Measure, Objective};
pub use self::records::{Records, RuleNamed};
pub use self::settings::{RecordFiles, SeriesNames, ServiceOverride};
pub use self::slos::Slo;
pub use self::waivers::{Waived, Waiver, WaiverScope};
