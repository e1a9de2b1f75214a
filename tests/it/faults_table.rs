//! `docs/faults.md` against the tests: what it names exists, and no test of a fault is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every file under a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The names of functions and of cases kept as files.
fn names() -> BTreeSet<String> {
    let mut found = Vec::new();
    for folder in ["src", "tests"] {
        files(Path::new(folder), &mut found);
    }
    let mut names = BTreeSet::new();
    for path in found {
        let first = path.file_name().unwrap().to_str().unwrap();
        let stem = first.split('.').next().unwrap();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let functions = text
                .lines()
                .filter_map(|line| line.trim().split("fn ").nth(1));
            names.extend(
                functions.filter_map(|rest| Some(rest.split_once(['(', '<'])?.0.to_owned())),
            );
        } else {
            names.insert(stem.to_owned());
        }
    }
    names
}

/// The numbers in a name: `fault_34_35_bad_answers` has two.
fn numbers(name: &str) -> Vec<u32> {
    let segments = name.strip_prefix("fault_").unwrap_or("").split('_');
    segments.map_while(|segment| segment.parse().ok()).collect()
}

/// The tests named in the table, by fault; none where it says that there is no test.
fn table() -> BTreeMap<u32, BTreeSet<String>> {
    let text = std::fs::read_to_string("docs/faults.md").unwrap();
    let mut table = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let Ok(number) = cells[0].trim().parse() else {
            continue;
        };
        let [_, _, proof] = cells[..] else {
            panic!("{line}");
        };
        let tests: BTreeSet<String> = match proof.starts_with("no test: ") {
            true => BTreeSet::new(),
            false => proof
                .split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect(),
        };
        assert!(
            proof.starts_with("no test: ") || !tests.is_empty(),
            "{line}"
        );
        assert!(
            table.insert(number, tests).is_none(),
            "fault {number} twice"
        );
    }
    table
}

#[test]
fn the_table_of_faults_names_tests_that_exist_and_leaves_none_out() {
    let (table, names) = (table(), names());
    let without: Vec<u32> = table
        .iter()
        .filter(|(_, tests)| tests.is_empty())
        .map(|(n, _)| *n)
        .collect();
    // More may be proven than this; no fewer.
    assert!(
        without.iter().all(|number| [43, 50].contains(number)),
        "{without:?}"
    );
    let mut wrong = Vec::new();
    for (number, tests) in &table {
        wrong.extend(
            tests
                .difference(&names)
                .map(|name| format!("fault {number}: no test `{name}`")),
        );
    }
    for name in &names {
        for number in numbers(name) {
            if !table.get(&number).is_some_and(|tests| tests.contains(name)) {
                wrong.push(format!("fault {number}: `{name}` is not in docs/faults.md"));
            }
        }
    }
    // 83 and 85 are no faults of this process; 45 to 47 wait for what they are about.
    let expected = (1..=44).chain(48..=82).chain([84]).chain(86..=103);
    wrong.extend(
        expected
            .filter(|number| !table.contains_key(number))
            .map(|number| format!("fault {number} is missing")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
