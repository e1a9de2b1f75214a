//! `/etc/resolv.conf`: whom to ask, and for what a name is short. Pure.
//! <https://man7.org/linux/man-pages/man5/resolv.conf.5.html>

/// Whom to ask where the file names nobody.
const SERVER_DEFAULT: &str = "127.0.0.1";
const NDOTS_DEFAULT: usize = 1;

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResolvConf {
    pub(super) servers: Vec<String>,
    search: Vec<String>,
    ndots: usize,
}

impl ResolvConf {
    pub(super) fn parse(text: &str) -> Self {
        let mut conf = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: NDOTS_DEFAULT,
        };
        for line in text.lines() {
            let line = line.split([';', '#']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match (words.next(), words) {
                (Some("nameserver"), mut words) => {
                    conf.servers.extend(words.next().map(str::to_owned));
                }
                // Of several, the last holds.
                (Some("domain"), mut words) => {
                    conf.search = words.next().map(str::to_owned).into_iter().collect();
                }
                (Some("search"), words) => conf.search = words.map(str::to_owned).collect(),
                (Some("options"), mut words) => {
                    let ndots = words.find_map(|word| word.strip_prefix("ndots:"));
                    if let Some(ndots) = ndots.and_then(|ndots| ndots.parse().ok()) {
                        conf.ndots = ndots;
                    }
                }
                (Some(_) | None, _) => {}
            }
        }
        if conf.servers.is_empty() {
            conf.servers.push(SERVER_DEFAULT.to_owned());
        }
        conf
    }

    /// The whole names that a name may be short for, in order.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let whole = |domain: &str| match domain.trim_end_matches('.') {
            "" => format!("{name}."),
            domain => format!("{name}.{domain}."),
        };
        let itself = whole("");
        let mut names: Vec<String> = self.search.iter().map(|domain| whole(domain)).collect();
        match name.matches('.').count() >= self.ndots {
            true => names.insert(0, itself),
            false => names.push(itself),
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_tried_in_the_search_list() {
        let conf = ResolvConf::parse(
            "# a comment\nnameserver 10.0.0.1\nnameserver ::1 ; two\ndomain old.example\nsearch shop.svc.cluster.local svc.cluster.local. .\noptions timeout:1 ndots:2\n",
        );
        assert_eq!(conf.servers, ["10.0.0.1", "::1"]);
        assert_eq!(
            conf.names("cart"),
            [
                "cart.shop.svc.cluster.local.",
                "cart.svc.cluster.local.",
                "cart.",
                "cart."
            ]
        );
        assert_eq!(conf.names("a.b.c")[0], "a.b.c.");
        assert_eq!(conf.names("a.b")[0], "a.b.shop.svc.cluster.local.");
        assert_eq!(conf.names("a."), ["a."]);
    }

    #[test]
    fn a_file_without_servers_means_this_machine() {
        let conf = ResolvConf::parse("domain example.com\nnameserver\n");
        assert_eq!(conf.servers, ["127.0.0.1"]);
        assert_eq!(conf.names("a"), ["a.example.com.", "a."]);
        assert_eq!(conf.names("a.b"), ["a.b.", "a.b.example.com."]);
    }
}
