//! Basic authentication with bcrypt: slow by design, so bounded, remembered, and off the threads
//! that serve others.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use tokio::sync::Semaphore;

use crate::document::secret::Secret;

/// Hashes computed at once: the processor is there for other things too.
const HASHING_MAX: usize = 2;

/// Logins that wait for a hash or compute one; one more is turned away.
const PENDING_MAX: usize = 32;

/// Verified credentials remembered.
const REMEMBERED_MAX: usize = 64;

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// The user and the password are right.
    Welcome,
    /// They are not, or there are none.
    Refused,
    /// Too many logins are being verified.
    Busy,
}

/// Verifies logins.
#[derive(Debug)]
pub(super) struct Logins {
    /// Of this process alone: what is remembered is of no use elsewhere.
    key: hmac::Key,
    remembered: Mutex<VecDeque<hmac::Tag>>,
    hashing: Arc<Semaphore>,
    pending: Arc<Semaphore>,
}

/// What a client sent.
struct Credentials {
    user: String,
    password: Vec<u8>,
}

impl Logins {
    /// Nobody is known yet. Fails only where the system has no random numbers.
    pub(super) fn new() -> Result<Self, ring::error::Unspecified> {
        let random = ring::rand::SystemRandom::new();
        Ok(Self {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &random)?,
            remembered: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
            pending: Arc::new(Semaphore::new(PENDING_MAX)),
        })
    }

    /// Whether an `Authorization` header names one of `users`.
    pub(super) async fn verify(
        &self,
        users: &BTreeMap<String, Secret>,
        authorization: Option<&HeaderValue>,
    ) -> Login {
        let Some(credentials) = authorization.and_then(Credentials::read) else {
            return Login::Refused;
        };
        let hash = users.get(&credentials.user).cloned();
        let tag = hash.as_ref().map(|hash| self.tag(&credentials, hash));
        if self.remembers(tag.as_ref()) {
            return Login::Welcome;
        }
        let Ok(pending) = Arc::clone(&self.pending).try_acquire_owned() else {
            return Login::Busy;
        };
        // Neither semaphore is ever closed.
        let Ok(hashing) = Arc::clone(&self.hashing).acquire_owned().await else {
            return Login::Busy;
        };
        // Somebody may have come with the same while this one waited.
        if self.remembers(tag.as_ref()) {
            return Login::Welcome;
        }
        let cost = users.values().map(cost).max().unwrap_or_default();
        let verified = tokio::task::spawn_blocking(move || {
            // Held here and not by the request, which may be dropped while the hash goes on.
            let _places = (pending, hashing);
            verify(hash.as_ref(), &credentials.password, cost)
        });
        match (verified.await, tag) {
            (Ok(true), Some(tag)) => {
                self.remember(tag);
                Login::Welcome
            }
            _ => Login::Refused,
        }
    }

    fn tag(&self, credentials: &Credentials, hash: &Secret) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        // Lengths go first, so that no end of one part can be the start of the next.
        for part in [
            credentials.user.as_bytes(),
            hash.expose().as_bytes(),
            &credentials.password,
        ] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        context.sign()
    }

    fn remembers(&self, tag: Option<&hmac::Tag>) -> bool {
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        tag.is_some_and(|tag| {
            remembered
                .iter()
                .any(|known| known.as_ref() == tag.as_ref())
        })
    }

    fn remember(&self, tag: hmac::Tag) {
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        remembered.truncate(REMEMBERED_MAX - 1);
        remembered.push_front(tag);
    }
}

impl Credentials {
    fn read(header: &HeaderValue) -> Option<Self> {
        let (scheme, rest) = header.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(rest.trim()).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let (user, password) = decoded.split_at(colon);
        Some(Self {
            user: String::from_utf8(user.to_vec()).ok()?,
            password: password[1..].to_vec(),
        })
    }
}

