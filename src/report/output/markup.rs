//! How text is marked in a chat. What others wrote is shown as it is: it formats nothing and calls nobody.

use crate::document::inert::is_active;

/// A chat's markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Markup {
    /// Markdown, as Mattermost and GitHub show it.
    Markdown,
    /// Slack's mrkdwn (docs.slack.dev/messaging/formatting-message-text): entities instead of escapes.
    Slack,
}

/// Between it and what follows, nothing is a mark or a mention.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

impl Markup {
    /// What shows as this text.
    pub(super) fn plain(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut before = ' ';
        for c in text.chars() {
            match (self, c) {
                (_, '\n' | '\r') => out.push(' '),
                (_, c) if is_active(c) => out.push(char::REPLACEMENT_CHARACTER),
                // A mention would call people.
                (_, '@') => out.extend(['@', ZERO_WIDTH_SPACE]),
                (
                    Self::Markdown,
                    '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~',
                ) => out.extend(['\\', c]),
                (Self::Slack, '&') => out.push_str("&amp;"),
                (Self::Slack, '<') => out.push_str("&lt;"),
                (Self::Slack, '>') => out.push_str("&gt;"),
                (Self::Slack, '*' | '~' | '`') => out.extend([c, ZERO_WIDTH_SPACE]),
                // Inside a name it marks nothing.
                (Self::Slack, '_') if !before.is_alphanumeric() => {
                    out.extend([c, ZERO_WIDTH_SPACE]);
                }
                (Self::Markdown | Self::Slack, c) => out.push(c),
            }
            before = c;
        }
        out
    }

    /// What shows as this text, in bold.
    pub(super) fn bold(self, text: &str) -> String {
        let text = self.plain(text);
        match self {
            Self::Markdown => format!("**{text}**"),
            Self::Slack => format!("*{text}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_formats_nothing_and_calls_nobody() {
        let text = "<!channel> @here *x* _y_ shop_total `z` a&b\n| # ~s~";
        assert_eq!(
            Markup::Markdown.plain(text),
            "\\<!channel\\> @\u{200b}here \\*x\\* \\_y\\_ shop\\_total \\`z\\` a&b \\| \\# \\~s\\~"
        );
        assert_eq!(
            Markup::Slack.plain(text),
            "&lt;!channel&gt; @\u{200b}here *\u{200b}x*\u{200b} _\u{200b}y_ shop_total `\u{200b}z`\u{200b} a&amp;b | # ~\u{200b}s~\u{200b}"
        );
        assert_eq!(Markup::Slack.bold("a*"), "*a*\u{200b}*");
    }
}
