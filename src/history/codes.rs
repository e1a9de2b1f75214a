//! How values are stored.

use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use crate::snapshot::RuleStatus;

/// What is stored of a rule that is not judged for a service.
pub(super) const ABSENT: u8 = 0;

/// A status in the file. The numbers are part of the format.
pub(super) fn code(status: RuleStatus) -> u8 {
    match status {
        RuleStatus::Pass => 1,
        RuleStatus::Fail => 2,
        RuleStatus::Waived => 3,
        RuleStatus::Unknown => 4,
        RuleStatus::NotApplicable => 5,
    }
}

/// The status of a number; `None` where the rule is not judged, or the number means nothing.
pub(super) fn status(stored: u8) -> Option<RuleStatus> {
    RuleStatus::ALL
        .into_iter()
        .find(|status| code(*status) == stored)
}

/// A moment of the file.
pub(super) fn moment(milliseconds: i64) -> Timestamp {
    // What is out of range was never written: as an end, it is far away.
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}

/// What equal texts share: the start of their SHA-256.
pub(super) type Digest = [u8; 16];

pub(super) fn digest_of(text: &str) -> Digest {
    let mut short = Digest::default();
    short.copy_from_slice(&digest(&SHA256, text.as_bytes()).as_ref()[..16]);
    short
}
