//! Which file of a crate imports what from which other: read from the tokens of its sources.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The names that one file takes from another.
pub(super) type Names = BTreeSet<String>;

/// For each file what it imports, by the file that it imports it from.
pub(super) type Imports = BTreeMap<String, BTreeMap<String, Names>>;

/// The imports among these files, paths relative to the crate's source folder. Unit tests are left
/// out: they may use anything.
pub(super) fn imports(files: &BTreeMap<String, String>) -> Imports {
    let modules: BTreeMap<Vec<String>, &str> = files
        .keys()
        .filter(|file| *file != "main.rs")
        .map(|file| (module(file), file.as_str()))
        .collect();
    let mut imports = Imports::new();
    for (file, text) in files.iter().filter(|(file, _)| !is_test(file)) {
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader = Reader {
            modules: &modules,
            file,
            named: BTreeMap::new(),
            found: BTreeMap::new(),
        };
        // A module may be imported below the place where its name is used: twice reads them all.
        reader.read(&module(file), tokens.clone());
        reader.read(&module(file), tokens);
        imports.insert(file.clone(), reader.found);
    }
    imports
}

/// Files and folders named `tests` hold unit tests.
fn is_test(file: &str) -> bool {
    let stem = file.trim_end_matches(".rs");
    stem.split('/').any(|part| part == "tests")
}

/// `a/b.rs` and `a/b/mod.rs` are both `a::b`; `lib.rs` is the root.
fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    match path {
        "lib" | "main" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

struct Reader<'a> {
    modules: &'a BTreeMap<Vec<String>, &'a str>,
    file: &'a str,
    /// The modules that were imported, by the name that they have here.
    named: BTreeMap<String, Vec<String>>,
    found: BTreeMap<String, Names>,
}

impl Reader<'_> {
    /// Reads the tokens of a module: paths that begin with `crate`, `self`, `super`, the crate's own
    /// name or a module that is declared or imported here.
    fn read(&mut self, here: &[String], tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let Some(after) = test_item(&tokens, at) {
                at = after;
                continue;
            }
            if let Some(what) = unreadable(&tokens, at) {
                panic!("{}: `{what}` hides what is imported", self.file);
            }
            match &tokens[at] {
                word if is_word(word, "mod") => {
                    if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                        (tokens.get(at + 1), tokens.get(at + 2))
                    {
                        let inner = [here, &[name.to_string()]].concat();
                        self.read(&inner, body.stream());
                        at += 3;
                        continue;
                    }
                }
                TokenTree::Ident(word) if !continues_a_path(&tokens, at) => {
                    let start = self.start(here, &word.to_string());
                    if let Some(start) = start
                        && is_path_separator(&tokens, at + 1)
                    {
                        at = self.follow(start, &tokens, at + 3);
                        continue;
                    }
                }
                // Who may see an item is no import.
                TokenTree::Group(_) if at > 0 && is_word(&tokens[at - 1], "pub") => {}
                TokenTree::Group(group) => self.read(here, group.stream()),
                TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    /// The module that the first word of a path means.
    fn start(&self, here: &[String], word: &str) -> Option<Vec<String>> {
        let child = || {
            let child = [here, &[word.to_owned()]].concat();
            self.modules.contains_key(&child).then_some(child)
        };
        match word {
            "crate" | "manifesto_exporter" => Some(Vec::new()),
            "self" => Some(here.to_vec()),
            "super" => Some(here[..here.len().saturating_sub(1)].to_vec()),
            _ => child().or_else(|| self.named.get(word).cloned()),
        }
    }

    /// Follows a path from a module on; returns where it ends among the tokens.
    fn follow(&mut self, mut module: Vec<String>, tokens: &[TokenTree], mut at: usize) -> usize {
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) => {
                    let word = word.to_string();
                    let inner = [&module[..], std::slice::from_ref(&word)].concat();
                    if word == "super" {
                        module.pop();
                    } else if self.modules.contains_key(&inner) {
                        module = inner;
                    } else if word != "self" {
                        self.found(&module, word);
                        return at + 1;
                    }
                    if !is_path_separator(tokens, at + 1) {
                        self.found(&module, "self".to_owned());
                        self.name(module, tokens, at + 1);
                        return at + 1;
                    }
                    at += 3;
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for path in inner.split(|token| is_punct(token, ',')) {
                        if !path.is_empty() {
                            self.follow(module.clone(), path, 0);
                        }
                    }
                    return at + 1;
                }
                _ => {
                    self.found(&module, "*".to_owned());
                    return at;
                }
            }
        }
    }

    /// Notes the name of an imported module, which `as` may follow.
    fn name(&mut self, module: Vec<String>, tokens: &[TokenTree], at: usize) {
        let renamed = tokens.get(at).is_some_and(|token| is_word(token, "as"));
        let name = match tokens.get(at + 1) {
            Some(TokenTree::Ident(name)) if renamed => Some(name.to_string()),
            _ => module.last().cloned(),
        };
        self.named.extend(name.map(|name| (name, module)));
    }

    fn found(&mut self, module: &[String], name: String) {
        if let Some(file) = self.modules.get(module)
            && *file != self.file
        {
            let names = self.found.entry((*file).to_owned()).or_default();
            names.insert(name);
        }
    }
}

