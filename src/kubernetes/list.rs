//! Lists of the API: in pages, each object read for itself.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks>

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::client::{Cluster, REQUEST_DEADLINE, Session};
use super::failure::{Failure, FailureKind, Status};
use crate::document::value::nullable;
use crate::http_client::{BodyError, body, segment};

/// Objects of a page; halved where a page is too large.
pub(super) const PAGE: usize = 500;
/// Pages of a list: of lists that come in pages of one object, more than enough.
const PAGES_MAX: usize = 50_000;
/// Bytes of a page.
const PAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A list of the API, or what a watch is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    /// The API group's path: `/api/v1`, `/apis/apps/v1`.
    pub(crate) group: &'static str,
    /// The resource, as in the path: `pods`.
    pub(crate) resource: &'static str,
    /// The one namespace; `None` for all, and for what is in none.
    pub(crate) namespace: Option<String>,
    /// `""` for all.
    pub(crate) label_selector: String,
    /// `""` for all.
    pub(crate) field_selector: String,
}

impl List {
    /// Everything of a resource.
    pub(crate) fn all(group: &'static str, resource: &'static str) -> Self {
        Self {
            group,
            resource,
            namespace: None,
            label_selector: String::new(),
            field_selector: String::new(),
        }
    }

    pub(super) fn path(&self) -> String {
        let (group, resource) = (self.group, self.resource);
        match &self.namespace {
            Some(namespace) => {
                format!("{group}/namespaces/{}/{resource}", segment(namespace))
            }
            None => format!("{group}/{resource}"),
        }
    }

    /// `list pods in namespace shop`: what is being done, for an error.
    pub(super) fn doing(&self, verb: &str) -> String {
        match &self.namespace {
            Some(namespace) => format!("{verb} {} in namespace {namespace}", self.resource),
            None => format!("{verb} {}", self.resource),
        }
    }

    pub(super) fn selectors(&self) -> Vec<(&'static str, &str)> {
        let selectors = [
            ("labelSelector", self.label_selector.as_str()),
            ("fieldSelector", self.field_selector.as_str()),
        ];
        let set = selectors.into_iter().filter(|(_, text)| !text.is_empty());
        set.collect()
    }
}

/// An object's place in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// `""` of what is in none.
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
}

/// An object of a list or of an event, as it came, with what every object says.
pub(crate) struct Object<'a> {
    pub(crate) key: Key,
    pub(super) resource_version: String,
    /// The text of the whole object.
    pub(crate) json: &'a str,
}

#[derive(Deserialize)]
struct Head {
    metadata: HeadMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadMetadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    resource_version: String,
}

