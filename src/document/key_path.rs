//! The keys that lead to a place of a document. Looked for where an error says no more than line and
//! column: keeping track of keys while every document is read would cost far more code than this.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, Options, Spanned};

/// Levels of a document that is looked through: each takes a frame of the stack, and no setting of ours stands deeper.
const DEPTH_MAX: usize = 24;

/// A document, as far as keys and places go.
enum Node {
    Scalar,
    List(Vec<Spanned<Node>>),
    Mapping(Vec<(Spanned<String>, Spanned<Node>)>),
}

/// The keys that lead to the value at a location, or to the mapping of the key there, as in
/// `scrape_configs[0].params`; empty for the whole document, and where nothing is found.
pub(super) fn key_path(text: &str, mut options: Options, at: Location) -> String {
    // What is wrong may be that a key stands twice.
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = DEPTH_MAX;
    }
    let mut keys = Vec::new();
    match serde_saphyr::from_str_with_options::<Spanned<Node>>(text, options) {
        Ok(document) if find(&document, at, &mut keys) => {
            keys.concat().trim_start_matches('.').to_owned()
        }
        Ok(_) | Err(_) => String::new(),
    }
}

/// Whether the place is this node or within it; then `keys` lead there.
fn find(node: &Spanned<Node>, at: Location, keys: &mut Vec<String>) -> bool {
    let is_at =
        |location: Location| (location.line(), location.column()) == (at.line(), at.column());
    let mut within = |step: String, node: &Spanned<Node>| {
        keys.push(step);
        let found = find(node, at, keys);
        if !found {
            keys.pop();
        }
        found
    };
    is_at(node.referenced)
        || match &node.value {
            Node::Scalar => false,
            Node::List(nodes) => {
                let mut nodes = nodes.iter().enumerate();
                nodes.any(|(index, node)| within(format!("[{index}]"), node))
            }
            Node::Mapping(entries) => {
                let mut entries = entries.iter();
                entries.any(|(key, node)| {
                    is_at(key.referenced) || within(format!(".{}", key.value), node)
                })
            }
        }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = mapping.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Mapping(entries))
    }
}
