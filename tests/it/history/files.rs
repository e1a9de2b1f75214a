//! What lies where history should be: strange files, damaged ones, another writer's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::calendar::Span;
use manifesto_exporter::history::{
    Ended, HistoryError, HistoryFailure, Pace, Reader, Recorder, Unclean, prune,
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::kill_states::judged;
use super::restarts::{slow, start};
use crate::programs;
use crate::simulation::{End, World, body, ruleset};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Bytes of a page of the file.
const PAGE: usize = 4_096;

fn open(file: &Path) -> Result<Option<(PathBuf, String)>, HistoryError> {
    let now = start() + HOUR * 1_000;
    Recorder::open(file, now, Unclean::Crash, Pace::default()).map(|(_, found)| found.set_aside)
}

fn world(folder: &Path, now: Timestamp) -> World {
    let rules = ruleset("scrape_configs: []", folder);
    let mut world = World::new(rules, now, &folder.join("history.sqlite"), slow());
    world.put("shop-1", "shop", "growth", body("shop", &["version"]));
    world
}

/// A world that ran for two days and runs on.
fn running(folder: &Path) -> World {
    let mut world = world(folder, start());
    for day in 0..2 {
        world.start();
        for look in 0..4 {
            let without: &[&str] = if look % 2 == 0 { &["version"] } else { &[] };
            world.put("shop-1", "shop", "growth", body("shop", without));
            if (day, look) == (1, 2) {
                world.put("till-1", "till", "growth", body("till", &[]));
            }
            world.look();
            world.pass(HOUR);
        }
        if day == 0 {
            world.end(End::Stop);
        }
    }
    world
}

/// What two days of history leave on disk where its writer is killed, or stops.
struct Left {
    folder: TempDir,
    file: PathBuf,
    judged: Vec<String>,
}

fn left(end: End) -> Left {
    let live = tempfile::tempdir().unwrap();
    let mut world = running(live.path());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    if end == End::Stop {
        world.end(End::Stop);
    }
    for suffix in ["", "-wal"] {
        let from = live.path().join(format!("history.sqlite{suffix}"));
        if from.exists() {
            fs::copy(from, folder.path().join(format!("history.sqlite{suffix}"))).unwrap();
        }
    }
    let judged = judged(&live.path().join("history.sqlite"));
    Left {
        folder,
        file,
        judged,
    }
}

impl Left {
    /// Changes the file's bytes.
    fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(&self.file).unwrap();
        change(&mut bytes);
        fs::write(&self.file, bytes).unwrap();
    }

    /// The file is found damaged, put aside as it is, and a new one is written.
    fn is_set_aside(&self) -> String {
        let bytes = fs::read(&self.file).unwrap();
        let (aside, what) = open(&self.file).unwrap().expect("nothing was found");
        assert_eq!(fs::read(&aside).unwrap(), bytes);
        let name = aside.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("history.sqlite.damaged-2026"), "{name}");
        assert_eq!(judged(&self.file), Vec::<String>::new());
        let mut world = world(self.folder.path(), start() + HOUR * 1_001);
        world.start();
        world.look();
        world.end(End::Stop);
        what
    }
}

/// Guarantee: what is not ours is refused with what it is, and not a byte of it changes.
#[test]
fn fault_65_what_is_not_ours_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| folder.path().join(name);
    fs::write(make("empty"), "").unwrap();
    fs::write(make("text"), "a diary\n".repeat(100)).unwrap();
    let other = Connection::open(make("other")).unwrap();
    other
        .execute_batch("CREATE TABLE diary (day TEXT)")
        .unwrap();
    drop(other);
    let stopped = left(End::Stop);
    let newer = Connection::open(&stopped.file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    fs::copy(&stopped.file, make("newer")).unwrap();
    for (name, why) in [
        (
            "empty",
            "an empty file, not a history of this program: it is left untouched",
        ),
        ("text", "no SQLite file"),
        ("other", "a SQLite file of another program"),
        (
            "newer",
            "written by a newer version of this program (schema 99, this one knows up to 1)",
        ),
    ] {
        let file = make(name);
        let before = fs::read(&file).unwrap();
        for error in [open(&file).unwrap_err(), Reader::open(&file).unwrap_err()] {
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.failure(), HistoryFailure::Foreign);
        }
        assert_eq!(fs::read(&file).unwrap(), before, "{name}");
    }
}

