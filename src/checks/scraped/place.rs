//! Where what is judged was scraped, and by whom.

use std::sync::Arc;

use crate::checks::verdict::{Basis, Finding, Reason};
use crate::discovery::settings::Proof;
use crate::discovery::target::{Target, TargetUrl};

/// Where, and by whom.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// Nowhere: it is a file.
    File,
    /// There, by us.
    Scraped(&'a TargetUrl),
    /// By another server, there where it says so.
    SecondHand {
        /// Who scraped.
        server: &'a url::Url,
        /// Where, which not every server says.
        url: Option<&'a TargetUrl>,
    },
}

impl<'a> Place<'a> {
    /// A target's.
    pub fn of(target: &'a Target) -> Self {
        match &target.job.proof {
            Proof::Scrape => Place::Scraped(&target.url),
            Proof::Prometheus { server, lists } => Place::SecondHand {
                server: &server.url,
                url: lists.then_some(&target.url),
            },
        }
    }

    /// The path, where it is known.
    pub(super) fn path(self) -> Option<&'a str> {
        match self {
            Place::File | Place::SecondHand { url: None, .. } => None,
            Place::Scraped(url) | Place::SecondHand { url: Some(url), .. } => Some(url.path()),
        }
    }

    /// O-7: whether that is on the port that is asked for.
    pub(super) fn judge_port(self, port: u16) -> Finding {
        let finding = match self {
            Place::File => Finding::not_applicable(Reason::NoPort, "a file has no port"),
            Place::Scraped(url) | Place::SecondHand { url: Some(url), .. } => on_port(url, port),
            Place::SecondHand { url: None, server } => Finding::unknown(
                Reason::NoData,
                format!(
                    "`{server}` lists no targets, so that the port which is scraped is not known"
                ),
            ),
        };
        self.resting(finding)
    }

    /// A finding with what it rests on.
    pub(super) fn resting(self, finding: Finding) -> Finding {
        match self {
            Place::File | Place::Scraped(_) => finding,
            Place::SecondHand { .. } => finding.on(Basis::Measured),
        }
    }

    /// A rule's finding with who scraped, where others did: what they keep is not all that a target said.
    pub(in crate::checks) fn noted(self, finding: Arc<Finding>) -> Arc<Finding> {
        match self {
            Place::File | Place::Scraped(_) => finding,
            Place::SecondHand { server, .. } => {
                let mut finding = Arc::unwrap_or_clone(finding);
                finding.message = format!(
                    "{} (as `{server}` scraped it: what it dropped or renamed is not seen)",
                    finding.message
                );
                Arc::new(finding)
            }
        }
    }
}

/// The port of a scrape that was measured, against the port asked for.
fn on_port(url: &TargetUrl, port: u16) -> Finding {
    match url.port == port {
        true => Finding::pass(
            format!("metrics are served on port {port}"),
            url.to_string(),
        ),
        false => Finding::fail(
            Reason::OtherPort,
            format!("metrics are served on port {}, not on {port}", url.port),
            vec![url.to_string()],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Status;

    #[test]
    fn the_port_of_the_target_decides() {
        let (ours, other) = (TargetUrl::http("shop", 8067), TargetUrl::http("shop", 9464));
        let server = url::Url::parse("http://prometheus:9090").unwrap();
        let second_hand = |url| Place::SecondHand {
            server: &server,
            url,
        };
        for (place, status, reason) in [
            (Place::Scraped(&ours), Status::Pass, Reason::Proven),
            (Place::Scraped(&other), Status::Fail, Reason::OtherPort),
            (Place::File, Status::NotApplicable, Reason::NoPort),
            (second_hand(Some(&ours)), Status::Pass, Reason::Proven),
            (second_hand(Some(&other)), Status::Fail, Reason::OtherPort),
            (second_hand(None), Status::Unknown, Reason::NoData),
        ] {
            let finding = place.noted(Arc::new(place.judge_port(8067)));
            assert_eq!((finding.status, finding.reason), (status, reason));
            let is_second_hand = matches!(place, Place::SecondHand { .. });
            assert_eq!(finding.basis == Basis::Measured, is_second_hand);
            assert_eq!(finding.message.contains("prometheus:9090"), is_second_hand);
        }
    }
}
