//! Configurations made from the grammar of Prometheus's documentation
//! (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/>): each key with values of its kind,
//! right, wrong and at the edges, one at a time.

/// A configuration with a name that says what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) config: String,
}

/// Values as they are written, each a scalar or a flow collection.
type Values = &'static [&'static str];

const DURATIONS: Values = &[
    "15s",
    "1m30s",
    "0s",
    "0",
    "1h30m",
    "1d",
    "90",
    "1.5s",
    "-1s",
    "''",
    "~",
    "1y2w3d4h5m6s7ms",
    "15S",
    "' 15s'",
    "true",
    "[15s]",
    "{}",
    "300y",
    "5ms",
    "1m1h",
];
const SIZES: Values = &[
    "10MB", "1.5MB", "100", "'100'", "1e5", "10MiB", "10mb", "0", "''", "~", "'10 MB'", "1KB",
    "-1MB", "1EB", "20EB", "10M", "1B", "[1MB]", "1.5", "0.5KB",
];
const COUNTS: Values = &[
    "5",
    "0",
    "-1",
    "'5'",
    "5.0",
    "1e3",
    "0x10",
    "0o17",
    "017",
    "1_000",
    "~",
    "''",
    "true",
    "18446744073709551615",
    "18446744073709551616",
    "1.5",
    "[5]",
    "+5",
    "0b11",
];
const BOOLEANS: Values = &[
    "true", "false", "yes", "no", "on", "off", "True", "TRUE", "y", "n", "'true'", "'yes'", "1",
    "0", "~", "''", "[true]", "tRUE", "Yes", "ON",
];
const PATHS: Values = &[
    "/m", "''", "~", "m", "/m?x=y", "5", "true", "/m#f", "[a]", "{}", "' '", "1.10", "0x1F",
];
const SCHEMES: Values = &[
    "http", "https", "HTTP", "HTTPS", "ftp", "''", "~", "5", "[http]",
];
const PARAMS: Values = &[
    "{}",
    "{a: [b]}",
    "{a: b}",
    "{a: ~}",
    "{a: []}",
    "{a: [1, true, ~]}",
    "~",
    "[]",
    "{'': [b]}",
    "{a: [[b]]}",
    "x",
    "{a: [b], a: [c]}",
    "{1: [b]}",
];
const BASIC_AUTH: Values = &[
    "{}",
    "~",
    "{username: a}",
    "{username: a, password: b}",
    "{password: b}",
    "{username: a, password: b, password_file: c}",
    "{username: a, username_file: b}",
    "{username_file: a, password_file: b}",
    "{username: a, pass: b}",
    "a",
    "[]",
    "{username: 5, password: 6}",
    "{username: ~, password: ~}",
    "{username: a, password_file: ''}",
    "{username_ref: a, password_ref: b}",
];
const AUTHORIZATION: Values = &[
    "{}",
    "~",
    "{type: Bearer}",
    "{credentials: x}",
    "{type: Basic, credentials: x}",
    "{type: basic, credentials: x}",
    "{type: '', credentials: x}",
    "{credentials: x, credentials_file: y}",
    "{type: Token, credentials: x}",
    "{credentials_file: ''}",
    "x",
    "{type: ' Bearer ', credentials: x}",
    "{credentials_ref: x}",
    "{token: x}",
];
const TLS: Values = &[
    "{}",
    "~",
    "{insecure_skip_verify: true}",
    "{insecure_skip_verify: yes}",
    "{insecure_skip_verify: x}",
    "{ca_file: ''}",
    "{ca: x, ca_file: y}",
    "{cert_file: a}",
    "{cert_file: a, key_file: b}",
    "{key_file: b}",
    "{cert: a, cert_file: b, key: c}",
    "{min_version: TLS10}",
    "{min_version: TLS11}",
    "{min_version: TLS12}",
    "{min_version: TLS13}",
    "{min_version: TLS14}",
    "{min_version: ''}",
    "{min_version: ~}",
    "{min_version: TLS13, max_version: TLS12}",
    "{max_version: TLS11}",
    "{server_name: ~}",
    "{server_name: 5}",
    "{ca_ref: a}",
    "{verify: false}",
    "{cert_ref: a, key_ref: b}",
    "[]",
];
const OAUTH2: Values = &[
    "{}",
    "~",
    "{client_id: a, client_secret: b, token_url: 'http://x'}",
    "{client_id: a, token_url: 'http://x'}",
    "{client_secret: b, token_url: 'http://x'}",
    "{client_id: a, client_secret: b}",
    "{client_id: a, client_secret: b, client_secret_file: c, token_url: 'http://x'}",
    "{client_id: a, client_secret_file: c, token_url: 'http://x'}",
    "{client_id: a, client_secret: b, token_url: 'http://x', scopes: [c], endpoint_params: {d: e}}",
    "{client_id: a, client_secret: b, token_url: 'http://x', scopes: c}",
    "{client_id: a, client_secret: b, token_url: 'http://x', grant_type: client_credentials}",
    "{client_id: a, client_secret: b, token_url: 'http://x', grant_type: password}",
    "{client_id: a, client_secret: b, token_url: 'http://x', tls_config: {min_version: TLS13}}",
    "{client_id: a, client_secret: b, token_url: 'http://x', proxy_url: 'http://p:1'}",
    "{client_id: a, client_secret: b, token_url: 'http://x', audience: d}",
    "{client_id: a, client_secret: b, token_url: ''}",
    "{client_id: a, client_secret: b, token_url: x}",
    "{client_id: a, client_secret_ref: b, token_url: 'http://x'}",
    "{client_id: a, client_certificate_key: b, token_url: 'http://x', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'}",
    "{client_id: a, client_certificate_key_file: b, token_url: 'http://x', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', signature_algorithm: RS256, iss: c, audience: d, claims: {e: f}}",
    "{client_id: a, client_secret: b, token_url: 'http://x', endpoint_params: {d: ~}}",
];
const PROXIES: Values = &[
    "http://p:1",
    "https://p:1",
    "socks5://p:1",
    "''",
    "~",
    "p:1",
    "ftp://p:1",
    "http://u:s@p:1",
    "5",
    "'http://['",
    "[a]",
];
const HEADERS: Values = &[
    "{X-A: {values: [b]}}",
    "{X-A: {secrets: [b]}}",
    "{X-A: {files: [b]}}",
    "{X-A: {}}",
    "{}",
    "~",
    "{X-A: b}",
    "{Authorization: {values: [b]}}",
    "{Host: {values: [b]}}",
    "{User-Agent: {values: [b]}}",
    "{X-A: {value: [b]}}",
    "{X-A: ~}",
    "{'': {values: [b]}}",
    "{Accept-Encoding: {values: [b]}}",
];
const STATICS: Values = &[
    "[]",
    "~",
    "[{}]",
    "[{targets: []}]",
    "[{targets: ~}]",
    "[{targets: ['a:1']}]",
    "[{targets: [a]}]",
    "[{targets: ['']}]",
    "[{targets: [5]}]",
    "[{targets: ['a:1', ~]}]",
    "[{targets: ['http://a:1']}]",
    "[{targets: ['a:1/m']}]",
    "[{targets: ['a:1'], labels: {b: c}}]",
    "[{targets: ['a:1'], labels: {b: ~}}]",
    "[{targets: ['a:1'], labels: ~}]",
    "[{targets: ['a:1'], labels: {b: 5}}]",
    "[{targets: ['a:1'], labels: {b: true}}]",
    "[{targets: ['a:1'], labels: {b: [c]}}]",
    "[{targets: ['a:1'], labels: {b-c: d}}]",
    "[{targets: ['a:1'], labels: {__meta_b: c}}]",
    "[{targets: ['a:1'], labels: {'': c}}]",
    "[{targets: ['a:1'], labels: {1b: c}}]",
    "[{targets: 'a:1'}]",
    "[{target: ['a:1']}]",
    "{targets: ['a:1']}",
    "[~]",
    "['a:1']",
    "[{targets: [':9090']}]",
    "[{targets: ['a:99999']}]",
    "[{targets: ['a:b']}]",
    "[{targets: ['[::1]:9090']}]",
    "[{targets: ['::1']}]",
    "[{targets: ['a:1'], labels: {b: 1.50}}]",
    "[{targets: ['a:1'], labels: {b: 2024-01-02}}]",
    "[{targets: ['a:1'], labels: {job: x, instance: y}}]",
    "[{targets: ['a b:1']}]",
    "[{targets: ['a:1', 'a:1']}]",
    "[{targets: ['a:1']}, {targets: ['a:1'], labels: {b: c}}]",
    "[{targets: ['a:1'], labels: {__address__: c}}]",
    "[{targets: ['a:1'], labels: {b: yes}}]",
    "[{targets: ['a:1'], labels: {b: 0x10}}]",
];
const FILE_SDS: Values = &[
    "[]",
    "~",
    "[{}]",
    "[{files: []}]",
    "[{files: ~}]",
    "[{files: [a.json]}]",
    "[{files: [a.yml, 'b/*.yaml']}]",
    "[{files: ['a/?/b.json']}]",
    "[{files: ['a/*/b.json']}]",
    "[{files: [a.txt]}]",
    "[{files: [A.JSON]}]",
    "[{files: ['*.json']}]",
    "[{files: ['a[bc].json']}]",
    "[{files: a.json}]",
    "[{files: [a.json], refresh_interval: 0s}]",
    "[{files: [a.json], refresh_interval: 1m}]",
    "[{files: [a.json], refresh: 1m}]",
    "[{files: ['']}]",
    "[{files: ['*/a.json']}]",
    "[{files: ['?.json']}]",
    "[{files: ['a*b*.json']}]",
    "[{files: [~]}]",
];
const HTTP_SDS: Values = &[
    "[]",
    "~",
    "[{}]",
    "[{url: 'http://x'}]",
    "[{url: ''}]",
    "[{url: ~}]",
    "[{url: x}]",
    "[{url: 'ftp://x'}]",
    "[{url: 'http://u:s@x'}]",
    "[{url: 'http://x', refresh_interval: 0s}]",
    "[{url: 'http://x', refresh_interval: 1m}]",
    "[{url: 'http://x', basic_auth: {username: a}}]",
    "[{url: 'http://x', tls_config: {insecure_skip_verify: true}}]",
    "[{url: 'http://x', urls: a}]",
    "[{url: 'http://'}]",
    "[{url: 'https://x/y?z=1'}]",
    "[{url: 'http://x', basic_auth: {username: a}, authorization: {credentials: b}}]",
    "[{url: 5}]",
];
const DNS_SDS: Values = &["[]", "~", "[{names: [a], type: A, port: 1}]", "[{}]", "x"];
const PROTOCOLS: Values = &[
    "PrometheusProto",
    "PrometheusText0.0.4",
    "PrometheusText1.0.0",
    "OpenMetricsText0.0.1",
    "OpenMetricsText1.0.0",
    "''",
    "~",
    "x",
    "prometheustext0.0.4",
    "[PrometheusText0.0.4]",
];
const EXPRESSIONS: Values = &[
    "(.*)",
    "''",
    "a|b",
    "(?i)a",
    "a{2,3}",
    "a{1001}",
    "a{1000}",
    "(a{100}){11}",
    "a**",
    "a*?",
    "a++",
    "(?x)a",
    "(?s)a",
    "(?m)^a$",
    "(?U)a+",
    "[[:alpha:]]",
    "[[:foo:]]",
    "[:alpha:]",
    "'\\p{L}'",
    "'\\P{Lu}'",
    "'\\pL'",
    "'\\p{Greek}'",
    "'\\p{Foo}'",
    "'\\x{1F600}'",
    "'a\\ b'",
    "'\\x41'",
    "'\\012'",
    "'\\7'",
    "'\\1'",
    "'\\d\\w\\s'",
    "'\\Qa.b\\E'",
    "'\\z'",
    "'\\Z'",
    "'\\A'",
    "'\\C'",
    "'\\G'",
    "'\\h'",
    "'\\e'",
    "'[\\p{L}\\p{N}]{1,200}'",
    "(?P<a>b)",
    "(?<a>b)",
    "(?P<a>b)(?P<a>c)",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(a",
    "a)",
    "'[a'",
    "'[b-a]'",
    "'a{,2}'",
    "'a{2'",
    "'{a}'",
    "'{{a}}'",
    "'[]a]'",
    "'[^]a]'",
    "'[a-\\d]'",
    "'\\'",
    "'[\\]'",
    "'?a'",
    "'*'",
    "'+'",
    "a{2}{3}",
    "'(?:a)'",
    "(?-i)a",
    "(?i-s:a)",
    "(?z)a",
    "'[[a]'",
    "'[a&&b]'",
    "'[a--b]'",
    "'\\<a\\>'",
    "5",
    "true",
    "~",
    "[a]",
    "1.5",
    "'\\a\\f\\t\\n\\r\\v'",
    "'\\cA'",
    "'\\u0041'",
    "'\\N{a}'",
    "'[\\b]'",
    "(?#a)b",
    "'a{0}'",
    "'a{0,0}'",
    "'a{3,2}'",
    "'(|a)*'",
    "'()'",
    "'x{2}{1001}'",
    "'\\_'",
    "'\\-'",
    "'\\@'",
    "'\\é'",
    "é+",
    "'[é-ü]'",
    "'\\x{110000}'",
    "'\\x{}'",
    "'\\xZZ'",
];

/// Rules of relabelling, whole.
const RELABEL: Values = &[
    "[]",
    "~",
    "[{}]",
    "[~]",
    "[{action: ~, target_label: b}]",
    "[{action: '', target_label: b}]",
    "[{action: Replace, target_label: b}]",
    "[{action: KEEP, source_labels: [a], regex: b}]",
    "[{action: foo, target_label: b}]",
    "[{target_label: b, replacement: ~}]",
    "[{source_labels: [a], target_label: b, separator: ~}]",
    "[{source_labels: ~, target_label: b}]",
    "[{source_labels: a, target_label: b}]",
    "[{source_labels: ['a-b'], target_label: b}]",
    "[{source_labels: [''], target_label: b}]",
    "[{source_labels: [a], target_label: 'b-c'}]",
    "[{source_labels: [a], target_label: ''}]",
    "[{source_labels: [a], target_label: ~}]",
    "[{source_labels: [a], target_label: '$1'}]",
    "[{source_labels: [a], target_label: '${1}_b'}]",
    "[{source_labels: [a], target_label: 'a b'}]",
    "[{action: hashmod, source_labels: [a], target_label: b}]",
    "[{action: hashmod, source_labels: [a], target_label: b, modulus: 0}]",
    "[{action: hashmod, source_labels: [a], target_label: b, modulus: 4}]",
    "[{action: hashmod, source_labels: [a], target_label: '$1', modulus: 4}]",
    "[{action: hashmod, source_labels: [a], target_label: b, modulus: -1}]",
    "[{action: hashmod, source_labels: [a], target_label: b, modulus: '4'}]",
    "[{action: hashmod, source_labels: [a], modulus: 4}]",
    "[{action: labelmap, regex: a(.+)}]",
    "[{action: labelmap, regex: a(.+), replacement: 'b_$1'}]",
    "[{action: labelmap, regex: a(.+), replacement: ''}]",
    "[{action: labelmap, regex: a(.+), replacement: 'b-$1'}]",
    "[{action: labeldrop, regex: a}]",
    "[{action: labeldrop, regex: a, source_labels: [b]}]",
    "[{action: labelkeep, regex: a, target_label: b}]",
    "[{action: labeldrop, regex: a, separator: ';'}]",
    "[{action: keepequal, source_labels: [a], target_label: b}]",
    "[{action: keepequal, source_labels: [a], target_label: b, regex: c}]",
    "[{action: dropequal, source_labels: [a]}]",
    "[{action: lowercase, source_labels: [a], target_label: b}]",
    "[{action: uppercase, source_labels: [a], target_label: b, replacement: c}]",
    "[{action: uppercase, source_labels: [a]}]",
    "[{action: lowercase, source_labels: [a], target_label: '$1'}]",
    "[{action: keep}]",
    "[{action: drop, regex: a}]",
    "[{action: keep, source_labels: [a], target_label: b}]",
    "[{target_label: b, regexp: a}]",
    "[{regex: a}]",
    "[{target_label: __tmp, replacement: 5}]",
    "[{target_label: b, replacement: '${1'}]",
    "[{target_label: b, replacement: '$$'}]",
    "[{source_labels: [__address__], target_label: __param_target}, {target_label: __address__, replacement: 'b:1'}]",
    "[{action: [keep]}]",
    "{action: keep}",
    "[{target_label: b, source_labels: [5, true]}]",
    "[{target_label: [b]}]",
];

/// A key of `scrape_configs` and what it may hold.
const JOB_KEYS: &[(&str, Values)] = &[
    ("scrape_interval", DURATIONS),
    ("scrape_timeout", DURATIONS),
    ("metrics_path", PATHS),
    ("scheme", SCHEMES),
    ("params", PARAMS),
    ("honor_labels", BOOLEANS),
    ("honor_timestamps", BOOLEANS),
    ("follow_redirects", BOOLEANS),
    ("enable_http2", BOOLEANS),
    ("enable_compression", BOOLEANS),
    ("body_size_limit", SIZES),
    ("sample_limit", COUNTS),
    ("label_limit", COUNTS),
    ("target_limit", COUNTS),
    ("label_value_length_limit", COUNTS),
    ("keep_dropped_targets", COUNTS),
    ("basic_auth", BASIC_AUTH),
    ("authorization", AUTHORIZATION),
    ("tls_config", TLS),
    ("oauth2", OAUTH2),
    ("proxy_url", PROXIES),
    ("http_headers", HEADERS),
    ("file_sd_configs", FILE_SDS),
    ("http_sd_configs", HTTP_SDS),
    ("dns_sd_configs", DNS_SDS),
    ("fallback_scrape_protocol", PROTOCOLS),
    ("relabel_configs", RELABEL),
    ("bearer_token", &["x", "''", "~", "5", "[x]"]),
    ("bearer_token_file", &["x", "''", "~", "5"]),
    (
        "proxy_from_environment",
        &["true", "false", "yes", "~", "x"],
    ),
    ("no_proxy", &["a", "''", "~"]),
    (
        "metric_relabel_configs",
        &["[]", "~", "[{target_label: b}]"],
    ),
    ("scrape_protocols", &["[PrometheusText0.0.4]", "~"]),
    ("target_groups", &["[{targets: ['a:1']}]"]),
    ("static_config", &["[{targets: ['a:1']}]"]),
];

/// Keys of `global`.
const GLOBAL_KEYS: &[(&str, Values)] = &[
    ("scrape_interval", DURATIONS),
    ("scrape_timeout", DURATIONS),
    ("evaluation_interval", &["15s", "~"]),
    ("external_labels", &["{a: b}", "{}", "~"]),
    ("body_size_limit", SIZES),
    ("sample_limit", COUNTS),
    ("intervals", &["15s"]),
];

fn name(parts: &[&str]) -> String {
    parts.join(" ")
}

/// Every configuration.
pub(super) fn all() -> Vec<Made> {
    let mut all = Vec::new();
    let statics = "    static_configs: [{targets: ['127.0.0.1:9100']}]\n";
    for (key, values) in JOB_KEYS {
        for value in *values {
            all.push(Made {
                name: name(&["job", key, value]),
                config: format!("scrape_configs:\n  - job_name: a\n    {key}: {value}\n{statics}"),
            });
        }
    }
    for value in STATICS {
        all.push(Made {
            name: name(&["job static_configs", value]),
            config: format!("scrape_configs:\n  - job_name: a\n    static_configs: {value}\n"),
        });
    }
    for (key, values) in GLOBAL_KEYS {
        for value in *values {
            all.push(Made {
                name: name(&["global", key, value]),
                config: format!(
                    "global:\n  {key}: {value}\nscrape_configs:\n  - job_name: a\n{statics}"
                ),
            });
        }
    }
    for expression in EXPRESSIONS {
        for (action, more) in [("keep", ""), ("labelmap", "")] {
            all.push(Made {
                name: name(&["regex", action, expression]),
                config: format!(
                    "scrape_configs:\n  - job_name: a\n    relabel_configs:\n      - action: {action}\n        regex: {expression}{more}\n{statics}"
                ),
            });
        }
    }
    // Two keys that exclude one another, or need one another.
    let logins = [
        "basic_auth: {username: a}",
        "authorization: {credentials: b}",
        "bearer_token: c",
        "bearer_token_file: d",
        "oauth2: {client_id: a, client_secret: b, token_url: 'http://x'}",
        "http_headers: {X-A: {values: [b]}}",
    ];
    for (at, one) in logins.iter().enumerate() {
        for other in &logins[at + 1..] {
            all.push(Made {
                name: name(&["job", one, other]),
                config: format!(
                    "scrape_configs:\n  - job_name: a\n    {one}\n    {other}\n{statics}"
                ),
            });
        }
    }
    for (interval, timeout) in [
        ("15s", "15s"),
        ("15s", "16s"),
        ("1m", "45s"),
        ("10s", "~"),
        ("5s", "0s"),
        ("0s", "5s"),
        ("~", "45s"),
        ("~", "61s"),
    ] {
        all.push(Made {
            name: name(&["job interval", interval, "timeout", timeout]),
            config: format!(
                "scrape_configs:\n  - job_name: a\n    scrape_interval: {interval}\n    scrape_timeout: {timeout}\n{statics}"
            ),
        });
        all.push(Made {
            name: name(&["global interval", interval, "timeout", timeout]),
            config: format!(
                "global:\n  scrape_interval: {interval}\n  scrape_timeout: {timeout}\nscrape_configs:\n  - job_name: a\n{statics}"
            ),
        });
    }
    for (proxy, more) in [
        ("proxy_url: 'http://p:1'", "no_proxy: a"),
        ("proxy_url: 'http://p:1'", "proxy_from_environment: true"),
        ("proxy_from_environment: true", "no_proxy: a"),
        ("proxy_url: 'http://p:1'", "proxy_connect_header: {A: [b]}"),
        ("proxy_url: ''", "proxy_connect_header: {A: [b]}"),
        ("proxy_from_environment: false", "no_proxy: a"),
        ("proxy_url: ''", "no_proxy: ''"),
    ] {
        all.push(Made {
            name: name(&["job", proxy, more]),
            config: format!("scrape_configs:\n  - job_name: a\n    {proxy}\n    {more}\n{statics}"),
        });
    }
    all
}
