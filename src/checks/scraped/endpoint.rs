//! O-7: metrics are served on the manifesto's port.

use crate::checks::verdict::{Finding, Reason};
use crate::discovery::target::TargetUrl;

/// The port of a scrape that was measured against the port asked for.
/// A file or standard input has no port.
pub fn judge(url: Option<&TargetUrl>, port: u16) -> Finding {
    match url {
        None => Finding::not_applicable(Reason::NoPort, "a file has no port"),
        Some(url) if url.port == port => Finding::pass(
            format!("metrics are served on port {port}"),
            url.to_string(),
        ),
        Some(url) => Finding::fail(
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
    use crate::discovery::settings::Scheme;

    #[test]
    fn the_port_of_the_target_decides() {
        let url = |port| TargetUrl {
            scheme: Scheme::Http,
            host: "shop".to_owned(),
            port,
            path_and_query: "/metrics".to_owned(),
        };
        for (url, status, reason) in [
            (Some(url(8067)), Status::Pass, Reason::Proven),
            (Some(url(9464)), Status::Fail, Reason::OtherPort),
            (None, Status::NotApplicable, Reason::NoPort),
        ] {
            let finding = judge(url.as_ref(), 8067);
            assert_eq!((finding.status, finding.reason), (status, reason));
        }
    }
}
