//! A list, and the watch that keeps it up to date: what there is now, change by change.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>
//!
//! A server that can streams the list itself as events, so that no whole list is in memory on either side; others are
//! asked in pages. Where the server no longer knows what happened since (410 Gone), everything is listed anew, and
//! what that list does not hold is gone.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::client::{Cluster, Session};
use super::failure::{Failure, FailureKind, Status};
use super::lines::Lines;
use super::list::{After, Key, List, Object, Position, fetch, read};

/// How long the server is asked to let a watch last, and by how much that varies, so that they do not end together.
const WATCH_SECONDS: u64 = 240;
const WATCH_SECONDS_VARY: u64 = 120;
/// How much longer than that is waited for its end.
const WATCH_OVERTIME: Duration = Duration::from_secs(60);
/// The longest wait between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A watch that ends sooner counts as a failure.
const WATCH_MIN: Duration = Duration::from_secs(1);
/// The annotation of the bookmark that ends a streamed list.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a watch tells.
#[derive(Debug)]
pub(crate) enum Change<E> {
    /// Everything is listed: what is not told again until [`Change::Complete`] is gone.
    Begin,
    /// An object as it is now.
    Put(Key, E),
    /// An object that cannot be read, and why.
    Unreadable(Key, String),
    /// An object was deleted.
    Gone(Key),
    /// Everything was told.
    Complete,
    /// The server is there, and tells what changes.
    Alive,
    /// It is not, or not so; attempts go on.
    Failed(Failure),
}

/// What is watched, and what is read of each object.
pub(crate) struct Watch<E> {
    pub(crate) list: List,
    pub(crate) read: fn(&str) -> Result<E, serde_json::Error>,
}

/// How quickly things are done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The first wait after a failure.
    pub(super) retry: Duration,
    /// Servers send a bookmark each minute: one that has sent one and then says nothing for so long has gone silently.
    pub(super) silence_max: Duration,
    /// A streamed list comes at once: a server that is silent for so long does not know of them.
    pub(super) stream_silence_max: Duration,
}

impl Pace {
    pub(crate) fn new(retry: Duration) -> Self {
        Self {
            retry,
            silence_max: Duration::from_secs(180),
            stream_silence_max: Duration::from_secs(10),
        }
    }
}

/// Whoever was told has gone.
struct Unheard;

/// How a turn ended.
enum End {
    /// A list in pages is complete: its watch is next.
    Listed,
    /// The server does not stream lists, or something between us does not let them through.
    Unstreamed,
    /// A watch is over, as watches are.
    Over,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        End::Failed(failure)
    }
}

/// Tells every change under the `index` of the watch, until nobody listens.
pub(crate) async fn reflect<E>(
    cluster: &Cluster,
    watch: &Watch<E>,
    pace: Pace,
    index: usize,
    changes: &mpsc::Sender<(usize, Change<E>)>,
) {
    let mut reflector = Reflector {
        pace,
        cluster,
        watch,
        index,
        changes,
        version: None,
        streams: true,
        random: RandomState::new(),
        failures: 0,
        relists: 0,
    };
    while let Ok(pause) = reflector.turn().await {
        sleep(pause).await;
    }
}

struct Reflector<'a, E> {
    pace: Pace,
    cluster: &'a Cluster,
    watch: &'a Watch<E>,
    index: usize,
    changes: &'a mpsc::Sender<(usize, Change<E>)>,
    /// The version from which a watch goes on; `None` where everything is to be listed.
    version: Option<String>,
    /// Whether the server may be asked to stream a list.
    streams: bool,
    random: RandomState,
    /// In a row.
    failures: u32,
    /// How often everything was to be listed anew, since a watch told something.
    relists: u32,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: EventKind,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
enum EventKind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

