//! The files of AWS's tools, `~/.aws/config` and `~/.aws/credentials`: sections of keys with values.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::environment::Environment;

/// Bytes of a file.
const BYTES_MAX: u64 = 1024 * 1024;

type Section = BTreeMap<String, String>;

/// What the files say of each profile.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    profiles: BTreeMap<String, Section>,
    /// Where they were looked for.
    places: Vec<String>,
}

/// A profile's settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile<'a> {
    pub(super) name: &'a str,
    settings: &'a Section,
}

impl<'a> Profile<'a> {
    /// A setting that says something.
    pub(super) fn get(self, key: &str) -> Option<&'a str> {
        let value = self.settings.get(key)?;
        (!value.is_empty()).then_some(value.as_str())
    }
}

impl Profiles {
    /// Reads the files, which need not be there.
    pub(super) fn read(environment: &Environment) -> Result<Self, String> {
        let mut found = Self::default();
        let files = [
            ("AWS_CONFIG_FILE", "config", Kind::Config),
            (
                "AWS_SHARED_CREDENTIALS_FILE",
                "credentials",
                Kind::Credentials,
            ),
        ];
        for (variable, name, kind) in files {
            let Some(path) = environment.file(variable, name) else {
                continue;
            };
            let text = read(&path).map_err(|error| format!("`{}`: {error}", path.display()))?;
            found.add(&text, kind);
            found.places.push(path.display().to_string());
        }
        Ok(found)
    }

    #[cfg(test)]
    pub(super) fn of_config(text: &str) -> Self {
        let mut found = Self::default();
        found.add(text, Kind::Config);
        found.places.push("the test".to_owned());
        found
    }

    fn add(&mut self, text: &str, kind: Kind) {
        for (name, section) in sections(text, kind) {
            self.profiles.entry(name).or_default().extend(section);
        }
    }

    /// A profile. The one that nobody asked for by name need not be there.
    pub(super) fn get<'a>(&'a self, name: Option<&'a str>) -> Result<Profile<'a>, String> {
        const NOTHING: &Section = &Section::new();
        let settings = match (name, self.profiles.get(name.unwrap_or(DEFAULT))) {
            (_, Some(settings)) => settings,
            (None, None) => NOTHING,
            (Some(name), None) => {
                return Err(match self.places.is_empty() {
                    true => format!("profile `{name}`: neither HOME nor AWS_CONFIG_FILE is set"),
                    false => format!("profile `{name}` is not in {}", self.places.join(" or ")),
                });
            }
        };
        Ok(Profile {
            name: name.unwrap_or(DEFAULT),
            settings,
        })
    }
}

const DEFAULT: &str = "default";

/// Which file it is: one calls a section `profile NAME`, the other `NAME`.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Config,
    Credentials,
}

fn read(path: &Path) -> Result<String, std::io::Error> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > BYTES_MAX {
        true => Err(std::io::Error::other(format!(
            "larger than {BYTES_MAX} bytes"
        ))),
        false => Ok(text),
    }
}

/// The profiles of a file. Sections of other kinds are passed over, and settings that are lists of others.
fn sections(text: &str, kind: Kind) -> Vec<(String, Section)> {
    let mut found: Vec<(String, Section)> = Vec::new();
    let mut within = false;
    for line in text.lines() {
        let nested = line.starts_with([' ', '\t']);
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        if let Some(title) = line.strip_prefix('[') {
            let title = title.split(']').next().unwrap_or(title);
            let name = profile_name(title, kind);
            within = name.is_some();
            found.extend(name.map(|name| (name, Section::new())));
        } else if within
            && !nested
            && let Some((key, value)) = line.split_once('=')
            && let Some((_, section)) = found.last_mut()
        {
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

fn profile_name(title: &str, kind: Kind) -> Option<String> {
    let title = title.trim();
    let name = match kind {
        Kind::Credentials => title,
        Kind::Config if title == DEFAULT => title,
        Kind::Config => title
            .strip_prefix("profile")?
            .strip_prefix(char::is_whitespace)?,
    };
    // A name with spaces is in quotes.
    let name = name.trim();
    let quoted = ['"', '\''].iter().find_map(|quote| {
        let inner = name.strip_prefix(*quote)?;
        inner.strip_suffix(*quote)
    });
    match quoted {
        Some(name) => Some(name.to_owned()),
        None => (!name.is_empty() && !name.contains(char::is_whitespace)).then(|| name.to_owned()),
    }
}

/// A comment takes a whole line, or begins after white space.
fn without_comment(line: &str) -> &str {
    if line.starts_with(['#', ';']) {
        return "";
    }
    let marks = [" #", " ;", "\t#", "\t;"];
    let first = marks.iter().filter_map(|mark| line.find(mark)).min();
    first.map_or(line, |end| &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
# comment
[default]
region = eu-central-1  ; here

[profile  ops]
ROLE_ARN=arn:aws:iam::1:role/ops
source_profile = default
services = local
s3 =
  max_concurrent_requests = 20
[services local]
ec2 =
  endpoint_url = http://localhost:4566
[sso-session x]
sso_region = us-east-1
[profile 'with quotes']
region = ap-south-1
[bare]
region = us-west-2
";

    fn profiles() -> Profiles {
        let mut found = Profiles::default();
        found.add(CONFIG, Kind::Config);
        let credentials = "[default]\naws_access_key_id = AKID\naws_secret_access_key = a=b#c\n\n[ops]\nregion = us-east-2\n";
        found.add(credentials, Kind::Credentials);
        found.places = vec!["/c".to_owned(), "/k".to_owned()];
        found
    }

    #[test]
    fn both_files_say_of_a_profile() {
        let found = profiles();
        let default = found.get(None).unwrap();
        assert_eq!(default.get("region"), Some("eu-central-1"));
        assert_eq!(default.get("aws_secret_access_key"), Some("a=b#c"));
        let ops = found.get(Some("ops")).unwrap();
        assert_eq!(ops.get("role_arn"), Some("arn:aws:iam::1:role/ops"));
        // The credentials win.
        assert_eq!(ops.get("region"), Some("us-east-2"));
        // What is within a setting is none of the profile.
        assert_eq!(
            [ops.get("s3"), ops.get("max_concurrent_requests")],
            [None; 2]
        );
        assert_eq!(ops.get("endpoint_url"), None);
        assert_eq!(ops.get("sso_region"), None);
        let quoted = found.get(Some("with quotes")).unwrap();
        assert_eq!(quoted.get("region"), Some("ap-south-1"));
    }

    #[test]
    fn a_profile_that_is_not_there_is_looked_for_in_vain() {
        let found = profiles();
        let error = found.get(Some("bare")).unwrap_err();
        assert_eq!(error, "profile `bare` is not in /c or /k");
        assert!(Profiles::default().get(None).is_ok());
    }
}
