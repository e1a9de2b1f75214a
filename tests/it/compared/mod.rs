//! Target sets beside those of the real Prometheus: discovered labels, final labels, URLs.

pub(crate) mod ours;
pub(crate) mod prometheus;
pub(crate) mod targets;
pub(crate) mod vmagent;
