//! Pictures as SVG.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::color::Color;
use super::picture::{Anchor, Picture, Point, Shape, Stroke, Text};
use super::png;

pub(super) fn write(picture: &Picture) -> String {
    let mut svg = String::new();
    // A `String` takes everything.
    let _ = write_to(&mut svg, picture);
    svg
}

fn write_to(svg: &mut String, picture: &Picture) -> fmt::Result {
    let (width, height) = (picture.width(), picture.height());
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"Roboto, Helvetica, Arial, sans-serif\" stroke-linejoin=\"round\">"
    )?;
    writeln!(svg, "<title>{}</title>", Escaped(&picture.title))?;
    writeln!(svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>")?;
    for shape in &picture.shapes {
        match shape {
            Shape::Line { points, stroke } => {
                writeln!(svg, "<polyline points=\"{}\" fill=\"none\"{}/>", Points(points), Edge(Some(stroke)))?;
            }
            Shape::Polygon { points, fill, edge } => {
                let edge = Edge(edge.as_ref());
                writeln!(svg, "<polygon points=\"{}\" fill=\"{fill}\"{edge}/>", Points(points))?;
            }
            Shape::Circle { center: (x, y), radius, fill, edge } => {
                let edge = Edge(edge.as_ref());
                let (x, y, radius) = (Number(*x), Number(*y), Number(*radius));
                writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\"{edge}/>")?;
            }
            Shape::Text(text) => write_text(svg, text)?,
            Shape::Image { corner, width, height, columns, pixels } => {
                let Some(bytes) = png::encode(*columns, pixels) else { continue };
                let (x, y, width, height) = (Number(corner.0), Number(corner.1), Number(*width), Number(*height));
                writeln!(
                    svg,
                    "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
                     style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
                    STANDARD.encode(bytes)
                )?;
            }
        }
    }
    svg.push_str("</svg>\n");
    Ok(())
}

fn write_text(svg: &mut String, Text { at, text, size, anchor, color, upright }: &Text) -> fmt::Result {
    let (x, y) = (Number(at.0), Number(at.1));
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let size = Number(*size);
    write!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\"{anchor}")?;
    if *upright {
        write!(svg, " transform=\"rotate(-90 {x} {y})\"")?;
    }
    writeln!(svg, ">{}</text>", Escaped(text))
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A number with two decimals at most.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 100.0).round() / 100.0)
    }
}

struct Points<'p>(&'p [Point]);

impl fmt::Display for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, &(x, y)) in self.0.iter().enumerate() {
            write!(f, "{}{},{}", if index > 0 { " " } else { "" }, Number(x), Number(y))?;
        }
        Ok(())
    }
}

struct Edge<'s>(Option<&'s Stroke>);

impl fmt::Display for Edge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Stroke { color, width, dashed }) = self.0 else { return Ok(()) };
        write!(f, " stroke=\"{color}\" stroke-width=\"{}\"", Number(*width))?;
        if *dashed {
            let [on, off] = png::DASHES;
            write!(f, " stroke-dasharray=\"{on} {off}\"")?;
        }
        Ok(())
    }
}

/// Text as it stands between tags. Characters that XML has no place for are left out.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '\u{fffe}' | '\u{ffff}' => {}
                letter if letter.is_control() => {}
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}
