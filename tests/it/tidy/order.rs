//! What is wrong with a set of imports.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Imports, Names};

/// Each set of files that import one another in a circle, with what ties it.
pub(super) fn cycles(imports: &Imports) -> Vec<String> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|file| (file.as_str(), reached(imports, file)))
        .collect();
    let mut cycles = BTreeSet::new();
    for (file, from_here) in &reached {
        let back = |other: &&&str| {
            reached
                .get(**other)
                .is_some_and(|there| there.contains(file))
        };
        let cycle: BTreeSet<&str> = from_here.iter().filter(back).copied().collect();
        if !cycle.is_empty() {
            cycles.insert(cycle);
        }
    }
    cycles.iter().map(|cycle| shown(imports, cycle)).collect()
}

/// The files that are imported by a file, and by those, and so on.
fn reached<'a>(imports: &'a Imports, file: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![file];
    while let Some(file) = waiting.pop() {
        for other in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(other.as_str()) {
                waiting.push(other);
            }
        }
    }
    found
}

fn shown(imports: &Imports, cycle: &BTreeSet<&str>) -> String {
    let mut text = format!("a cycle of {} files:", cycle.len());
    for file in cycle {
        let ties = imports[*file]
            .iter()
            .filter(|(other, _)| cycle.contains(other.as_str()));
        for (other, names) in ties {
            text += &format!("\n  {file} -> {other}: {}", list(names));
        }
    }
    text
}

/// Imports of what stands on a file's own floor or above it, and files that stand on none.
pub(super) fn against(imports: &Imports, floors: &[&[&str]]) -> Vec<String> {
    let floor = |file: &str| {
        let module = module(file);
        floors.iter().position(|floor| floor.contains(&module))
    };
    let mut wrong = Vec::new();
    for (file, of_file) in imports {
        let Some(own) = floor(file) else {
            wrong.push(format!("{file} stands on no floor"));
            continue;
        };
        for (other, names) in of_file
            .iter()
            .filter(|(other, _)| module(other) != module(file))
        {
            let names = list(names);
            match floor(other) {
                Some(floor) if floor < own => {}
                Some(floor) if floor == own => {
                    wrong.push(format!(
                        "{file} imports {names} of {other}, which stands beside it"
                    ));
                }
                Some(_) => {
                    wrong.push(format!(
                        "{file} imports {names} of {other}, which stands above it"
                    ));
                }
                None => wrong.push(format!(
                    "{file} imports {names} of {other}, which stands on no floor"
                )),
            }
        }
    }
    wrong
}

/// The module at the top that a file belongs to.
fn module(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.trim_end_matches(".rs")
}

fn list(names: &Names) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.join(", ")
}
