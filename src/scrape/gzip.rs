//! gzip members around deflate: RFC 1952.
//!
//! Read here so that one inflater serves all members, and because the checksum of the inflater's
//! own gzip mode takes a fifth of a scrape.

use std::cell::RefCell;

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

/// Bytes of a member's header; names and comments could otherwise go on for ever.
const HEADER_BYTES_MAX: usize = 16 * 1024;

const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Undoes gzip piece by piece.
#[derive(Debug)]
pub(super) struct Gzip {
    at: At,
    /// Members begun.
    pub(super) members: u64,
    inflater: Inflater,
    checksum: Hasher,
    length: u32,
}

/// Inflaters that wait for the next body, of each thread: one is some 40 kB.
const FREE_MAX: usize = 8;

thread_local! {
    static FREE: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

/// An inflater on loan, from the first member to the end of the body.
#[derive(Debug, Default)]
struct Inflater(Option<Decompress>);

impl Inflater {
    fn get(&mut self) -> &mut Decompress {
        self.0.get_or_insert_with(|| {
            let free = FREE.with_borrow_mut(Vec::pop);
            free.unwrap_or_else(|| Decompress::new(false))
        })
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        let Some(inflater) = self.0.take() else {
            return;
        };
        FREE.with_borrow_mut(|free| {
            if free.len() < FREE_MAX {
                free.push(inflater);
            }
        });
    }
}

#[derive(Debug)]
enum At {
    /// Before a member, where the stream may also end.
    Between,
    Header(Header),
    Data,
    Trailer {
        bytes: [u8; 8],
        read: usize,
    },
}

/// A header of which some bytes have come.
#[derive(Debug, Default)]
struct Header {
    flags: u8,
    field: Field,
    /// Bytes of the field so far.
    read: usize,
    extra: usize,
    total: usize,
    checksum: Hasher,
    stated: u16,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Field {
    #[default]
    Fixed,
    ExtraLength,
    Extra,
    Name,
    Comment,
    Checksum,
    End,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            at: At::Between,
            members: 0,
            inflater: Inflater::default(),
            checksum: Hasher::new(),
            length: 0,
        }
    }

    /// Whether the stream may end here.
    pub(super) fn is_between_members(&self) -> bool {
        matches!(self.at, At::Between)
    }

    /// Takes some of `input` and writes what it means to `output`: how much of each. Nothing of
    /// either only where there is no input left.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(usize, usize), String> {
        match &mut self.at {
            At::Between => {
                if !input.is_empty() {
                    self.members += 1;
                    self.at = At::Header(Header::default());
                }
                Ok((0, 0))
            }
            At::Header(header) => {
                let mut taken = 0;
                while header.field != Field::End && taken < input.len() {
                    header.take(input[taken])?;
                    taken += 1;
                }
                if header.field == Field::End {
                    self.inflater.get().reset(false);
                    self.checksum = Hasher::new();
                    self.length = 0;
                    self.at = At::Data;
                }
                Ok((taken, 0))
            }
            At::Data => self.inflate(input, output),
            At::Trailer { bytes, read } => {
                let taken = input.len().min(8 - *read);
                bytes[*read..*read + taken].copy_from_slice(&input[..taken]);
                *read += taken;
                if *read == 8 {
                    let [a, b, c, d, e, f, g, h] = *bytes;
                    if u32::from_le_bytes([a, b, c, d]) != self.checksum.clone().finalize() {
                        return Err("its checksum is another".to_owned());
                    }
                    if u32::from_le_bytes([e, f, g, h]) != self.length {
                        return Err("its length is another".to_owned());
                    }
                    self.at = At::Between;
                }
                Ok((taken, 0))
            }
        }
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize), String> {
        let inflater = self.inflater.get();
        let before = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress(input, output, FlushDecompress::None)
            .map_err(|error| error.to_string())?;
        let taken = (inflater.total_in() - before.0) as usize;
        let written = (inflater.total_out() - before.1) as usize;
        self.checksum.update(&output[..written]);
        self.length = self.length.wrapping_add(written as u32);
        match status {
            Status::StreamEnd => {
                self.at = At::Trailer {
                    bytes: [0; 8],
                    read: 0,
                };
            }
            // Neither takes nor gives: it would go on for ever.
            Status::Ok | Status::BufError if !input.is_empty() && taken + written == 0 => {
                return Err("no progress".to_owned());
            }
            Status::Ok | Status::BufError => {}
        }
        Ok((taken, written))
    }
}

