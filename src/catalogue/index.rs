//! Every service that is written down, by name and alias.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::entry::Entry;
use super::{backstage, files, own};
use crate::document::DocumentError;
use crate::document::yaml::Source;

/// Every service that is written down, by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalogue {
    entries: BTreeMap<String, Arc<Entry>>,
    /// Names that each alias means.
    aliases: HashMap<String, String>,
    /// Whether there is a catalogue at all: without one, nothing is missing from it.
    pub is_configured: bool,
    /// What was passed over, a sentence each.
    pub warnings: Vec<String>,
}

impl Catalogue {
    /// Reads the files that paths and patterns name.
    pub fn load(paths: &[PathBuf]) -> Result<Self, DocumentError> {
        let mut catalogue = Catalogue {
            is_configured: !paths.is_empty(),
            ..Catalogue::default()
        };
        let mut teams = backstage::Teams::default();
        let mut warnings = Vec::new();
        files::each_file("catalogue", paths, &mut warnings, |source| {
            catalogue.read(source, &mut teams)
        })?;
        catalogue.warnings = warnings;
        catalogue.fill_owners(&teams);
        Ok(catalogue)
    }

    fn read(
        &mut self,
        source: Source<'_>,
        teams: &mut backstage::Teams,
    ) -> Result<(), DocumentError> {
        let found = match backstage::is_backstage(source.text) {
            true => backstage::read(source, teams)?,
            false => own::read(source)?,
        };
        for (entry, location) in found {
            let mut environments = HashSet::new();
            if let Some(twice) = entry.environments.iter().find(|e| !environments.insert(*e)) {
                let message = format!("environment `{twice}` is named twice");
                return Err(source.error(location, message));
            }
            if let Some(other) = self.taken(&entry) {
                return Err(source.error(location, other));
            }
            for alias in &entry.aliases {
                self.aliases.insert(alias.clone(), entry.name.clone());
            }
            self.entries.insert(entry.name.clone(), Arc::new(entry));
        }
        Ok(())
    }

    /// Which of an entry's names means another service already.
    fn taken(&self, entry: &Entry) -> Option<String> {
        let mut own = HashSet::new();
        entry.aliases.iter().chain([&entry.name]).find_map(|name| {
            if !own.insert(name) {
                return Some(format!("`{name}` names the service twice"));
            }
            let known = self.find(name)?;
            Some(format!(
                "`{name}` already means service `{}`, written down at {}",
                known.name, known.place
            ))
        })
    }

    /// Backstage names a group as the owner, and its members elsewhere.
    fn fill_owners(&mut self, teams: &backstage::Teams) {
        for entry in self.entries.values_mut() {
            if entry.owners.is_empty()
                && let Some(members) = teams.members(&entry.team)
            {
                Arc::make_mut(entry).owners = members;
            }
        }
    }

    /// The service that a name or alias means.
    pub fn find(&self, name: &str) -> Option<&Arc<Entry>> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.entries.get(name)
    }

    /// A catalogue of one service alone.
    pub fn only(&self, name: &str) -> Catalogue {
        let entry = self.find(name);
        Catalogue {
            entries: entry
                .map(|entry| (entry.name.clone(), Arc::clone(entry)))
                .into_iter()
                .collect(),
            is_configured: self.is_configured,
            ..Catalogue::default()
        }
    }

    /// Every service, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> Result<Catalogue, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let shown = format!("{}/", folder.path().display());
        Catalogue::load(&[folder.path().join("*.yaml")])
            .map_err(|error| error.to_string().replace(&shown, ""))
    }

    #[test]
    fn both_formats_make_one_catalogue() {
        let catalogue = load(&[
            (
                "own.yaml",
                "services:\n- name: checkout\n  aliases: [shop-checkout]\n  team: payments\n  tier: critical\n  \
                 owners: [ann, bob]\n  external_slo: 99.9%\n  environments: [production]\n",
            ),
            (
                "catalog-info.yaml",
                "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: ledger\n  annotations:\n    \
                 manifesto/tier: tier-2\nspec:\n  type: service\n  owner: group:default/books\n---\napiVersion: \
                 backstage.io/v1alpha1\nkind: Group\nmetadata: {name: books}\nspec: {type: team, members: [cyd, dee]}\n",
            ),
        ])
        .unwrap();
        let names: Vec<&str> = catalogue.entries().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["checkout", "ledger"]);
        let checkout = catalogue.find("shop-checkout").unwrap();
        assert_eq!(
            (&*checkout.team, &*checkout.tier, checkout.external_slo),
            ("payments", "critical", Some(0.999))
        );
        let ledger = catalogue.find("ledger").unwrap();
        assert_eq!((&*ledger.team, &*ledger.tier), ("books", "tier-2"));
        assert_eq!(ledger.owners, ["cyd", "dee"]);
        assert!(catalogue.find("other").is_none());
    }

    #[test]
    fn a_name_means_one_service() {
        let twice = load(&[
            ("a.yaml", "services:\n- name: checkout\n"),
            (
                "b.yaml",
                "services:\n- name: ledger\n  aliases: [checkout]\n",
            ),
        ]);
        assert_eq!(
            twice.unwrap_err(),
            "b.yaml:2:9: `checkout` already means service `checkout`, written down at a.yaml:2\n  \
             |\n2 | - name: ledger\n  |         ^^^^^^"
        );
    }
}
