//! SVG written piece by piece.

use std::fmt::Write as _;

use super::colours::{CANVAS, TEXT};
use super::text::cut;

/// A rectangle of the picture.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

impl Area {
    /// What is left inside after so much at each side, and at the top and the bottom.
    pub(super) fn inset(self, sides: f64, ends: f64) -> Self {
        let (w, h) = (
            (self.w - 2.0 * sides).max(0.0),
            (self.h - 2.0 * ends).max(0.0),
        );
        Self {
            x: self.x + sides,
            y: self.y + ends,
            w,
            h,
        }
    }

    /// What is left below so much at the top.
    pub(super) fn below(self, top: f64) -> Self {
        Self {
            y: self.y + top,
            h: (self.h - top).max(0.0),
            ..self
        }
    }

    /// What is left above so much at the bottom.
    pub(super) fn above(self, bottom: f64) -> Self {
        Self {
            h: (self.h - bottom).max(0.0),
            ..self
        }
    }

    /// Where its right edge is.
    pub(super) fn right(self) -> f64 {
        self.x + self.w
    }

    /// Where its bottom edge is.
    pub(super) fn bottom(self) -> f64 {
        self.y + self.h
    }

    /// Its middle.
    pub(super) fn middle(self) -> (f64, f64) {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }
}

/// To which side of its place text stands.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How text looks.
#[derive(Clone, Copy)]
pub(super) struct Font<'a> {
    pub(super) size: f64,
    pub(super) colour: &'a str,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
}

impl<'a> Font<'a> {
    /// Text of a size, from its place to the right.
    pub(super) fn new(size: f64) -> Self {
        Self {
            size,
            colour: TEXT,
            anchor: Anchor::Start,
            bold: false,
        }
    }

    /// The same in a colour.
    pub(super) fn colour(self, colour: &'a str) -> Self {
        Self { colour, ..self }
    }

    /// The same at another side of its place.
    pub(super) fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// The same in bold.
    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

/// A picture that is being drawn.
#[derive(Default)]
pub(super) struct Canvas {
    body: String,
}

impl Canvas {
    /// A filled rectangle, `opacity` of 1 being opaque.
    pub(super) fn fill(&mut self, area: Area, colour: &str, opacity: f64) {
        self.rect(
            area,
            0.0,
            &format!("fill=\"{}\"{}", escape(colour), faded(opacity)),
        );
    }

    /// A rectangle with round corners and a line around it.
    pub(super) fn boxed(&mut self, area: Area, fill: &str, line: &str) {
        let look = format!("fill=\"{}\" stroke=\"{}\"", escape(fill), escape(line));
        self.rect(area, 3.0, &look);
    }

    fn rect(&mut self, area: Area, corner: f64, look: &str) {
        let (x, y, w, h) = (
            number(area.x),
            number(area.y),
            number(area.w),
            number(area.h),
        );
        let corner = if corner > 0.0 {
            format!(" rx=\"{}\"", number(corner))
        } else {
            String::new()
        };
        self.push(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{corner} {look}/>"
        ));
    }

    /// A line along `path`.
    pub(super) fn stroke(&mut self, path: &str, colour: &str, width: f64) {
        let (colour, width) = (escape(colour), number(width));
        self.push(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        ));
    }

    /// What `path` encloses.
    pub(super) fn shape(&mut self, path: &str, colour: &str, opacity: f64) {
        let (colour, faded) = (escape(colour), faded(opacity));
        self.push(&format!("<path d=\"{path}\" fill=\"{colour}\"{faded}/>"));
    }

    /// Text on the line at `y`, cut where it would be wider than `room`.
    pub(super) fn text(&mut self, (x, y): (f64, f64), room: f64, font: Font, text: &str) {
        let text = cut(text, font.size, room);
        if text.is_empty() {
            return;
        }
        let anchor = match font.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if font.bold {
            " font-weight=\"500\""
        } else {
            ""
        };
        let (x, y, size) = (number(x), number(y), number(font.size));
        let (colour, text) = (escape(font.colour), escape(&text));
        self.push(&format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{colour}\"\
             {anchor}{weight}>{text}</text>"
        ));
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// The whole file.
    pub(super) fn finish(self, width: f64, height: f64) -> String {
        let (w, h) = (number(width), number(height));
        let mut file = String::new();
        // Writing into a string does not fail.
        let _ = writeln!(
            file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" font-family=\"Inter, Helvetica, Arial, sans-serif\">\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"{CANVAS}\"/>"
        );
        file + &self.body + "</svg>\n"
    }
}

/// A number as short as a picture needs it.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

fn faded(opacity: f64) -> String {
    if opacity < 1.0 {
        format!(" fill-opacity=\"{opacity:.2}\"")
    } else {
        String::new()
    }
}

/// Text as XML may hold it.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Font, number};

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(12.0), "12");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(-0.01), "0");
    }

    #[test]
    fn text_is_escaped() {
        let mut canvas = Canvas::default();
        canvas.text((0.0, 0.0), 900.0, Font::new(10.0), "<a href=\"x\"> & \u{1}");
        let file = canvas.finish(10.0, 10.0);
        assert!(
            file.contains(">&lt;a href=&quot;x&quot;&gt; &amp;  </text>"),
            "{file}"
        );
    }
}
