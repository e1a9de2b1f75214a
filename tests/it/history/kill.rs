//! The writer killed before each of its writes, and each of them failing: what it acknowledged is there,
//! and nothing is there by halves.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use manifesto_exporter::history::{Ended, Moment, Pace, Reader, Recorder, Unclean};
use manifesto_exporter::snapshot::{Ruleset, Snapshot};
use tempfile::TempDir;

use super::kill_states::{everything, judged, write_unversioned};
use super::kill_writer::{FOLDER, file, write};
use super::restarts::start;
use crate::programs;
use crate::simulation::ruleset;

/// System calls that change a file, a folder, or what of them is on disk.
const CALLS: [&str; 9] = [
    "openat",
    "pwrite64",
    "write",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "unlink",
    "mkdir",
];

/// Of the writer's files, all that it may write to.
const FILES: [&str; 7] = [
    "history.sqlite",
    "history.sqlite-wal",
    "history.sqlite-journal",
    "history.sqlite-shm",
    "history.sqlite.new",
    "history.sqlite.new-journal",
    "history.sqlite.lock",
];

/// Runs at once.
const THREADS: usize = 2;

/// One call of a kind fails of so many in a run: each fails in one of as many runs. No commit
/// makes as many.
const STRIDE: usize = 61;

/// What came of a writer.
struct Run {
    /// It keeps the folder.
    folder: TempDir,
    /// Steps that it acknowledged.
    acknowledged: usize,
    /// Failures that it was told of.
    failures: Vec<String>,
    is_done: bool,
    /// The calls that were made, or made to fail.
    calls: Vec<String>,
}

impl Run {
    fn file(&self) -> PathBuf {
        file(self.folder.path())
    }

    /// How often each kind of call was made.
    fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        CALLS.into_iter().map(|name| {
            let begin = format!(" {name}(");
            let calls = self.calls.iter().filter(|call| call.contains(&begin));
            (name, calls.count())
        })
    }

    /// The calls that were made to fail.
    fn injected(&self) -> impl Iterator<Item = &str> {
        let calls = self.calls.iter().map(String::as_str);
        calls.filter(|call| call.contains("(INJECTED"))
    }
}

/// Runs the writer in a folder with something done to its system calls: `fsync:signal=KILL:when=3`.
fn run(folder: TempDir, injected: &str) -> Run {
    let path = folder.path().canonicalize().unwrap();
    let log = path.join("strace.log");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-o"]);
    strace.arg(&log).arg("-P").arg(&path);
    for name in FILES {
        strace.arg("-P").arg(path.join(name));
    }
    strace.args(["-e", &format!("trace={}", CALLS.join(","))]);
    if !injected.is_empty() {
        strace.args(["-e", &format!("inject={injected}")]);
    }
    strace
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "history::kill_writer::writer",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, &path)
        .stdin(Stdio::null());
    let output = strace
        .output()
        .unwrap_or_else(|error| panic!("strace: {error}; tests/run installs it"));
    let said = String::from_utf8_lossy(&output.stdout);
    let acknowledged = said.lines().filter(|line| line.starts_with("ack ")).count();
    let failures = said.lines().filter_map(|line| line.strip_prefix("failed "));
    let calls = std::fs::read_to_string(&log)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    Run {
        acknowledged,
        failures: failures.map(str::to_owned).collect(),
        is_done: said.lines().any(|line| line == "done"),
        calls: calls
            .lines()
            .filter(|line| line.contains('('))
            .map(str::to_owned)
            .collect(),
        folder,
    }
}

/// Does something for each of these, [`THREADS`] at a time.
fn each<T: Sync>(all: &[T], act: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Relaxed)) {
                    act(one);
                }
            });
        }
    });
}

/// What the file holds after each step of a writer whom nothing disturbs, before the first too.
fn undisturbed(folder: &Path) -> Vec<Vec<String>> {
    let file = file(folder);
    let mut states = vec![everything(&file)];
    write(folder, &mut |_| states.push(everything(&file)));
    states
}

/// A copy of a folder's files.
fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// Another writer opens the file as it was left, and goes on.
fn go_on(file: &Path, rules: &std::sync::Arc<Ruleset>) {
    let wall = start() + SignedDuration::from_hours(100);
    let pace = Pace::default();
    let (mut recorder, found) = Recorder::open(file, wall, Unclean::Crash, pace).unwrap();
    assert_eq!(found.set_aside, None);
    let snapshot = Snapshot::empty(rules, wall.into());
    let moment = Moment {
        wall,
        monotonic: Duration::ZERO,
    };
    assert!(recorder.record(&snapshot, &[], moment).unwrap().committed);
    recorder.stop().unwrap();
    let intervals = Reader::open(file).unwrap().intervals().unwrap();
    let (last, before) = intervals.split_last().unwrap();
    assert_eq!((last.span.from, last.ended), (wall, Ended::Stop));
    let open = before
        .iter()
        .filter(|interval| interval.ended == Ended::Running);
    assert_eq!(open.count(), 0);
}

