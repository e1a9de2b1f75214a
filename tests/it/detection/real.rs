//! Whole expositions of real software, judged by people before they were judged by us: how often we are right.

use std::fmt;

use manifesto_exporter::catalogue::SeriesNames;
use manifesto_exporter::checks::Reason;
use serde::Deserialize;

use super::{KINDS, PATH, Scrape, cases};

/// False fails that are accepted, of all that should pass.
const FALSE_FAILS_MAX: f64 = 0.01;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exposition {
    name: String,
    /// The software or library that exposes it, and where that was read.
    #[allow(dead_code, reason = "for readers")]
    seen: String,
    service: String,
    #[serde(default)]
    aliases: Vec<String>,
    version: Option<Truth>,
    availability: Option<Truth>,
    latency: Option<Truth>,
    identity: Option<Truth>,
    body: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Truth {
    Pass,
    /// A pass with a warning: latency by an average, or of work inside.
    Weak,
    Fail,
}

impl Exposition {
    fn truth(&self, kind: &str) -> Option<Truth> {
        match kind {
            "version" => self.version,
            "availability" => self.availability,
            "latency" => self.latency,
            "identity" => self.identity,
            other => panic!("no truth about {other}"),
        }
    }
}

/// How right and found compare over one corpus.
#[derive(Default, Clone, Copy)]
struct Tally {
    true_pass: u32,
    false_pass: u32,
    true_fail: u32,
    false_fail: u32,
}

impl Tally {
    fn add(&mut self, right: bool, found: bool) {
        let count = match (right, found) {
            (true, true) => &mut self.true_pass,
            (false, true) => &mut self.false_pass,
            (false, false) => &mut self.true_fail,
            (true, false) => &mut self.false_fail,
        };
        *count += 1;
    }
}

/// `precision 1.000 recall 0.980 (49 of 50 found, 0 of 30 wrongly)`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: u32, of: u32| f64::from(part) / f64::from(of.max(1));
        let should = self.true_pass + self.false_fail;
        write!(
            f,
            "precision {:.3}, recall {:.3}: {} of {should} found, {} of {} wrongly",
            share(self.true_pass, self.true_pass + self.false_pass),
            share(self.true_pass, should),
            self.true_pass,
            self.false_pass,
            self.false_pass + self.true_fail,
        )
    }
}

fn expositions(text: &str) -> Vec<Exposition> {
    serde_saphyr::from_str(text).unwrap()
}

/// Compares a corpus's truths about one check with what it says; what it gets wrong goes into `wrong`.
fn tally(corpus: &str, kind: &str, expositions: &[Exposition], wrong: &mut Vec<String>) -> Tally {
    let mut tally = Tally::default();
    for exposition in expositions {
        let Some(truth) = exposition.truth(kind) else {
            continue;
        };
        let scrape = Scrape::new(
            &exposition.service,
            &exposition.aliases,
            SeriesNames::default(),
            &exposition.body,
        );
        let finding = scrape.judge(kind, PATH);
        let found = finding.status.as_str() == "pass";
        let is_weak = finding.reason == Reason::ProvenWeakly;
        // A pass that lacks its warning is a false one; one with a warning too many asks for what is there.
        let (right, found) = match truth {
            Truth::Pass => (true, found && !is_weak),
            Truth::Weak => (is_weak || !found, found),
            Truth::Fail => (false, found),
        };
        tally.add(right, found);
        if right != found {
            let what = if found { "false pass" } else { "false fail" };
            wrong.push(format!(
                "{corpus}: {}: {what} of {kind}: {}",
                exposition.name, finding.message
            ));
        }
    }
    tally
}

#[test]
fn real_expositions_are_judged_as_people_judge_them() {
    let shown = expositions(include_str!("../../detection/real/shown.yaml"));
    let aside = expositions(include_str!("../../detection/real/aside.yaml"));
    let later = expositions(include_str!("../../detection/real/later.yaml"));
    let searched = expositions(include_str!("../../detection/real/searched.yaml"));
    let mut wrong = Vec::new();
    let (mut false_passes, mut false_fails, mut should_pass) = (0, 0, 0);
    let mut count = |corpus: &str, kind: &str, tally: Tally| {
        println!("counted: {corpus}, {kind}: {tally}");
        false_passes += tally.false_pass;
        false_fails += tally.false_fail;
        should_pass += tally.true_pass + tally.false_fail;
    };
    for (corpus, expositions) in [
        ("shown", &shown),
        ("put aside", &aside),
        ("later", &later),
        ("searched for", &searched),
    ] {
        println!("counted: {corpus}: {} expositions", expositions.len());
        for kind in KINDS {
            let tally = tally(corpus, kind, expositions, &mut wrong);
            count(corpus, kind, tally);
        }
    }
    for kind in KINDS {
        let mut tally = Tally::default();
        for (right, found) in cases::outcomes(kind) {
            tally.add(right, found);
        }
        count("single cases", kind, tally);
    }
    let share = f64::from(false_fails) / f64::from(should_pass);
    println!("counted: {false_passes} false passes, {false_fails} false fails of {should_pass}");
    for line in &wrong {
        println!("{line}");
    }
    assert!(
        false_passes == 0 && share <= FALSE_FAILS_MAX,
        "{}",
        wrong.join("\n")
    );
}
