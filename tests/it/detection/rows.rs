//! What real software showed of detection, each row with the cases that hold it: printed, so that a reader sees that
//! none is left out.

use super::cases::found;
use crate::programs::tell;

/// A check, and the names of its cases.
type Held = (&'static str, &'static [&'static str]);

/// What was wrong, and the cases that hold it.
const ROWS: &[(&str, &[Held])] = &[
    (
        "a runtime's version passed",
        &[("version", &["php's", "perl's", "rust's", "Node's"])],
    ),
    (
        "the version of a thing inside passed",
        &[(
            "version",
            &[
                "a schema's",
                "a configuration's",
                "a database's",
                "a policy's",
                "a protocol's of nobody",
                "an index",
            ],
        )],
    ),
    (
        "the version of a program beside the service passed",
        &[(
            "version",
            &[
                "another program's beside the service's",
                "a sidecar's",
                "a mesh's",
                "a proxy's",
            ],
        )],
    ),
    (
        "probes passed",
        &[
            (
                "availability",
                &[
                    "the health service of gRPC",
                    "health below a path",
                    "readiness below health",
                    "a word that begins as a probe does",
                    "probes of a load balancer",
                ],
            ),
            ("latency", &["health checks of gRPC"]),
        ],
    ),
    (
        "work inside passed as requests",
        &[(
            "availability",
            &[
                "loads of a cache",
                "rebuilds",
                "rebuilds of the service",
                "scheduled tasks",
            ],
        )],
    ),
    (
        "calls to others passed",
        &[
            (
                "availability",
                &[
                    "calls to a cloud",
                    "calls by a client's labels",
                    "authentication by another",
                    "a target",
                ],
            ),
            (
                "latency",
                &[
                    "calls to a cloud",
                    "a database driver",
                    "authentication by another",
                ],
            ),
        ],
    ),
    (
        "the state of a dependency passed",
        &[(
            "availability",
            &[
                "a dependency that is up",
                "the state of a database by a label",
            ],
        )],
    ),
    (
        "a status that is no outcome made requests",
        &[("latency", &["an ingestion", "a status that is no outcome"])],
    ),
    (
        "a node's, an engine's or a system's version failed",
        &[(
            "version",
            &[
                "a node of the product",
                "an engine of itself",
                "a key that names the namespace",
            ],
        )],
    ),
    (
        "a lone version at 0 failed",
        &[("version", &["a lone version at 0", "two versions at 0"])],
    ),
    (
        "other words for a build failed",
        &[(
            "version",
            &["a build information", "a revision by another word"],
        )],
    ),
    (
        "the main module of a Go program failed",
        &[(
            "version",
            &["Go's main module", "Go's main module without a version"],
        )],
    ),
    (
        "pairs of counters failed",
        &[(
            "availability",
            &[
                "successes and failures by last word",
                "failures by first word",
                "attempts and successes",
                "counts of requests and errors",
                "classes in the name",
                "consumed and failed",
            ],
        )],
    ),
    (
        "a total that is typed as a gauge failed",
        &[(
            "availability",
            &["a total typed as a gauge", "a gauge of requests in a state"],
        )],
    ),
    (
        "words of outcomes failed",
        &[(
            "availability",
            &["succeeded or not", "admitted or not", "success as a number"],
        )],
    ),
    (
        "a label that names the service made a state that of another",
        &[("availability", &["a label that names the service"])],
    ),
    (
        "the service's own prefix was taken for an inventory",
        &[("availability", &["a vendor before the service's name"])],
    ),
    (
        "informations that name the service failed",
        &[(
            "identity",
            &[
                "an application info",
                "a service info",
                "a build info that names it",
            ],
        )],
    ),
    (
        "names in other escaping failed",
        &[
            (
                "identity",
                &[
                    "a dotted key",
                    "a key escaped by values",
                    "a key escaped by dots",
                ],
            ),
            (
                "version",
                &["a dotted key", "an escaped key", "a dotted name"],
            ),
        ],
    ),
    (
        "the nearest was not named",
        &[
            ("version", &["the nearest is the service's own"]),
            (
                "availability",
                &["calls of the service's own before others"],
            ),
        ],
    ),
    (
        "the service's own name counted as a word of requests",
        &[
            (
                "availability",
                &[
                    "a lock of a service called after calls",
                    "the same under another name",
                    "calls to a forge",
                ],
            ),
            (
                "latency",
                &["a lock of a service called after calls", "calls to a forge"],
            ),
        ],
    ),
];

#[test]
fn what_real_software_showed_is_among_the_cases() {
    for (row, checks) in ROWS {
        for (kind, names) in *checks {
            for name in *names {
                let (expected, finding) = found(kind, name);
                let got = (finding.status.as_str(), finding.reason.as_str());
                assert_eq!((&*expected.0, &*expected.1), got, "{row}: {kind}: {name}");
                tell(format_args!("{row}: {kind}: {name}: {} {}", got.0, got.1));
            }
        }
    }
}
