//! The writer that is killed: this binary, run once more as another process. What it does is the same each
//! time, to the last byte, and after each step it says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use manifesto_exporter::history::{HistoryError, Unclean};

use super::restarts::{slow, start};
use crate::simulation::{End, World, body, ruleset};

/// Names the folder that the writer writes to. Without it the writer does nothing.
pub(super) const FOLDER: &str = "MANIFESTO_TESTS_HISTORY_WRITER";

/// The file of history in a folder.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("history.sqlite")
}

/// Tries of one step; only one of them is made to fail, or some far apart.
const TRIES_MAX: usize = 5;

/// A waiver, and rules that let it be.
fn write_waivers(folder: &Path) {
    let waiver = "waivers:\n- rule: O-8\n  service: shop\n  reason: no builds yet\n  \
         discussion: https://chat.example.org/1\n  owner: ann\n  approver: bob\n  \
         granted_at: 2026-01-05\n  expires_at: 2026-02-01\n";
    std::fs::write(folder.join("waivers.yaml"), waiver).unwrap();
}

/// One process's life with history: made, written, stopped, opened again, left as by a crash, opened again.
struct Life<'a> {
    world: World,
    steps: usize,
    say: &'a mut dyn FnMut(&str),
}

impl<'a> Life<'a> {
    fn begin(folder: &Path, say: &'a mut dyn FnMut(&str)) -> Self {
        let rules = ruleset("scrape_configs: []", folder);
        let mut world = World::new(rules, start(), &file(folder), slow());
        world.put("shop-1", "shop", "growth", body("shop", &[]));
        Self {
            world,
            steps: 0,
            say,
        }
    }

    /// Says that a step is done: what it wrote is on disk.
    fn acknowledge(&mut self) {
        self.steps += 1;
        (self.say)(&format!("ack {}", self.steps));
    }

    fn complain(&mut self, error: &HistoryError) {
        (self.say)(&format!("failed {}", error.failure().as_str()));
    }

    /// Tries until it succeeds, as the daemon does.
    fn persist<T>(&mut self, attempt: impl Fn(&mut World) -> Result<T, HistoryError>) {
        for _ in 0..TRIES_MAX {
            match attempt(&mut self.world) {
                Ok(_) => return self.acknowledge(),
                Err(error) => self.complain(&error),
            }
        }
        panic!("it does not succeed");
    }

    fn start(&mut self) {
        self.persist(World::try_start);
    }

    fn look(&mut self) {
        self.world.observe();
        self.persist(|world| world.try_record(Unclean::Disk));
        self.world.pass(SignedDuration::from_hours(1));
    }

    fn stop(&mut self) {
        // It stops, whether or not that could be written.
        if let Err(error) = self.world.try_stop() {
            self.complain(&error);
        }
        self.acknowledge();
    }
}

/// Opens what is there, and stops.
fn open_and_stop(folder: &Path, say: &mut dyn FnMut(&str)) {
    let mut life = Life::begin(folder, say);
    life.start();
    life.stop();
}

fn live(folder: &Path, say: &mut dyn FnMut(&str)) {
    let mut life = Life::begin(folder, say);
    life.start();
    life.look();
    life.world
        .put("shop-1", "shop", "growth", body("shop", &["version"]));
    life.look();
    life.look();
    write_waivers(folder);
    let rules = "waivers: [waivers.yaml]\nscrape_configs: []";
    life.world.reload(ruleset(rules, folder));
    life.look();
    life.stop();
    life.world
        .put("till-1", "till", "growth", body("till", &["latency"]));
    life.start();
    life.look();
    life.world.remove("till-1");
    life.look();
    life.world.end(End::Kill);
    life.start();
    life.look();
    life.stop();
}

/// What the writer does in a folder: an older file that is there is brought up to date.
pub(super) fn write(folder: &Path, say: &mut dyn FnMut(&str)) {
    match file(folder).exists() {
        true => open_and_stop(folder, say),
        false => live(folder, say),
    }
}

/// No test of its own: what the tests of `kill.rs` run and kill.
#[test]
fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    // Past the harness, which keeps what tests print.
    let mut say = |line: &str| writeln!(std::io::stdout(), "\n{line}").unwrap();
    write(Path::new(&folder), &mut say);
    say("done");
}
