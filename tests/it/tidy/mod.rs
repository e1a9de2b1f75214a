//! Tidiness that a reader relies on: which stage knows which, what is pure, what is documented.

mod imports;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::imports::imports;
use self::order::{against, cycles};
use crate::programs;

/// The floors of the house, from the ground up: a module may import what stands on a lower floor.
/// Those on one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["document", "interner", "rule_id"],
    &["calendar", "exposition", "http_client", "labels"],
    &["aws", "kubernetes", "prometheus_api"],
    &["catalogue", "discovery"],
    &["scrape", "sources"],
    &["checks"],
    &["ingest", "manifesto"],
    &["snapshot"],
    &["history", "okr"],
    &["report"],
    &["config", "publish"],
    &["daemon"],
    &["cli"],
    &["lib", "main"],
];

/// Stages that do no I/O and read no clock.
const PURE: &[&str] = &[
    "interner.rs",
    "labels.rs",
    "rule_id.rs",
    "calendar",
    "exposition",
    "checks",
    "manifesto",
    "snapshot",
    "okr",
    "report",
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

/// The same by their paths within `src`.
fn source_files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources("").into_iter().map(|(path, text)| {
        let path = path.strip_prefix(&root).unwrap();
        (path.to_str().unwrap().to_owned(), text)
    });
    files.collect()
}

/// The code of a file without its unit tests, which may use anything.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap()
}

#[test]
fn dependencies_run_one_way() {
    let files = source_files();
    let imports = imports(&files);
    let found: usize = imports.values().map(BTreeMap::len).sum();
    assert!(found > 500, "only {found} imports were found");
    let (cycles, against) = (cycles(&imports), against(&imports, FLOORS));
    programs::tell(format_args!(
        "{} files, {found} imports, {} cycles, {} imports against the order",
        files.len(),
        cycles.len(),
        against.len()
    ));
    let wrong = [cycles, against].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What stands beside the checks in their folders.
const NO_CHECKS: &[&str] = &["mod", "constants", "facts", "series"];

/// Each check has its cases: in a data file or a module of tests named after it, or beside it.
#[test]
fn every_check_has_its_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["checks/scraped", "checks/evidence"].map(sources).concat();
    let without: Vec<String> = files
        .into_iter()
        .filter(|(path, text)| {
            // A check of several files has a folder.
            let folder = path.parent().unwrap().file_name().unwrap();
            let of_folder = !matches!(folder.to_str(), Some("scraped" | "evidence"));
            let named = if of_folder {
                folder
            } else {
                path.file_stem().unwrap()
            };
            let check = named.to_str().unwrap();
            let of_check = [
                format!("tests/detection/{check}.yaml"),
                format!("tests/evidence/{check}.yaml"),
                format!("tests/it/evidence/{check}.rs"),
            ];
            !NO_CHECKS.contains(&check)
                && !text.contains("#[cfg(test)]")
                && !of_check.iter().any(|path| root.join(path).exists())
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(without.is_empty(), "checks without cases: {without:?}");
}

/// What `dependencies_run_one_way` would say of a crate with faults of each kind.
#[test]
fn a_cycle_and_an_import_against_the_order_are_found() {
    let files = [
        ("lib.rs", "pub mod checks; pub mod config;"),
        // A child that goes through its parent, which uses the child.
        (
            "checks/mod.rs",
            "mod slo; pub use slo::Slo; pub(in crate::cli) fn worst() {}",
        ),
        (
            "checks/slo.rs",
            "pub struct Slo; fn judge() { super::worst() }",
        ),
        // Up, by a group, a path in a macro, a path in code; comments and tests do not count.
        (
            "document/yaml.rs",
            "use crate::{config::{self, Config}, checks::slo::Slo}; // crate::cli
            fn read() { format!(\"{}\", crate::config::load()); }
            #[cfg(test)] mod tests { use crate::cli::Args; }",
        ),
        ("document/mod.rs", "pub mod yaml;"),
        (
            "config/mod.rs",
            "use crate::document::yaml; pub fn load() { yaml::read() }",
        ),
        (
            "cli.rs",
            "use std::fmt; mod args { fn x() { super::super::labels() } }",
        ),
        // A range's end, a module by another name, a field that only tests have.
        (
            "interner.rs",
            "fn x() { 0..crate::checks::COUNT; outer::page::draw() }
            use crate::publish::{self as outer}; struct X { #[cfg(test)] x: u8, y: crate::cli::Y }",
        ),
        ("publish/mod.rs", "pub mod page;"),
        ("publish/page.rs", ""),
        ("strange.rs", ""),
    ];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
    let imports = imports(&files.into());
    assert_eq!(
        cycles(&imports),
        [
            "a cycle of 2 files:\n  checks/mod.rs -> checks/slo.rs: Slo\n  checks/slo.rs -> checks/mod.rs: worst",
            "a cycle of 2 files:\n  config/mod.rs -> document/yaml.rs: read, self\n  document/yaml.rs -> config/mod.rs: Config, load, self",
        ]
    );
    assert_eq!(
        against(&imports, FLOORS),
        [
            "cli.rs imports labels of lib.rs, which stands above it",
            "document/yaml.rs imports Slo of checks/slo.rs, which stands above it",
            "document/yaml.rs imports Config, load, self of config/mod.rs, which stands above it",
            "interner.rs imports COUNT of checks/mod.rs, which stands above it",
            "interner.rs imports Y of cli.rs, which stands above it",
            "interner.rs imports self of publish/mod.rs, which stands above it",
            "interner.rs imports draw of publish/page.rs, which stands above it",
            "strange.rs stands on no floor",
        ]
    );
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

/// The pictures of the code in the documents are those of the code.
#[test]
fn the_documents_show_the_code_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let architecture = read("ARCHITECTURE.md");
    let floors = architecture.split("```").nth(3).unwrap();
    let shown: Vec<Vec<&str>> = floors
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .rev()
        .collect();
    assert_eq!(shown, FLOORS[..FLOORS.len() - 1]);
    for (document, text) in [
        ("ARCHITECTURE.md", &architecture),
        ("CONTRIBUTING.md", &read("CONTRIBUTING.md")),
    ] {
        let quoted = text.split('`').skip(1).step_by(2);
        let paths: Vec<&str> = quoted
            .filter(|word| {
                ["src/", "tests/", "docs/", "fuzz/", "alerts/"]
                    .iter()
                    .any(|at| word.starts_with(at))
            })
            .filter(|word| {
                !word.contains(['*', '{', ' '])
                    && !word.contains("NAME")
                    && !word.contains("CATEGORY")
            })
            .collect();
        assert!(paths.len() > 5, "{document}: {paths:?}");
        let gone: Vec<&&str> = paths
            .iter()
            .filter(|path| !root.join(path).exists())
            .collect();
        assert!(gone.is_empty(), "{document} names {gone:?}");
    }
}
