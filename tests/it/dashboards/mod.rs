//! `dashboards/`: built from `dashboards/source`, held to the conventions, and asked of real servers.

mod build;
mod estate;
mod forms;
mod links;
mod lint;
mod look;
mod picture;
mod queries;
mod source;
pub(crate) mod types;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every dashboard as Grafana loads it, by file name.
fn committed() -> Vec<(String, Value)> {
    let read = |(name, _): &(String, source::Source)| {
        let path = root().join(format!("dashboards/{name}.json"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (name.clone(), serde_json::from_str(&text).unwrap())
    };
    source::all().iter().map(read).collect()
}

/// What is generated is committed as it is: `UPDATE_EXPECTED=1` writes it.
#[test]
fn dashboards_are_built_from_their_sources() {
    let mut stale = Vec::new();
    for (path, text) in forms::files() {
        let path = root().join(path);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&*text) {
            stale.push(path.display().to_string());
        }
    }
    assert!(
        stale.is_empty(),
        "UPDATE_EXPECTED=1 cargo test --test it dashboards_are_built writes\n{}",
        stale.join("\n")
    );
}