/// Guarantee: the same where the newer version was killed, and only its log says which it is.
#[test]
fn fault_65_a_newer_version_in_the_log_alone_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let mut live = running(folder.path());
    live.end(End::Stop);
    let newer = Connection::open(folder.path().join("history.sqlite")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let names = ["history.sqlite", "history.sqlite-wal"];
    for name in names {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let read = || names.map(|name| fs::read(copy.path().join(name)).unwrap());
    let before = read();
    let error = open(&copy.path().join(names[0])).unwrap_err();
    assert_eq!(error.failure(), HistoryFailure::Foreign, "{error}");
    assert!(read() == before);
}

/// Guarantee: a page that changed on disk is found when the file is opened after a crash; the file is put
/// aside as it is, and history begins anew.
#[test]
fn fault_64_a_changed_page_is_found_after_a_crash() {
    let left = left(End::Kill);
    left.damage(|bytes| {
        for page in bytes.chunks_mut(PAGE).skip(1) {
            page[0] ^= 0x40;
        }
    });
    left.is_set_aside();
}

/// Guarantee: a file that lost its tail is found too, even after a good end.
#[test]
fn fault_64_a_torn_tail_is_found() {
    for end in [End::Kill, End::Stop] {
        let left = left(end);
        left.damage(|bytes| bytes.truncate(bytes.len() / PAGE / 2 * PAGE));
        left.is_set_aside();
    }
}

/// Guarantee: damage that shows only when the file is read, after a good end, puts the file aside too.
#[test]
fn fault_64_damage_found_while_reading_what_is_remembered_puts_the_file_aside() {
    let left = left(End::Stop);
    let connection = Connection::open(&left.file).unwrap();
    let table = "SELECT rootpage FROM sqlite_schema WHERE name = 'service'";
    let root: u32 = connection.query_row(table, (), |row| row.get(0)).unwrap();
    drop(connection);
    left.damage(|bytes| bytes[(root as usize - 1) * PAGE..][..PAGE].fill(0xff));
    let what = left.is_set_aside();
    assert!(what.contains("malformed"), "{what}");
}

/// Guarantee: a value that this program cannot have written is damage, not a reason to fail for ever.
#[test]
fn fault_64_a_value_that_nobody_wrote_is_damage() {
    let left = left(End::Stop);
    let connection = Connection::open(&left.file).unwrap();
    connection
        .execute("UPDATE verdict SET status = 70000", ())
        .unwrap();
    drop(connection);
    left.is_set_aside();
}

/// Guarantee: a log of garbage costs what was in it, and nothing else: what is read is a state that was.
#[test]
fn fault_64_garbage_in_the_log_costs_what_it_held() {
    let left = left(End::Kill);
    let log = left.folder.path().join("history.sqlite-wal");
    let bytes = fs::read(&log).unwrap();
    for from in [0, 40, bytes.len() / 2] {
        let mut garbage = bytes.clone();
        garbage[from..].fill(0xa5);
        fs::write(&log, garbage).unwrap();
        let copy = tempfile::tempdir().unwrap();
        let file = copy.path().join("history.sqlite");
        fs::copy(&left.file, &file).unwrap();
        fs::copy(&log, copy.path().join("history.sqlite-wal")).unwrap();
        assert_eq!(open(&file).unwrap(), None);
        let found = judged(&file);
        assert!(left.judged.len() > found.len() && !found.is_empty());
        assert!(found.iter().all(|row| left.judged.contains(row)));
        let intervals = Reader::open(&file).unwrap().intervals().unwrap();
        assert!(
            intervals
                .iter()
                .all(|interval| interval.ended != Ended::Running)
        );
    }
}

/// Guarantee: a log without its file is never taken for the new file's.
#[test]
fn fault_64_a_log_without_its_file_is_put_aside() {
    let left = left(End::Kill);
    fs::remove_file(&left.file).unwrap();
    let (aside, what) = open(&left.file).unwrap().unwrap();
    assert!(what.contains("without it"), "{what}");
    let mut log = aside.into_os_string();
    log.push("-wal");
    assert!(fs::metadata(log).unwrap().len() > 0);
    assert_eq!(judged(&left.file), Vec::<String>::new());
    assert_eq!(open(&left.file).unwrap(), None);
}

/// Guarantee: a damaged file never takes the name of another, and a disk that damages every file is not
/// filled with them.
#[test]
fn fault_64_files_set_aside_keep_their_names_and_are_few() {
    let left = left(End::Stop);
    let damaged = {
        left.damage(|bytes| bytes[PAGE..].fill(0xff));
        fs::read(&left.file).unwrap()
    };
    let mut names = std::collections::BTreeSet::new();
    let error = loop {
        fs::write(&left.file, &damaged).unwrap();
        match open(&left.file) {
            Ok(aside) => assert!(names.insert(aside.unwrap().0)),
            Err(error) => break error,
        }
        assert!(names.len() < 100);
    };
    assert_eq!(names.len(), 16);
    assert!(names.iter().all(|name| fs::read(name).unwrap() == damaged));
    assert_eq!(error.failure(), HistoryFailure::Damaged);
    assert!(error.to_string().contains("16 damaged ones"), "{error}");
    assert_eq!(fs::read(&left.file).unwrap(), damaged);
}

/// Guarantee: damage met while writing is told as such; the file is put aside when history is opened again,
/// and writing goes on.
#[test]
fn fault_64_damage_met_while_writing_begins_history_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    let mut world = running(folder.path());
    // Another connection moves everything from the log to the file, so that it is read again.
    let other = Connection::open(&file).unwrap();
    other
        .execute("UPDATE target SET refreshed = refreshed + 1", ())
        .unwrap();
    other
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        .unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[PAGE..].fill(0xff);
    fs::write(&file, &bytes).unwrap();
    world.put("shop-1", "shop", "growth", body("shop", &["latency"]));
    world.observe();
    let error = world.try_record(Unclean::Damage).unwrap_err();
    assert_eq!(error.failure(), HistoryFailure::Damaged, "{error}");
    drop(other);
    let (aside, _) = world.try_record(Unclean::Damage).unwrap().unwrap();
    assert!(aside.exists());
    world.pass(HOUR);
    world.look();
    world.end(End::Stop);
    assert!(!judged(&file).is_empty());
}

