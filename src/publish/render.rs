//! One rendering per snapshot and format, plain and compressed, whoever and however many ask.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use tokio::sync::OnceCell;

use super::compliance;
use super::telemetry::Telemetry;
use crate::exposition::Format;
use crate::okr::Progress;
use crate::snapshot::Snapshot;

/// A snapshot with its renderings, made when first asked for.
#[derive(Debug)]
pub struct Published {
    /// What is published.
    pub snapshot: Arc<Snapshot>,
    /// How objectives are doing in it.
    pub progress: Arc<Progress>,
    series_max: usize,
    text: OnceCell<Rendered>,
    open_metrics: OnceCell<Rendered>,
}

/// The compliance part of an exposition, ready to send but for its end.
#[derive(Debug)]
struct Rendered {
    plain: Bytes,
    /// Deflate blocks without the final one, so that the rest of the exposition can follow.
    deflated: Bytes,
    crc: Crc,
}

/// A body in pieces that are sent without being copied together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces(pub Vec<Bytes>);

impl Published {
    /// Takes a snapshot; nothing is rendered yet.
    pub fn new(snapshot: Arc<Snapshot>, series_max: usize) -> Self {
        Self {
            snapshot,
            progress: Arc::default(),
            series_max,
            text: OnceCell::new(),
            open_metrics: OnceCell::new(),
        }
    }

    /// The same with what objectives come to.
    pub fn with_progress(self, progress: Progress) -> Self {
        Self {
            progress: Arc::new(progress),
            ..self
        }
    }

    /// The exposition: the compliance families, then `end`, which changes with every scrape.
    pub async fn exposition(
        &self,
        format: Format,
        gzip: bool,
        end: Vec<u8>,
        telemetry: &Telemetry,
    ) -> Pieces {
        let cell = match format {
            Format::Text => &self.text,
            Format::OpenMetrics => &self.open_metrics,
        };
        let rendered = cell
            .get_or_init(|| {
                telemetry.rendered();
                self.render(format)
            })
            .await;
        if gzip {
            rendered.gzip_with(&end)
        } else {
            Pieces(vec![rendered.plain.clone(), end.into()])
        }
    }

    async fn render(&self, format: Format) -> Rendered {
        let (snapshot, series_max) = (Arc::clone(&self.snapshot), self.series_max);
        let progress = Arc::clone(&self.progress);
        // 100,000 series take tens of milliseconds: not on a thread that serves others.
        let rendering = tokio::task::spawn_blocking(move || {
            Rendered::new(compliance::write(&snapshot, &progress, format, series_max))
        });
        match rendering.await {
            Ok(rendered) => rendered,
            // A defect of ours: the exposition still holds our own telemetry, which says so.
            Err(error) => {
                tracing::error!(%error, "compliance metrics could not be rendered");
                Rendered::new(Vec::new())
            }
        }
    }
}

impl Rendered {
    fn new(plain: Vec<u8>) -> Self {
        let mut crc = Crc::new();
        crc.update(&plain);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        // Writing to a Vec cannot fail. A flush ends the blocks on a byte boundary.
        encoder.write_all(&plain).expect("a Vec takes every byte");
        encoder.flush().expect("a Vec takes every byte");
        Self {
            deflated: Bytes::copy_from_slice(encoder.get_ref()),
            plain: plain.into(),
            crc,
        }
    }

    /// One gzip member of two deflate streams joined: many clients read no further than the first member.
    fn gzip_with(&self, end: &[u8]) -> Pieces {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(end).expect("a Vec takes every byte");
        let mut tail = encoder.finish().expect("a Vec takes every byte");
        let (mut crc, mut end_crc) = (Crc::new(), Crc::new());
        end_crc.update(end);
        crc.combine(&self.crc);
        crc.combine(&end_crc);
        tail.extend_from_slice(&crc.sum().to_le_bytes());
        // The size modulo 2^32, as RFC 1952 has it.
        tail.extend_from_slice(&crc.amount().to_le_bytes());
        Pieces(vec![
            Bytes::from_static(GZIP_HEADER),
            self.deflated.clone(),
            tail.into(),
        ])
    }
}

/// RFC 1952: magic, deflate, no flags, no time, fastest, unknown system.
const GZIP_HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::time::SystemTime;

    use tokio::task::JoinSet;

    use super::*;
    use crate::discovery::Discovered;
    use crate::history::HistoryStats;
    use crate::manifesto::{Manifesto, RulesConfig};
    use crate::scrape::EngineStats;
    use crate::snapshot::Ruleset;
    use crate::sources::{Answers, SourceStats};

    fn renderings(telemetry: &Telemetry) -> String {
        let engine = EngineStats::default().snapshot();
        let text = telemetry.write(
            Format::Text,
            &engine,
            &Discovered::default(),
            (&Answers::default(), &SourceStats::default()),
            &HistoryStats::default(),
        );
        let text = String::from_utf8(text).unwrap();
        let name = "manifesto_exporter_renderings_total ";
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().to_owned()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn fault_96_a_thousand_scrapes_of_one_snapshot_make_one_rendering() {
        let ruleset = Arc::new(Ruleset {
            manifesto: Manifesto::load(&RulesConfig::default()).unwrap(),
            ..Ruleset::default()
        });
        let snapshot = Arc::new(Snapshot::empty(&ruleset, SystemTime::UNIX_EPOCH));
        let published = Arc::new(Published::new(snapshot, usize::MAX));
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let mut scrapes = JoinSet::new();
        for nth in 0..1_000 {
            let (published, telemetry) = (Arc::clone(&published), Arc::clone(&telemetry));
            scrapes.spawn(async move {
                let gzip = nth % 2 == 0;
                let end = b"# EOF\n".to_vec();
                let pieces = published.exposition(Format::OpenMetrics, gzip, end, &telemetry);
                // The shared piece: behind a header where it is compressed.
                (gzip, pieces.await.0[usize::from(gzip)].as_ptr() as usize)
            });
        }
        let mut shared = scrapes.join_all().await;
        shared.sort_unstable();
        shared.dedup();
        assert_eq!(shared.len(), 2, "one body of either kind: {shared:?}");
        assert_eq!(renderings(&telemetry), "1");
    }

    #[test]
    fn two_deflate_streams_make_one_gzip_member() {
        let start = b"a_metric{x=\"y\"} 1\n".repeat(1000);
        let pieces = Rendered::new(start.clone())
            .gzip_with(b"its end 2\n# EOF\n")
            .0
            .concat();
        let mut inflated = Vec::new();
        // GzDecoder reads a single member and checks CRC and size.
        flate2::read::GzDecoder::new(&pieces[..])
            .read_to_end(&mut inflated)
            .unwrap();
        assert_eq!(inflated, [&start[..], b"its end 2\n# EOF\n"].concat());
    }
}