impl Header {
    fn take(&mut self, byte: u8) -> Result<(), String> {
        self.total += 1;
        if self.total > HEADER_BYTES_MAX {
            return Err(format!(
                "its header is larger than {HEADER_BYTES_MAX} bytes"
            ));
        }
        if self.field != Field::Checksum {
            self.checksum.update(&[byte]);
        }
        let position = self.read;
        self.read += 1;
        let ends = match self.field {
            Field::Fixed => {
                match (position, byte) {
                    (0, 0x1f) | (1, 0x8b) | (2, 8) => {}
                    (0..=2, _) => return Err("it has no gzip header".to_owned()),
                    (3, flags) if flags & RESERVED != 0 => {
                        return Err(format!("its header has unknown flags {flags:#04x}"));
                    }
                    (3, flags) => self.flags = flags,
                    _ => {}
                }
                position == 9
            }
            Field::ExtraLength => {
                self.extra |= usize::from(byte) << (8 * position);
                position == 1
            }
            Field::Extra => self.read == self.extra,
            Field::Name | Field::Comment => byte == 0,
            Field::Checksum => {
                self.stated |= u16::from(byte) << (8 * position);
                position == 1
            }
            Field::End => true,
        };
        if ends {
            self.next_field()?;
        }
        Ok(())
    }

    fn next_field(&mut self) -> Result<(), String> {
        // The low half of the checksum of all bytes before it.
        if self.field == Field::Checksum
            && self.checksum.clone().finalize() & 0xffff != u32::from(self.stated)
        {
            return Err("its header's checksum is another".to_owned());
        }
        self.read = 0;
        let has = |flag| self.flags & flag != 0;
        let rest = [
            (Field::ExtraLength, has(EXTRA)),
            (Field::Extra, self.extra > 0),
            (Field::Name, has(NAME)),
            (Field::Comment, has(COMMENT)),
            (Field::Checksum, has(HEADER_CHECKSUM)),
        ];
        let passed = self.field as usize;
        self.field = rest
            .into_iter()
            .find(|(field, present)| *field as usize > passed && *present)
            .map_or(Field::End, |(field, _)| field);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;

    use super::*;

    fn ungzip(bytes: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let (mut gzip, mut whole, mut output) = (Gzip::new(), Vec::new(), [0; 100]);
        for mut input in bytes.chunks(piece) {
            loop {
                let ended_before = input.is_empty();
                let (taken, written) = gzip.step(input, &mut output)?;
                whole.extend_from_slice(&output[..written]);
                input = &input[taken..];
                if ended_before && written == 0 {
                    break;
                }
            }
        }
        match gzip.is_between_members() {
            true => Ok(whole),
            false => Err("cut".to_owned()),
        }
    }

    fn member(body: &[u8], name: &str, extra: Vec<u8>) -> Vec<u8> {
        let builder = GzBuilder::new().filename(name).comment("c").extra(extra);
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    proptest! {
        #[test]
        fn members_of_any_kind_come_whole_in_any_pieces(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 1..4),
            name in "[a-z]{0,20}",
            extra in prop::collection::vec(any::<u8>(), 0..20),
            piece in 1usize..3000,
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|b| member(b, &name, extra.clone())).collect();
            prop_assert_eq!(ungzip(&stream, piece).unwrap(), bodies.concat());
            prop_assert!(ungzip(&stream[..stream.len() - 1], piece).is_err());
        }

        #[test]
        fn anything_else_ends_in_an_error(bytes in prop::collection::vec(any::<u8>(), 1..500), piece in 1usize..100) {
            prop_assert!(ungzip(&bytes, piece).is_err());
        }
    }

    #[test]
    fn a_headers_checksum_is_verified() {
        let mut stream = member(b"up 1\n", "", Vec::new());
        // The same member under a bare header with a checksum.
        let data = stream.split_off(stream.len() - 8 - 7);
        let header = [0x1f, 0x8b, 8, HEADER_CHECKSUM, 0, 0, 0, 0, 0, 255];
        let sum = (crc32fast::hash(&header) as u16).to_le_bytes();
        let good = [&header[..], &sum, &data].concat();
        assert_eq!(ungzip(&good, 1000).unwrap(), b"up 1\n");
        let bad = [&header[..], &[sum[0], !sum[1]], &data].concat();
        assert_eq!(
            ungzip(&bad, 1000).unwrap_err(),
            "its header's checksum is another"
        );
    }
}