/// Kills the writer before each of its calls. `prepare` puts into its folder what it finds.
fn kill_everywhere(what: &str, prepare: impl Fn(&Path) + Sync) {
    let began = Instant::now();
    let prepared = || {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        folder
    };
    let states = undisturbed(prepared().path());
    let whole = run(prepared(), "");
    assert!(whole.is_done && whole.acknowledged == states.len() - 1);
    let counts = whole.counts();
    let points = counts.flat_map(|(name, count)| (1..=count).map(move |nth| (name, nth)));
    let points: Vec<(&str, usize)> = points.collect();
    assert_eq!(points.len(), whole.calls.len(), "{:?}", whole.calls);
    let rules = ruleset("scrape_configs: []", whole.folder.path());
    let rules = std::sync::Arc::new(rules);
    let acknowledged = AtomicUsize::new(0);
    each(&points, |(name, nth)| {
        let run = run(prepared(), &format!("{name}:signal=KILL:when={nth}"));
        assert!(!run.is_done, "{name} {nth}");
        let found = everything(&file(copy(run.folder.path()).path()));
        let done = run.acknowledged;
        acknowledged.fetch_add(done, Relaxed);
        assert!(
            found == states[done] || found == states[done + 1],
            "killed before {name} {nth}, {:?}, after {done} steps: {found:#?}",
            run.calls.last()
        );
        go_on(&run.file(), &rules);
    });
    programs::tell(format_args!(
        "history: {what} killed before each of {} writes, {} acknowledged steps, 0 lost, 0 half written ({:.0?})",
        points.len(),
        acknowledged.into_inner(),
        began.elapsed()
    ));
}

/// Guarantee: whenever the writer is killed, what it acknowledged is there, what it was writing is there
/// wholly or not at all, a file that it was making is whole or not there, and another writer goes on.
#[test]
fn fault_63_a_writer_killed_before_any_write_leaves_what_it_acknowledged() {
    kill_everywhere("a writer", |_| {});
}

/// Guarantee: a file whose migration is killed is of the old version or the new one, and usable.
#[test]
fn fault_68_a_migration_killed_before_any_write_leaves_one_version_or_the_other() {
    kill_everywhere("a migration", |folder| write_unversioned(&file(folder)));
}

/// Whether this is how a call's failure is to be told. SQLite tells a file that it cannot open without
/// saying why.
fn is_told(call: &str, error: &str, failure: &str) -> bool {
    let opens = ["openat", "mkdir", "unlink", "ftruncate", "rename"].iter();
    let opens = opens.clone().any(|name| call.contains(&format!("{name}(")));
    match failure {
        "read_only" => opens,
        // The index that connections share grows a byte at a time.
        "io" => error == "EIO" || opens || call.contains("sync(") || call.contains("\\0\", 1, "),
        "full" => error == "ENOSPC",
        _ => false,
    }
}

/// Lets each of the writer's calls fail, a few far apart in each run.
fn fail_everywhere(error: &str) {
    let began = Instant::now();
    let whole = run(tempfile::tempdir().unwrap(), "");
    let expected = judged(&whole.file());
    let counts = whole.counts();
    let firsts = counts.flat_map(|(name, count)| {
        let firsts = 1..=count.min(STRIDE);
        firsts.map(move |first| (name, first))
    });
    let firsts: Vec<(&str, usize)> = firsts.collect();
    let totals = Mutex::new((0, 0));
    each(&firsts, |(name, first)| {
        let folder = tempfile::tempdir().unwrap();
        let run = run(
            folder,
            &format!("{name}:error={error}:when={first}+{STRIDE}"),
        );
        assert!(
            run.is_done,
            "{name} {first}: {:?}, {:?}",
            run.failures,
            run.injected().collect::<Vec<_>>()
        );
        assert_eq!(judged(&run.file()), expected, "{name} {first}");
        for failure in &run.failures {
            let told = run.injected().any(|call| is_told(call, error, failure));
            assert!(
                told,
                "{failure} of {:?}",
                run.injected().collect::<Vec<_>>()
            );
        }
        let intervals = Reader::open(&run.file()).unwrap().intervals().unwrap();
        let gaps = intervals.iter().filter(|i| i.ended == Ended::Disk).count();
        // Some fail where nothing was being measured; none is put down to a crash but the one that was.
        let crashes = intervals.iter().filter(|i| i.ended == Ended::Crash).count();
        assert!(crashes <= 2 && gaps <= run.failures.len(), "{intervals:?}");
        let mut totals = totals.lock().unwrap();
        totals.0 += run.injected().count();
        totals.1 += gaps;
    });
    let (points, gaps) = totals.into_inner().unwrap();
    assert!(gaps > 0);
    programs::tell(format_args!(
        "history: {points} writes failed with {error}, 0 acknowledged rows lost, {gaps} gaps put down to the disk ({:.0?})",
        began.elapsed()
    ));
}

/// Guarantee: whichever write finds the disk full, the recorder says so, goes on once there is room, has
/// lost nothing, and its gap is the disk's.
#[test]
fn fault_61_a_disk_full_at_any_write_loses_nothing() {
    fail_everywhere("ENOSPC");
}

/// Guarantee: the same of a disk that fails.
#[test]
fn fault_62_a_disk_that_fails_any_write_loses_nothing() {
    fail_everywhere("EIO");
}
