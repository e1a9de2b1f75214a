//! Tidiness that a reader relies on: which stage knows which, what is pure, what is documented.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each stage with the modules of ours that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("labels.rs", &[]),
    ("shared.rs", &[]),
    ("exposition", &[]),
    // Settings that are a later stage's type are parsed once, into that type.
    (
        "config",
        &[
            "checks",
            "discovery",
            "exposition",
            "labels",
            "manifesto",
            "sources",
        ],
    ),
    ("http_client.rs", &["config"]),
    (
        "discovery",
        &["config", "exposition", "http_client", "labels"],
    ),
    ("scrape", &["config", "discovery", "exposition", "labels"]),
    ("catalogue", &["config", "labels", "manifesto"]),
    ("sources", &["config", "http_client", "labels", "scrape"]),
    ("manifesto", &["checks", "config"]),
    (
        "checks",
        &[
            "catalogue",
            "config",
            "discovery",
            "exposition",
            "labels",
            "manifesto",
            "sources",
        ],
    ),
    ("measure", &["checks", "config", "exposition", "scrape"]),
    (
        "snapshot",
        &[
            "catalogue",
            "checks",
            "discovery",
            "manifesto",
            "scrape",
            "shared",
            "sources",
        ],
    ),
    (
        "publish",
        &[
            "catalogue",
            "checks",
            "config",
            "discovery",
            "exposition",
            "manifesto",
            "scrape",
            "snapshot",
            "sources",
        ],
    ),
];

/// Stages that do no I/O and read no clock.
const PURE: &[&str] = &[
    "labels.rs",
    "shared.rs",
    "exposition",
    "checks",
    "manifesto",
    "snapshot",
];

/// What would break that.
const IMPURE: &[&str] = &[
    "std::fs", "std::net", "std::io", "tokio", "::now()", "reqwest", "std::env",
];

/// A file longer than this holds more than one idea.
const LINES_MAX: usize = 450;

fn sources(under: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(under);
    let mut waiting = vec![root];
    let mut files = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
    assert!(!files.is_empty(), "src/{under} holds no code");
    files
}

/// The code of a file without its unit tests, which may use anything.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap()
}

#[test]
fn stages_import_only_what_is_upstream() {
    let mut wrong = Vec::new();
    for (stage, allowed) in MAY_IMPORT {
        let own = stage.trim_end_matches(".rs");
        for (path, text) in sources(stage) {
            if path.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            for line in code(&text).lines() {
                let line = line.split("//").next().unwrap();
                for used in line.split("crate::").skip(1) {
                    let module: String = used
                        .chars()
                        .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                        .collect();
                    if !module.is_empty() && module != own && !allowed.contains(&module.as_str()) {
                        wrong.push(format!("{}: imports `{module}`", path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_stages_do_no_io_and_read_no_clock() {
    let mut wrong = Vec::new();
    for stage in PURE {
        for (path, text) in sources(stage) {
            for (number, line) in code(&text).lines().enumerate() {
                let line = line.split("//").next().unwrap();
                for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                    wrong.push(format!("{}:{}: `{word}`", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_holds_more_than_one_idea() {
    let long: Vec<String> = sources("")
        .into_iter()
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            (lines > LINES_MAX).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Names of families, as string literals in the code that publishes them and as code in the readme.
fn metric_names(text: &str, quote: char) -> BTreeSet<String> {
    text.split(quote)
        .filter(|word| word.starts_with("manifesto_") && !word.starts_with("manifesto_exporter_"))
        .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_readme_names_every_republished_family() {
    let code = sources("publish")
        .into_iter()
        .flat_map(|(_, text)| metric_names(&text, '"'))
        .collect();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let documented = metric_names(&std::fs::read_to_string(readme).unwrap(), '`');
    let published: BTreeSet<String> = code;
    assert_eq!(published, documented);
}