/// Compares; a failure takes as long as the costliest hash whoever was asked for, so that time
/// does not tell which users exist.
fn verify(hash: Option<&Secret>, password: &[u8], cost_max: u32) -> bool {
    let Some(hash) = hash else {
        waste(password, cost_max);
        return false;
    };
    // The hash was checked when it was read.
    let right = bcrypt::verify(password, hash.expose()).unwrap_or(false);
    if !right {
        // 2^c + (2^c + 2^(c+1) + ... + 2^(max-1)) rounds are 2^max.
        for step in cost(hash)..cost_max {
            waste(password, step);
        }
    }
    right
}

/// Computes a hash that nobody waits for.
fn waste(password: &[u8], cost: u32) {
    let never = std::hint::black_box(bcrypt::hash_with_salt(password, cost, [0; 16]));
    drop(never);
}

fn cost(hash: &Secret) -> u32 {
    bcrypt::HashParts::from_str(hash.expose()).map_or(0, |parts| parts.get_cost())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn hashed(password: &str, cost: u32) -> Secret {
        let hash = bcrypt::hash_with_salt(password, cost, *b"sixteen bytes ok").unwrap();
        Secret::new(hash.to_string())
    }

    fn basic(user: &str, password: &str) -> HeaderValue {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        HeaderValue::from_str(&format!("Basic {credentials}")).unwrap()
    }

    fn users() -> BTreeMap<String, Secret> {
        BTreeMap::from([
            ("ada".to_owned(), hashed("correct", 9)),
            ("bob".to_owned(), hashed("battery", 6)),
        ])
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_welcome() {
        let (logins, users) = (Logins::new().unwrap(), users());
        let cases = [
            (Some(basic("ada", "correct")), Login::Welcome),
            (Some(basic("ada", "battery")), Login::Refused),
            (Some(basic("eve", "correct")), Login::Refused),
            (Some(basic("", "")), Login::Refused),
            (
                Some(HeaderValue::from_static("Bearer correct")),
                Login::Refused,
            ),
            (Some(HeaderValue::from_static("Basic ?")), Login::Refused),
            (None, Login::Refused),
        ];
        for (header, expected) in cases {
            assert_eq!(
                logins.verify(&users, header.as_ref()).await,
                expected,
                "{header:?}"
            );
        }
        // What is remembered goes with the hash.
        let changed = BTreeMap::from([("ada".to_owned(), hashed("another", 4))]);
        let old = basic("ada", "correct");
        assert_eq!(logins.verify(&changed, Some(&old)).await, Login::Refused);
    }

    #[tokio::test]
    async fn fault_89_an_unknown_user_takes_as_long_as_a_known_one() {
        let (logins, users) = (Logins::new().unwrap(), users());
        let mut took = BTreeMap::new();
        for _ in 0..5 {
            for user in ["ada", "bob", "eve"] {
                let header = basic(user, "wrong");
                let start = Instant::now();
                assert_eq!(logins.verify(&users, Some(&header)).await, Login::Refused);
                let best = took.entry(user).or_insert(Duration::MAX);
                *best = start.elapsed().min(*best);
            }
        }
        let (least, most) = (took.values().min().unwrap(), took.values().max().unwrap());
        // Cost 6 alone would be an eighth of cost 9.
        assert!(*most < *least * 2, "{took:?}");
    }

    #[tokio::test]
    async fn fault_90_a_flood_of_logins_is_capped_and_known_ones_pass() {
        let (logins, users) = (Arc::new(Logins::new().unwrap()), Arc::new(users()));
        let known = basic("ada", "correct");
        assert_eq!(logins.verify(&users, Some(&known)).await, Login::Welcome);
        let flood: Vec<_> = (0..200)
            .map(|n| {
                let (logins, users) = (Arc::clone(&logins), Arc::clone(&users));
                tokio::spawn(async move {
                    logins
                        .verify(&users, Some(&basic("eve", &n.to_string())))
                        .await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(logins.verify(&users, Some(&known)).await, Login::Welcome);
        let mut busy = 0;
        for login in flood {
            let login = login.await.unwrap();
            assert_ne!(login, Login::Welcome);
            busy += usize::from(login == Login::Busy);
        }
        assert!(
            (200 - PENDING_MAX - 20..=200 - PENDING_MAX).contains(&busy),
            "{busy} of 200"
        );
    }
}
