//! Where ours does otherwise than Prometheus, and why: each is told in docs/decisions/prometheus-configuration.md.

/// The reason, by the name of a configuration of the corpus.
pub(super) fn decided(name: &str) -> Option<&'static str> {
    DECIDED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, reason)| *reason)
}

const DECIDED: &[(&str, &str)] = &[
    (
        "job http_headers {'': {values: [b]}}",
        "no request can carry a header without a name: Prometheus fails every scrape, we say so at once",
    ),
    (
        "job oauth2 {client_id: a, client_secret: b, token_url: x}",
        "no token can be had from what is no URL: Prometheus fails every scrape, we say so at once",
    ),
];
