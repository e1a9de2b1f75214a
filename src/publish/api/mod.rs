//! JSON answers: serialised types live here, at the edge. A file for each answer.

pub(super) mod parameters;
mod relabelled;
mod rules;
mod sd;
mod services;
mod targets;

pub(super) use self::relabelled::{Relabelled, RelabelledTarget, relabelled};
pub(super) use self::rules::rules;
pub(super) use self::sd::sd;
pub(super) use self::services::services;
pub(super) use self::targets::targets;