/// Guarantee: a second writer is told whose the file is.
#[test]
fn fault_67_a_second_writer_is_told_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    let world = running(folder.path());
    let error = open(&file).unwrap_err();
    assert_eq!(error.failure(), HistoryFailure::Locked);
    let pid = std::process::id();
    let expected = format!(
        "{}: another manifesto-exporter (process {pid}) keeps its history there",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
    drop(world);
    assert_eq!(open(&file).unwrap(), None);
}

/// Reads everything that a reader can tell.
fn read_all(file: &Path) -> Result<usize, HistoryError> {
    let reader = Reader::open(file)?;
    let all = Span {
        from: Timestamp::MIN,
        to: Timestamp::MAX,
    };
    let timeline = reader.timeline(all)?;
    let mut pieces = 0;
    for service in reader.services()? {
        for (_, states) in reader.service(&service, &timeline)?.rules {
            pieces += states.len();
            for (_, state) in states {
                reader.sentence(state.detail)?;
            }
        }
    }
    reader.rulesets(&timeline)?;
    Ok(pieces)
}

/// Guarantee: whichever byte changes on disk, nothing panics: history is opened, set aside or refused.
#[test]
fn fault_64_no_changed_byte_makes_anything_panic() {
    let killed = left(End::Kill);
    let (file, log) = (
        fs::read(&killed.file).unwrap(),
        fs::read(killed.folder.path().join("history.sqlite-wal")).unwrap(),
    );
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let (mut refused, mut set_aside, mut unreadable) = (0, 0, 0);
    for _ in 0..200 {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, mut log) = (file.clone(), log.clone());
        // One in four in the log, whose changed frames SQLite tells by their checksums.
        let bytes = if next(4) == 0 { &mut log } else { &mut file };
        let place = next(bytes.len());
        bytes[place] ^= 1 << next(8);
        let path = folder.path().join("history.sqlite");
        fs::write(&path, file).unwrap();
        fs::write(folder.path().join("history.sqlite-wal"), log).unwrap();
        unreadable += usize::from(read_all(&path).is_err());
        let mut world = world(folder.path(), start() + HOUR * 100);
        match world.try_start() {
            Ok(aside) => {
                set_aside += usize::from(aside.is_some());
                world.observe();
                // It may be damaged where only writing looks.
                drop(world.try_record(Unclean::Damage));
                drop(world.try_record(Unclean::Damage));
                drop(world.try_stop());
            }
            Err(error) => {
                assert_eq!(error.failure(), HistoryFailure::Foreign, "{error}");
                refused += 1;
            }
        }
    }
    programs::tell(format_args!(
        "history: of 200 changed bytes {set_aside} set the file aside, {refused} made it foreign, {unreadable} unreadable"
    ));
}

