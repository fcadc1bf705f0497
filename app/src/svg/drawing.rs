//! A drawing: vectors over pictures of pixels. SVG and PNG are made of the same one.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Ink, escaped};

/// A letter of 12 px is about so wide, and a line so high.
const LETTER: f64 = 5.9;
const LINE: f64 = 17.0;

/// A picture of pixels on a drawing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    /// Left, top, width and height on the drawing.
    pub(crate) at: (f64, f64, f64, f64),
    /// Pixels across and down.
    pub(crate) size: (usize, usize),
    /// Row by row from the top.
    pub(crate) pixels: Vec<(u8, u8, u8)>,
    /// Whether what lies between pixels is mixed of them; else every pixel is a square.
    pub(crate) smooth: bool,
}

impl Picture {
    /// The bytes of a PNG file that shows it.
    fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.size.0 as u32, self.size.1 as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels.iter().flat_map(|&(r, g, b)| [r, g, b]).collect::<Vec<u8>>())?;
        writer.finish()?;
        Ok(bytes)
    }
}

/// A drawing, and what a screen reader says of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawing {
    /// Width and height, in CSS pixels (96 to the inch).
    pub(crate) size: (f64, f64),
    pub(crate) title: String,
    pub(crate) ink: Ink,
    /// Below the vectors.
    pub(crate) pictures: Vec<Picture>,
    /// Elements of SVG.
    pub(crate) body: String,
}

impl Drawing {
    /// Drawings in rows of so many, with lines of words under them all.
    pub(crate) fn beside(drawings: Vec<Self>, columns: usize, title: &str, words: &[&str]) -> Self {
        let columns = columns.clamp(1, drawings.len().max(1));
        let widest = drawings.iter().map(|drawing| drawing.size.0).fold(0.0, f64::max);
        let ink = drawings.first().map_or(Ink::Paper, |drawing| drawing.ink);
        let (mut pictures, mut body, mut top) = (Vec::new(), String::new(), 0.0);
        for row in drawings.chunks(columns) {
            for (column, drawing) in row.iter().enumerate() {
                let left = widest * column as f64;
                body += &format!("<g transform=\"translate({left} {top})\">\n{}</g>\n", drawing.body);
                pictures.extend(drawing.pictures.iter().cloned().map(|picture| {
                    let (x, y, width, height) = picture.at;
                    Picture { at: (x + left, y + top, width, height), ..picture }
                }));
            }
            top += row.iter().map(|drawing| drawing.size.1).fold(0.0, f64::max);
        }
        let width = widest * columns as f64;
        for line in words.iter().flat_map(|words| wrapped(words, ((width - 32.0) / LETTER) as usize)) {
            top += LINE;
            body += &format!("<text x=\"16\" y=\"{:.1}\" font-size=\"12\">{}</text>\n", top - 4.0, escaped(&line));
        }
        let size = (width, top + if words.is_empty() { 0.0 } else { 8.0 });
        Self { size, title: title.to_owned(), ink, pictures, body }
    }

    /// The file.
    pub(crate) fn svg(&self) -> String {
        let (width, height) = self.size;
        let ground = self.ink.ground().map(|ground| format!("<rect width=\"{width}\" height=\"{height}\" fill=\"{ground}\"/>\n"));
        let pictures: String = self.pictures.iter().map(element).collect();
        self.around(&(ground.unwrap_or_default() + &pictures))
    }

    /// The vectors alone, for whoever paints ground and pictures below them.
    #[allow(dead_code, reason = "a page writes no PNG")]
    pub(crate) fn vectors(&self) -> String {
        self.around("")
    }

    fn around(&self, below: &str) -> String {
        let (width, height) = self.size;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" font-family=\"sans-serif\" \
             font-size=\"13\" fill=\"{}\">\n{below}{}</svg>\n",
            escaped(&self.title),
            self.ink.colour(),
            self.body,
        )
    }
}

/// Words in lines of at most so many letters, where no word is longer.
fn wrapped(words: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= letters) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A picture inside of SVG; one that cannot be encoded is left out.
fn element(picture: &Picture) -> String {
    let Ok(png) = picture.png() else { return String::new() };
    let (x, y, width, height) = picture.at;
    let rendering = if picture.smooth { "" } else { " style=\"image-rendering:pixelated\"" };
    format!(
        "<image x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" preserveAspectRatio=\"none\"{rendering} \
         href=\"data:image/png;base64,{}\"/>\n",
        BASE64_STANDARD.encode(png)
    )
}

/// Red, green and blue as SVG writes them.
pub(crate) fn colour((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