/// Where the item ends that `#[cfg(test)]` at this place concerns.
fn test_item(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let TokenTree::Group(attribute) = tokens.get(at + 1)? else {
        return None;
    };
    if !is_punct(&tokens[at], '#') || attribute.stream().to_string().replace(' ', "") != "cfg(test)"
    {
        return None;
    }
    // It may concern a field, an argument or an arm as well: then only the attribute is passed over.
    let begins = tokens[at + 2..].iter().find_map(|token| match token {
        TokenTree::Ident(word) if *word != "pub" => Some(word.to_string()),
        _ => None,
    });
    if !begins.is_some_and(|word| ITEMS.contains(&word.as_str())) {
        return Some(at + 2);
    }
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    };
    let length = tokens[at + 2..].iter().position(ends)?;
    Some(at + 2 + length + 1)
}

/// What an item begins with.
const ITEMS: [&str; 12] = [
    "async", "const", "enum", "extern", "fn", "impl", "mod", "static", "struct", "trait", "type",
    "use",
];

/// What begins here and names other files in a way that is not read.
fn unreadable(tokens: &[TokenTree], at: usize) -> Option<&'static str> {
    let next = tokens.get(at + 1)?;
    let is_path = |attribute: &TokenStream| {
        let first = attribute.clone().into_iter().next();
        first.is_some_and(|first| is_word(&first, "path"))
    };
    match (&tokens[at], next) {
        (word, next) if is_word(word, "crate") && is_word(next, "as") => Some("crate as"),
        (word, next) if is_word(word, "extern") && is_word(next, "crate") => Some("extern crate"),
        (word, next) if is_word(word, "include") && is_punct(next, '!') => Some("include!"),
        (hash, TokenTree::Group(attribute))
            if is_punct(hash, '#') && is_path(&attribute.stream()) =>
        {
            Some("#[path]")
        }
        _ => None,
    }
}

/// Whether the word here goes on a path or a field access: its first word says where it leads. After
/// `..` another begins.
fn continues_a_path(tokens: &[TokenTree], at: usize) -> bool {
    let is_dot = |back: usize| {
        let before = at.checked_sub(back).and_then(|before| tokens.get(before));
        before.is_some_and(|token| is_punct(token, '.'))
    };
    let after_colons = at
        .checked_sub(2)
        .is_some_and(|before| is_path_separator(tokens, before));
    is_dot(1) && !is_dot(2) || after_colons
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |at: usize| tokens.get(at).is_some_and(|token| is_punct(token, ':'));
    is_colon(at) && is_colon(at + 1)
}

fn is_word(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(word) if word == wanted)
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}
