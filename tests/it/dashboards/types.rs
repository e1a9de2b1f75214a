//! What Grafana loads, held to Grafana's own types (`@grafana/schema`) by `tsc --strict`: as literals,
//! so that a key that does not exist is an error too.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{committed, lint, root};
use crate::programs::tell;

/// Panels by kind: Grafana's module of its options, and whether that types its `custom` settings.
const MODULES: &[(&str, &str, &str, bool)] = &[
    ("bargauge", "bargauge", "BarGaugePanelCfg", false),
    ("stat", "stat", "StatPanelCfg", false),
    (
        "state-timeline",
        "statetimeline",
        "StateTimelinePanelCfg",
        true,
    ),
    ("table", "table", "TablePanelCfg", false),
    ("timeseries", "timeseries", "TimeSeriesPanelCfg", true),
];

/// A dashboard and the options of its panels as constants with types.
fn literals(dashboard: &Value) -> String {
    let mut text = "import type { Plain, PlainDashboard } from './plain';\n".to_owned();
    for (_, folder, module, _) in MODULES {
        let path = format!(
            "@grafana/schema/dist/esm/raw/composable/{folder}/panelcfg/x/{module}_types.gen"
        );
        writeln!(text, "import type * as {module} from '{path}';").unwrap();
    }
    writeln!(
        text,
        "export const dashboard: PlainDashboard = {dashboard};"
    )
    .unwrap();
    for (place, panel) in lint::panels(dashboard).enumerate() {
        let kind = panel["type"].as_str().unwrap();
        let (_, _, module, has_custom) = MODULES.iter().find(|known| known.0 == kind).unwrap();
        let options = &panel["options"];
        writeln!(
            text,
            "export const options{place}: Plain<{module}.Options> = {options};"
        )
        .unwrap();
        if *has_custom {
            let custom = &panel["fieldConfig"]["defaults"]["custom"];
            writeln!(
                text,
                "export const custom{place}: Plain<{module}.FieldConfig> = {custom};"
            )
            .unwrap();
        }
    }
    text
}

/// What the compiler says of files beside the types; empty where all is well.
pub(crate) fn complaints(folder: &Path, files: &[(String, String)]) -> String {
    let types = root().join("tests/dashboards/types");
    let modules = types.join("node_modules");
    let compiler = modules.join("typescript/bin/tsc");
    assert!(
        compiler.exists(),
        "{} is missing: ./tests/run installs it",
        compiler.display()
    );
    for name in ["plain.ts", "tsconfig.json"] {
        std::fs::copy(types.join(name), folder.join(name)).unwrap();
    }
    std::os::unix::fs::symlink(modules, folder.join("node_modules")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(format!("{name}.ts")), text).unwrap();
    }
    let output = Command::new("node")
        .arg(compiler)
        .args(["-p", "."])
        .current_dir(folder)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.success(),
        told.is_empty(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    told
}

#[test]
fn dashboards_are_what_grafanas_types_say() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<(String, String)> = committed()
        .iter()
        .map(|(name, dashboard)| (name.clone(), literals(dashboard)))
        .collect();
    let told = complaints(folder.path(), &files);
    assert!(told.is_empty(), "{told}");
    tell(format_args!(
        "tsc --strict: {} dashboards have the types of @grafana/schema",
        files.len()
    ));
}

/// The check would notice: a unit that is a number, an option that does not exist.
#[test]
fn a_wrong_dashboard_is_not_what_grafanas_types_say() {
    let folder = tempfile::tempdir().unwrap();
    let (name, mut dashboard) = committed().remove(0);
    dashboard["panels"][1]["fieldConfig"]["defaults"]["unit"] = Value::from(1);
    dashboard["panels"][1]["options"]["colourMode"] = Value::from("value");
    let told = complaints(folder.path(), &[(name, literals(&dashboard))]);
    assert!(
        told.contains("'number' is not assignable to type 'string'") && told.contains("colourMode"),
        "{told}"
    );
}