#[derive(Deserialize)]
struct Bookmark {
    metadata: BookmarkMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookmarkMetadata {
    resource_version: String,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

impl<E> Reflector<'_, E> {
    /// A list or a watch, until it ends. Says how long to wait before the next.
    async fn turn(&mut self) -> Result<Duration, Unheard> {
        let begun = Instant::now();
        let ended = match (&self.version, self.streams) {
            (None, false) => self.list().await?,
            (None, true) | (Some(_), _) => self.follow().await?,
        };
        let failure = match ended {
            End::Listed => return Ok(Duration::ZERO),
            End::Unstreamed => {
                self.streams = false;
                return Ok(Duration::ZERO);
            }
            End::Over if begun.elapsed() >= WATCH_MIN => return Ok(Duration::ZERO),
            End::Over => Failure::new(
                FailureKind::Server,
                &self.watch.list.doing("watch"),
                "the server ends each watch at once",
            ),
            End::Failed(failure)
                if failure.kind == FailureKind::Refused
                    && self.version.is_none()
                    && self.streams =>
            {
                self.streams = false;
                return Ok(Duration::ZERO);
            }
            End::Failed(failure) => failure,
        };
        self.failures += 1;
        match failure.kind {
            // Said by the next list, if that fails as well.
            FailureKind::Gone => {
                self.version = None;
                self.relists += 1;
                if self.failures == 1 && self.relists == 1 {
                    return Ok(Duration::ZERO);
                }
                // A list that succeeds in between is no success of the watch.
                self.failures = self.failures.max(self.relists);
            }
            // Something about this watch is not to the server's liking: begin anew.
            FailureKind::Refused | FailureKind::Missing | FailureKind::Malformed => {
                self.version = None;
            }
            FailureKind::Unauthorized => self.cluster.forget_credentials().await,
            FailureKind::Access
            | FailureKind::Forbidden
            | FailureKind::Unreachable
            | FailureKind::Server
            | FailureKind::Limit => {}
        }
        self.tell(Change::Failed(failure)).await?;
        Ok(self.backoff())
    }

    fn backoff(&self) -> Duration {
        let doubled = 1 << (self.failures.saturating_sub(1)).min(16);
        let wait = self.pace.retry.saturating_mul(doubled).min(RETRY_MAX);
        // Between half of it and all of it, so that many do not come back together.
        wait.mul_f64(0.5 + (self.random() % 1000) as f64 / 2000.0)
    }

    fn random(&self) -> u64 {
        let mut hasher = self.random.build_hasher();
        hasher.write_u128(
            std::time::SystemTime::UNIX_EPOCH
                .elapsed()
                .map_or(0, |at| at.as_nanos()),
        );
        hasher.finish()
    }

    async fn tell(&self, change: Change<E>) -> Result<(), Unheard> {
        let told = self.changes.send((self.index, change)).await;
        told.map_err(|_| Unheard)
    }

    async fn put(&self, object: Result<Object<'_>, serde_json::Error>) -> Result<(), Unheard> {
        let change = match object {
            Ok(object) => match (self.watch.read)(object.json) {
                Ok(entry) => Change::Put(object.key, entry),
                Err(error) => Change::Unreadable(object.key, error.to_string()),
            },
            // It does not even say what it is.
            Err(error) => Change::Unreadable(Key::default(), error.to_string()),
        };
        self.tell(change).await
    }

    /// Reads the list page by page.
    async fn list(&mut self) -> Result<End, Unheard> {
        self.tell(Change::Begin).await?;
        let mut position = Position::start();
        loop {
            // Credentials may expire during a long list.
            let session = match self.session("list").await {
                Ok(session) => session,
                Err(failure) => return Ok(End::Failed(failure)),
            };
            let list = &self.watch.list;
            let body = match fetch(&session, list, &mut position).await {
                Ok(body) => body,
                Err(failure) => return Ok(End::Failed(failure)),
            };
            let page = match read(list, &body) {
                Ok(page) => page,
                Err(failure) => return Ok(End::Failed(failure)),
            };
            for item in &page.items {
                self.put(Object::read(item)).await?;
            }
            match position.after(list, page) {
                Ok(After::Page(next)) => position = next,
                Err(failure) => return Ok(End::Failed(failure)),
                Ok(After::End(version)) => {
                    self.version = Some(version);
                    self.failures = 0;
                    self.tell(Change::Complete).await?;
                    return Ok(End::Listed);
                }
            }
        }
    }

    async fn session(&self, verb: &str) -> Result<Session, Failure> {
        self.cluster.session(&self.watch.list.doing(verb)).await
    }

    /// Follows a watch, from the version known or through a streamed list.
    async fn follow(&mut self) -> Result<End, Unheard> {
        let doing = self.watch.list.doing("watch");
        let seconds = WATCH_SECONDS + self.random() % WATCH_SECONDS_VARY;
        let deadline = Duration::from_secs(seconds) + WATCH_OVERTIME;
        let seconds = seconds.to_string();
        let mut query = self.watch.list.selectors();
        query.extend([
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", &seconds),
        ]);
        let mut listing = self.version.is_none();
        let from = self.version.clone();
        match &from {
            Some(version) => query.push(("resourceVersion", version)),
            None => query.extend([
                ("sendInitialEvents", "true"),
                ("resourceVersionMatch", "NotOlderThan"),
            ]),
        }
        let session = match self.session("watch").await {
            Ok(session) => session,
            Err(failure) => return Ok(failure.into()),
        };
        let path = self.watch.list.path();
        let response = match session.get(&doing, &path, &query, deadline).await {
            Ok(response) => response,
            Err(failure) => return Ok(failure.into()),
        };
        self.tell(match listing {
            true => Change::Begin,
            false => Change::Alive,
        })
        .await?;
        let mut lines = Lines::of(response);
        let mut has_bookmarks = false;
        loop {
            let patience = match (listing, has_bookmarks) {
                (true, _) => self.pace.stream_silence_max,
                (false, true) => self.pace.silence_max,
                (false, false) => deadline,
            };
            let line = match timeout(patience, lines.next()).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) if listing => return Ok(End::Unstreamed),
                Ok(Ok(None)) => return Ok(End::Over),
                Ok(Err(why)) => {
                    return Ok(Failure::new(FailureKind::Unreachable, &doing, why).into());
                }
                Err(_) if listing => return Ok(End::Unstreamed),
                Err(_) => {
                    let why = format!("nothing was said for {patience:?}");
                    return Ok(Failure::new(FailureKind::Unreachable, &doing, why).into());
                }
            };
            match self.event(line, &doing, &mut listing).await? {
                Ok(EventKind::Bookmark) => has_bookmarks = true,
                Ok(_) => {}
                Err(failure) => return Ok(failure.into()),
            }
        }
    }

    /// Takes an event in. Versions are noted once a list is complete: half of one is no place to go on from.
    async fn event(
        &mut self,
        line: &[u8],
        doing: &str,
        listing: &mut bool,
    ) -> Result<Result<EventKind, Failure>, Unheard> {
        let malformed = |error: serde_json::Error| {
            Failure::new(
                FailureKind::Malformed,
                doing,
                format!("not an event: {error}"),
            )
        };
        let event: Event<'_> = match serde_json::from_slice(line) {
            Ok(event) => event,
            Err(error) => return Ok(Err(malformed(error))),
        };
        match event.kind {
            EventKind::Added | EventKind::Modified | EventKind::Deleted => {
                let object = Object::read(event.object);
                if !*listing && let Ok(object) = &object {
                    self.version = Some(object.resource_version.clone());
                    (self.failures, self.relists) = (0, 0);
                }
                match (event.kind, object) {
                    (EventKind::Deleted, Ok(object)) => self.tell(Change::Gone(object.key)).await?,
                    (_, object) => self.put(object).await?,
                }
            }
            EventKind::Bookmark => {
                let bookmark: Bookmark = match serde_json::from_str(event.object.get()) {
                    Ok(bookmark) => bookmark,
                    Err(error) => return Ok(Err(malformed(error))),
                };
                let ends = bookmark.metadata.annotations.get(INITIAL_EVENTS_END);
                if *listing && ends.is_some_and(|ends| ends == "true") {
                    *listing = false;
                    self.tell(Change::Complete).await?;
                }
                if !*listing {
                    if self.version.is_some() {
                        self.relists = 0;
                    }
                    self.version = Some(bookmark.metadata.resource_version);
                    self.failures = 0;
                    self.tell(Change::Alive).await?;
                }
            }
            EventKind::Error => {
                let said: Status = serde_json::from_str(event.object.get()).unwrap_or_default();
                return Ok(Err(Failure::said(doing, said.code, &said)));
            }
        }
        Ok(Ok(event.kind))
    }
}
