//! Small damage to a body.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One change to bytes or lines.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    Insert(Index, &'static [u8]),
    Replace(Index, &'static [u8]),
    Remove(Index),
    Cut(Index),
    Swap(Index, Index),
    RepeatLine(Index),
    RemoveLine(Index),
    MoveLine(Index, Index),
}

/// What is worth inserting: all that means something somewhere, and bytes that mean nothing.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"\\\\",
    b"\\\"",
    b"\\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b",",
    b"=",
    b"#",
    b":",
    b"_",
    b"a",
    b"0",
    b"-",
    b"+",
    b".",
    b"e",
    b"x",
    b"NaN",
    b"-Inf",
    b"1e999",
    b"0x1p3",
    b"1_0",
    b" 1",
    b" 9223372036854775808",
    b" # {",
    b" # {a=\"b\"} 1",
    b" # {\"a\"} 1",
    b"# EOF",
    b"\n# EOF\n",
    b"# HELP a b\n",
    b"# TYPE a gauge\n",
    b"# UNIT a_b b\n",
    b"#\n",
    b"# x\n",
    b"# TYPE \"a\" gauge\n",
    b"{\"a b\"} 1\n",
    b"{\"a\",\"b c\"=\"d\"} 1\n",
    b"a{b=\"1\" c=\"2\"} 1\n",
    b"a{b=\"\",b=\"1\",b=\"1\"} 1\n",
    b"a{b=\"1\",b=\"1\",b=\"\"} 1\n",
    b"a{\"\\\\b\"=\"1\",\"\\b\"=\"1\"} 1\n",
    b"a{__name__=\"b\"} 1\n",
    b"a{b=\"c\nd\"} 1\n",
    b"a{b=\"1\",b=\"2\"} 1\n",
    b"a 1e1 1e1\n",
    b"\xff",
    b"\xc3",
    b"\xc3\xa9",
    b"\0",
];

pub(super) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let piece = || select(PIECES);
    let edit = prop_oneof![
        3 => (any::<Index>(), piece()).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        3 => (any::<Index>(), piece()).prop_map(|(at, piece)| Edit::Replace(at, piece)),
        2 => any::<Index>().prop_map(Edit::Remove),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => any::<(Index, Index)>().prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => any::<Index>().prop_map(Edit::RepeatLine),
        1 => any::<Index>().prop_map(Edit::RemoveLine),
        1 => any::<(Index, Index)>().prop_map(|(a, b)| Edit::MoveLine(a, b)),
    ];
    prop::collection::vec(edit, 1..4)
}

/// The body with the changes made one after another.
pub(super) fn apply(edits: &[Edit], body: &[u8]) -> Vec<u8> {
    edits.iter().fold(body.to_vec(), |mut body, edit| {
        change(&mut body, edit);
        body
    })
}

fn change(body: &mut Vec<u8>, edit: &Edit) {
    if let Edit::Insert(at, piece) = edit {
        let at = at.index(body.len() + 1);
        body.splice(at..at, piece.iter().copied());
        return;
    }
    if body.is_empty() {
        return;
    }
    match edit {
        Edit::Insert(..) => {}
        Edit::Replace(at, piece) => {
            let at = at.index(body.len());
            body.splice(at..=at, piece.iter().copied());
        }
        Edit::Remove(at) => drop(body.remove(at.index(body.len()))),
        Edit::Cut(at) => body.truncate(at.index(body.len())),
        Edit::Swap(a, b) => {
            let length = body.len();
            body.swap(a.index(length), b.index(length));
        }
        Edit::RepeatLine(at) => change_lines(body, |lines| {
            let at = at.index(lines.len());
            lines.insert(at, lines[at].clone());
        }),
        Edit::RemoveLine(at) => change_lines(body, |lines| {
            lines.remove(at.index(lines.len()));
        }),
        Edit::MoveLine(from, to) => change_lines(body, |lines| {
            let line = lines.remove(from.index(lines.len()));
            lines.insert(to.index(lines.len() + 1), line);
        }),
    }
}

fn change_lines(body: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut lines: Vec<Vec<u8>> = body
        .split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    change(&mut lines);
    *body = lines.concat();
}
