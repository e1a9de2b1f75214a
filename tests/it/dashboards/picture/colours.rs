//! Grafana's dark theme.

/// Behind the panels.
pub(super) const CANVAS: &str = "#111217";
/// A panel.
pub(super) const PANEL: &str = "#181b1f";
/// The line around a panel, and between the rows of a table.
pub(super) const BORDER: &str = "#2e3034";
/// What is behind a bar, and the lines of a grid.
pub(super) const GRID: &str = "#25292e";
/// Text.
pub(super) const TEXT: &str = "#ccccdc";
/// Text that matters less.
pub(super) const DIM: &str = "#8f909d";

/// The classic palette without the colours that cannot be told from a dark panel, as
/// `palette-classic-by-name` takes it.
const PALETTE: [&str; 41] = [
    "#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#705DA0",
    "#37872D", "#FADE2A", "#447EBC", "#C15C17", "#B7DBAB", "#F4D598", "#70DBED", "#F9BA8F",
    "#F29191", "#82B5D8", "#E5A8E2", "#AEA2E0", "#629E51", "#E5AC0E", "#64B0C8", "#E0752D",
    "#9AC48A", "#F2C96D", "#65C5DB", "#F9934E", "#EA6460", "#5195CE", "#D683CE", "#806EB7",
    "#967302", "#E0F9D7", "#FCEACA", "#CFFAFF", "#F9E2D2", "#FCE2DE", "#BADFF4", "#F9D9F9",
    "#DEDAF7",
];

/// A colour by Grafana's name for it; any other text is a colour as it is.
pub(super) fn named(name: &str) -> &str {
    match name {
        "green" => "#73BF69",
        "red" => "#F2495C",
        "orange" => "#FF9830",
        "yellow" => "#FADE2A",
        "blue" => "#5794F2",
        "purple" => "#B877D9",
        "text" => TEXT,
        "transparent" => "none",
        other => other,
    }
}

/// The colour of a series whose colour comes from its name.
pub(super) fn by_name(series: &str) -> &'static str {
    let units: Vec<u16> = series.encode_utf16().collect();
    let mix = |hash: u32, unit: &u16| hash.wrapping_mul(33) ^ u32::from(*unit);
    let hash = units.iter().rev().fold(5381, mix);
    PALETTE[hash as usize % PALETTE.len()]
}

/// The colour of text on `background`, which is as in `#5794F2`.
pub(super) fn on(background: &str) -> &'static str {
    let part = |at: usize| {
        let digits = background.get(at..at + 2);
        digits
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .map_or(0.0, f64::from)
    };
    let light = 0.299 * part(1) + 0.587 * part(3) + 0.114 * part(5);
    if light > 115.0 { CANVAS } else { "#ffffff" }
}

#[cfg(test)]
mod tests {
    use super::{CANVAS, by_name, named, on};

    #[test]
    fn a_series_keeps_its_colour() {
        assert_eq!(by_name("checkout"), by_name("checkout"));
        assert_ne!(by_name("checkout"), by_name("mailer"));
        assert_eq!(named("red"), "#F2495C");
        assert_eq!(named("#123456"), "#123456");
    }

    #[test]
    fn text_stands_out() {
        assert_eq!(on("#FADE2A"), CANVAS);
        assert_eq!(on("#0A437C"), "#ffffff");
    }
}