impl<'a> Object<'a> {
    /// What every object says of itself.
    pub(super) fn read(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let head: Head = serde_json::from_str(raw.get())?;
        Ok(Self {
            key: Key {
                namespace: head.metadata.namespace.into(),
                name: head.metadata.name.into(),
            },
            resource_version: head.metadata.resource_version,
            json: raw.get(),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    metadata: PageMetadata,
    /// Empty as `null`, never missing.
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) items: Vec<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PageMetadata {
    resource_version: String,
    #[serde(rename = "continue")]
    next: String,
}

/// Where a list goes on.
pub(super) struct Position {
    limit: usize,
    next: String,
    /// How many there were.
    pages: usize,
}

/// What comes after a page.
pub(super) enum After {
    Page(Position),
    /// Nothing: the version that the list is of.
    End(String),
}

impl Position {
    pub(super) fn start() -> Self {
        Self {
            limit: PAGE,
            next: String::new(),
            pages: 0,
        }
    }

    /// After a page.
    pub(super) fn after(self, list: &List, page: Page<'_>) -> Result<After, Failure> {
        let PageMetadata {
            resource_version,
            next,
        } = page.metadata;
        let pages = self.pages + 1;
        let endless = |why: String| Failure::new(FailureKind::Malformed, &list.doing("list"), why);
        if next.is_empty() {
            Ok(After::End(resource_version))
        } else if next == self.next {
            Err(endless(format!(
                "page {pages} names itself as the next page"
            )))
        } else if pages == PAGES_MAX {
            Err(endless(format!("there are more than {PAGES_MAX} pages")))
        } else {
            Ok(After::Page(Self {
                limit: self.limit,
                next,
                pages,
            }))
        }
    }
}

/// Asks for a page, and again for a smaller one while it is too large.
pub(super) async fn fetch(
    session: &Session,
    list: &List,
    position: &mut Position,
) -> Result<Vec<u8>, Failure> {
    let doing = list.doing("list");
    loop {
        let limit = position.limit.to_string();
        let mut query = list.selectors();
        query.push(("limit", &limit));
        if !position.next.is_empty() {
            query.push(("continue", &position.next));
        }
        let response = session
            .get(&doing, &list.path(), &query, REQUEST_DEADLINE)
            .await?;
        match body(response, PAGE_BYTES_MAX).await {
            Ok(body) => return Ok(body),
            Err(BodyError::TooLarge(_)) if position.limit > 1 => position.limit /= 2,
            Err(error @ BodyError::TooLarge(_)) => {
                return Err(Failure::new(FailureKind::Limit, &doing, error));
            }
            Err(error @ BodyError::Failed(_)) => {
                return Err(Failure::new(FailureKind::Unreachable, &doing, error));
            }
        }
    }
}

/// A whole list, its objects as the reader wants them. One that changed too much meanwhile is begun anew, once (410).
/// An object that does not read fails the list: who asks for all of them would not miss it.
pub(crate) async fn all<T: DeserializeOwned>(
    cluster: &Cluster,
    list: &List,
    objects_max: usize,
) -> Result<Vec<T>, Failure> {
    let first = pages(cluster, list, objects_max).await;
    match first {
        Err(failure) if failure.kind == FailureKind::Gone => {
            pages(cluster, list, objects_max).await
        }
        found => found,
    }
}

async fn pages<T: DeserializeOwned>(
    cluster: &Cluster,
    list: &List,
    objects_max: usize,
) -> Result<Vec<T>, Failure> {
    let doing = list.doing("list");
    let session = cluster.session(&doing).await?;
    let (mut found, mut position) = (Vec::new(), Position::start());
    loop {
        let body = match fetch(&session, list, &mut position).await {
            Err(failure) if failure.kind == FailureKind::Unauthorized => {
                cluster.forget_credentials().await;
                return Err(failure);
            }
            fetched => fetched?,
        };
        let page = read(list, &body)?;
        for raw in &page.items {
            let object = serde_json::from_str(raw.get()).map_err(|error| {
                let named = Object::read(raw)
                    .map(|object| object.key)
                    .unwrap_or_default();
                let why = format!("`{}/{}`: {error}", named.namespace, named.name);
                Failure::new(FailureKind::Malformed, &doing, why)
            })?;
            found.push(object);
        }
        if found.len() > objects_max {
            let why = format!("more than {objects_max} objects");
            return Err(Failure::new(FailureKind::Limit, &doing, why));
        }
        match position.after(list, page)? {
            After::Page(next) => position = next,
            After::End(_) => return Ok(found),
        }
    }
}

/// The objects of a page, each as it came.
pub(super) fn read<'a>(list: &List, body: &'a [u8]) -> Result<Page<'a>, Failure> {
    let doing = list.doing("list");
    serde_json::from_slice(body).map_err(|error| match Status::of(body) {
        // What stands between us and the server may say with 200 that something failed.
        Some(said) => Failure::said(&doing, said.code, &said),
        None => {
            let why = format!("the answer is no list: {error}");
            Failure::new(FailureKind::Malformed, &doing, why)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods() -> List {
        List::all("/api/v1", "pods")
    }

    #[test]
    fn what_is_no_list_is_no_empty_one() {
        for (answer, expected) in [
            (r#"{"kind": "PodList", "items": []}"#, Ok(0)),
            (r#"{"kind": "PodList", "items": null}"#, Ok(0)),
            (r#"{"kind": "PodList", "items": [{}]}"#, Ok(1)),
            (
                r#"{"kind": "Status", "status": "Failure", "code": 500, "message": "etcd is away"}"#,
                Err("list pods: the server answered 500: etcd is away"),
            ),
            (
                r#"{"kind": "PodList"}"#,
                Err("list pods: the answer is no list: missing field `items`"),
            ),
            (
                "{}",
                Err("list pods: the answer is no list: missing field `items`"),
            ),
            ("7", Err("list pods: the answer is no list: invalid type")),
        ] {
            let found = read(&pods(), answer.as_bytes()).map(|page| page.items.len());
            match (found, expected) {
                (Ok(count), Ok(expected)) => assert_eq!(count, expected, "{answer}"),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().starts_with(expected), "{error}");
                }
                (found, expected) => panic!("{answer}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn pages_come_to_an_end() {
        let page = |next: &str| Page {
            metadata: PageMetadata {
                resource_version: "7".to_owned(),
                next: next.to_owned(),
            },
            items: Vec::new(),
        };
        let after = |position: Position, next: &str| match position.after(&pods(), page(next)) {
            Ok(After::Page(next)) => next,
            Ok(After::End(version)) => panic!("ended at {version}"),
            Err(failure) => panic!("{failure}"),
        };
        let second = after(Position::start(), "a");
        let circle = second.after(&pods(), page("a")).err().unwrap();
        assert_eq!(
            circle.to_string(),
            "list pods: page 2 names itself as the next page"
        );
        let last = Position {
            pages: PAGES_MAX - 1,
            ..Position::start()
        };
        let many = last.after(&pods(), page("b")).err().unwrap();
        assert!(
            many.to_string().ends_with("more than 50000 pages"),
            "{many}"
        );
    }
}