/// Guarantee: a link to the file is the file: there is one writer, and a link whose file is not there yet stays one.
#[test]
fn fault_67_a_link_is_the_file_that_it_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (
        folder.path().join("disk.sqlite"),
        folder.path().join("link.sqlite"),
    );
    std::os::unix::fs::symlink("disk.sqlite", &link).unwrap();
    let (first, _) = Recorder::open(&link, start(), Unclean::Crash, Pace::default()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(file.is_file());
    for other in [&file, &link] {
        let second = Recorder::open(other, start(), Unclean::Crash, Pace::default());
        assert!(matches!(second, Err(HistoryError::Locked { .. })));
        assert!(prune(other, start(), start()).is_err());
    }
    first.stop().unwrap();
}

/// Guarantee: a file that is replaced, removed or truncated under its writer is noticed at the next commit, and what
/// was put in its place is kept.
#[test]
fn fault_64_a_file_that_is_replaced_while_it_is_in_use_is_noticed() {
    type Change = fn(&Path, &Path);
    let changes: [(Change, &str); 3] = [
        (
            |file, other| fs::rename(other, file).unwrap(),
            "another file",
        ),
        (|file, _| fs::remove_file(file).unwrap(), "removed"),
        (|file, _| drop(File::create(file).unwrap()), "truncated"),
    ];
    for (change, what) in changes {
        let backup = left(End::Stop);
        let folder = tempfile::tempdir().unwrap();
        let mut world = running(folder.path());
        let file = folder.path().join("history.sqlite");
        change(&file, &backup.file);
        world.observe();
        let error = world.try_record(Unclean::Disk).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        // It is opened anew, as the daemon does.
        let unclean = match error.failure() {
            HistoryFailure::Damaged => Unclean::Damage,
            _ => Unclean::Disk,
        };
        world.pass(HOUR);
        world.observe();
        world.try_record(unclean).unwrap();
        world.end(End::Stop);
        if what == "another file" {
            let judged = judged(&file);
            assert!(backup.judged.iter().all(|row| judged.contains(row)));
        }
    }
}

/// Guarantee: a pipe in the file's place is refused, not waited for.
#[test]
fn fault_65_a_pipe_is_no_history() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("history.sqlite");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let error = Reader::open(&pipe).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert!(Recorder::open(&pipe, start(), Unclean::Crash, Pace::default()).is_err());
}
