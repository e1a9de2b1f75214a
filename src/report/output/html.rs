//! A report as one page of HTML: no script, nothing that is fetched.

use askama::Template;
use jiff::tz::TimeZone;

use super::{svg, text};
use crate::calendar::FiscalCalendar;
use crate::report::model::{ChangeOf, Gap, Offender, Report, Violation};

/// Rows of the long lists; the other formats have them whole.
const ROWS_MAX: usize = 40;

/// The page's style, which it carries in it.
pub const STYLE: &str = include_str!("templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    style: &'static str,
    zone: TimeZone,
    chart: String,
    /// Rules that were measured for anybody: the columns of the heat map, by place.
    columns: Vec<usize>,
    offenders: &'a [Offender],
    changes: Vec<(&'static str, Vec<&'a ChangeOf>, usize)>,
    /// Rules whose gain is largest.
    fixes: Vec<(&'a str, &'a str, f64, u64)>,
}

/// The page.
pub fn html(report: &Report) -> Result<String, askama::Error> {
    let mut fixes: Vec<_> = report
        .rules
        .iter()
        .filter_map(|rule| {
            let services = rule.violated + rule.waived;
            Some((&*rule.id, &*rule.title, rule.gain?, services))
        })
        .collect();
    fixes.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(b.0)));
    fixes.truncate(5);
    let changes = text::CHANGES.into_iter().filter_map(|(kind, title)| {
        let of_kind = report.changes.iter().filter(|change| change.kind == kind);
        let mut of_kind: Vec<&ChangeOf> = of_kind.collect();
        let left = of_kind.len().saturating_sub(ROWS_MAX);
        of_kind.truncate(ROWS_MAX);
        (!of_kind.is_empty()).then_some((title, of_kind, left))
    });
    let columns = (0..report.rules.len())
        .filter(|place| report.teams.iter().any(|team| team.rules[*place].is_some()));
    let page = Page {
        report,
        style: STYLE,
        zone: FiscalCalendar::zone_named(&report.period.zone),
        chart: svg::weeks(&report.weeks, &report.period.before),
        columns: columns.collect(),
        offenders: &report.offenders[..report.offenders.len().min(ROWS_MAX)],
        changes: changes.collect(),
        fixes,
    };
    page.render()
}

/// The class and the text of a cell of a heat map.
fn cell(share: &Option<f64>) -> (String, String) {
    match share {
        Some(share) => (
            format!("h{:.0}", (share * 5.0).floor()),
            text::whole(*share),
        ),
        None => ("none".to_owned(), String::new()),
    }
}

/// A sentence in which what stands between backticks is code.
fn marked(sentence: &str) -> String {
    let escaped = svg::escaped(sentence);
    let mut parts: Vec<&str> = escaped.split('`').collect();
    // An odd backtick is one.
    let odd = parts.len().is_multiple_of(2).then(|| parts.pop()).flatten();
    let parts = parts
        .iter()
        .enumerate()
        .map(|(place, part)| match place % 2 {
            0 => (*part).to_owned(),
            _ => format!("<code>{part}</code>"),
        });
    let odd = odd.map(|rest| format!("`{rest}"));
    parts.chain(odd).collect()
}

impl Page<'_> {
    fn title(&self) -> String {
        let of = self.report.team.as_deref();
        let of = of.map_or_else(String::new, |team| format!(" of {team}"));
        format!("Reliability{of}, {}", self.report.period.name)
    }

    /// The days, spelt out, with what they are of.
    fn days(&self) -> String {
        let period = &self.report.period;
        let (first, last) = (period.first, period.last);
        let (first, last) = (text::date(&first), text::date(&last));
        let state = text::so_far(period, &self.zone);
        format!("{first} – {last}, {}{state}", period.zone)
    }

    /// For how long something is violated, and since when.
    fn since(&self, violation: &Violation) -> (String, String) {
        let (Some(since), Some(through)) = (violation.since, self.report.period.through) else {
            return (String::new(), String::new());
        };
        let length = text::length(&since, &through);
        let day = text::day(&since, &self.zone);
        match violation.since_is_exact {
            true => (length, format!("since {day}")),
            false => (format!("at least {length}"), format!("first seen {day}")),
        }
    }

    fn gap(&self, gap: &Gap) -> String {
        format!(
            "{} – {} ({}): {}",
            text::minute(&gap.from, &self.zone),
            text::minute(&gap.to, &self.zone),
            text::length(&gap.from, &gap.to),
            gap.why
        )
    }
}
