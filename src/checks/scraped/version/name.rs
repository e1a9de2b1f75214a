//! What a family's name promises about a version: whose, and of what.

use crate::checks::naming::family::{Family, Part};
use crate::checks::naming::namespace::Namespace;
use crate::checks::naming::products::{BACKENDS, LIBRARIES, PRODUCTS, RUNTIMES};
use crate::checks::naming::role::Role as About;
use crate::checks::naming::words::{Words, singular};
use crate::checks::subject::Subject;

/// What a family's name promises about a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its labels may carry the application's version.
    Candidate,
    /// The main module of a Go program: `go_build_info{path,version}`.
    MainModule,
    /// It carries a version, of something else.
    SomethingElse(&'static str),
    /// It carries the version of the exporter that speaks for the service.
    Exporter,
    /// The series that the configuration names as proof.
    Configured,
}

/// Last words of a name that promise a version or an identity.
const ENDINGS: Words = Words("info information build buildinfo version versions static release");

/// What may stand between the name of a service and such an ending: the whole of it.
const WHOLE: Words = Words(
    "app application backend binary core current daemon deployment engine frontend instance main primary process product program \
     running server service software system web worker",
);

/// What may stand alone before such an ending: whatever program exposes it.
const ANYBODY: Words = Words(
    "app application backend instance main microservice product program server service software target web",
);

/// Things that have a version of their own, and are not the program that exposes it.
const THINGS: Words = Words(
    "agent agents api artifact asset assets bundle chart client cluster config configuration data database dataset db \
     dependency dictionary driver exporter firmware format image index kernel library manifest model module os plugin \
     policy protocol schema sdk spec template tenant theme tls",
);

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    if let Some(configured) = &subject.series.version {
        if family.is_named(configured) {
            return Some(Role::Configured);
        }
        // Only the configured series proves: a typo in it must show. The rest is the nearest thing.
        let usual = usual_role(family, subject)?;
        return Some(match usual {
            Role::Candidate | Role::MainModule => {
                Role::SomethingElse("is not the series that the configuration names")
            }
            Role::SomethingElse(_) | Role::Exporter | Role::Configured => usual,
        });
    }
    usual_role(family, subject)
}

fn usual_role(family: &Family, subject: &Subject) -> Option<Role> {
    match family.part {
        Part::Plain | Part::Total => {}
        Part::Bucket | Part::Sum | Part::Count | Part::Created => return None,
    }
    let ending = Ending::of(family)?;
    if family.stem.ends_with("go_build_info") {
        return Some(Role::MainModule);
    }
    match family.role {
        About::Runtime => {
            return Some(Role::SomethingElse(
                "is the runtime's version, not the service's",
            ));
        }
        About::Plumbing | About::Inventory => {
            return Some(Role::SomethingElse(family.role.describe()));
        }
        About::Outbound | About::Internal | About::Served | About::Work | About::Other => {}
    }
    if let Some(exporter) = exporter(&family.stem)
        && subject.is_known()
        && !subject.is(exporter)
    {
        return Some(Role::Exporter);
    }
    Some(match ending.is_of_something_else(family) {
        Some(why) => Role::SomethingElse(why),
        None => Role::Candidate,
    })
}

/// `postgres_exporter` of `postgres_exporter_build_info`.
fn exporter(stem: &str) -> Option<&str> {
    let name = stem
        .strip_suffix("_build_info")
        .or_else(|| stem.strip_suffix("_info"))?;
    name.ends_with("_exporter").then_some(name)
}

/// How a version-like name ends.
#[derive(Debug, Clone, Copy)]
struct Ending {
    /// Words of the ending.
    words: usize,
    /// It is a build, and so of a program.
    is_build: bool,
}

impl Ending {
    /// `None` where the name ends otherwise.
    fn of(family: &Family) -> Option<Self> {
        let words: Vec<&str> = family.words().collect();
        let stamped = words.ends_with(&["build", "timestamp"]);
        let behind = words
            .iter()
            .rposition(|word| !ENDINGS.has(word))
            .map_or(0, |at| at + 1);
        let count = if stamped { 2 } else { words.len() - behind };
        let ending = &words[words.len() - count..];
        (count > 0).then(|| Self {
            words: count,
            is_build: ending
                .iter()
                .any(|word| matches!(*word, "build" | "buildinfo")),
        })
    }

    /// Why the version is not the whole program's, by the words before the ending.
    fn is_of_something_else(self, family: &Family) -> Option<&'static str> {
        let all: Vec<&str> = family.words().collect();
        let head = &all[..all.len() - self.words];
        let behind = family.rest().count().saturating_sub(self.words);
        let between = match family.namespace {
            Namespace::Generic => head,
            // The service's name, a product's or an unknown author's stands for the program.
            Namespace::Own | Namespace::Related | Namespace::Other | Namespace::Product => {
                &head[head.len() - behind.min(head.len())..]
            }
        };
        let is_own = family.namespace == Namespace::Own;
        let own_word = |word: &str| head.iter().any(|own| is_namesake(own, word, family));
        // Inside the service's own name, a product is one that it runs or calls.
        let is_part = |word: &str| {
            // The build of an API is of the program that answers it; its version is that of a contract.
            (is_thing(word) && word != "api") || (is_own && PRODUCTS.has(word))
        };
        // Products run on nodes; elsewhere Node is the runtime.
        let is_product = head.iter().take(1).any(|first| PRODUCTS.has(first));
        // Of a plugin that has its own name too, as `playbooks_plugin_system_playbook_instance`.
        let is_named_plugin = between.len() > 1;
        let is_whole_word = |word: &str| {
            WHOLE.has(word)
                || own_word(word)
                || (word == "node" && is_product)
                || (word == "plugin" && is_named_plugin)
        };
        let is_whole = match (family.namespace, self.is_build) {
            (Namespace::Generic, _) => match between {
                // What a framework calls the application: `symfony_app_version`, not `symfony_version`.
                [_, "app" | "application"] => true,
                _ => between.iter().all(|word| ANYBODY.has(word)),
            },
            (Namespace::Other, _) if head.iter().take(1).any(|first| is_thing(first)) => false,
            // A build is of a program, which may be called by more words than its namespace.
            (_, true) => !between.iter().any(|word| is_part(word)),
            (_, false) => between.iter().all(|word| is_whole_word(word)),
        };
        let is_runtime = between.iter().any(|word| RUNTIMES.has(word));
        match (is_runtime, is_whole) {
            (true, _) => Some("is the runtime's version, not the service's"),
            (false, false) => Some("is about a part of the service, not about its version"),
            (false, true) => None,
        }
    }
}

/// `playbooks_plugin_system_playbook_instance`: the first word once more, in whatever number.
fn is_namesake(own: &str, word: &str, family: &Family) -> bool {
    family.words().next() == Some(own) && singular(own) == singular(word)
}

fn is_thing(word: &str) -> bool {
    THINGS.has(word) || LIBRARIES.has(word) || (BACKENDS.has(word) && !PRODUCTS.has(word))
}
