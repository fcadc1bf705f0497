//! The page around a report: its look, headings and tables.

use crate::{
    palette::{ADVERSARIAL, NATURAL, Pair, WEIGHT},
    svg::{colour, escaped},
};

/// The colours of what has one, light and dark.
fn colours() -> String {
    let of = |dark: usize| {
        let variable = |(name, pair): (&str, Pair)| format!("--{name}: {};", colour(pair[dark]));
        [("natural", NATURAL), ("adversarial", ADVERSARIAL), ("weight", WEIGHT)].map(variable).join(" ")
    };
    format!("\n:root {{ {} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {} }} }}", of(0), of(1))
}

/// Two columns where there is room for them; nothing is fetched.
const LOOK: &str = "
:root { color-scheme: light dark; --paper: #fbfbfa; --ink: #1d1f23; --dim: #667; --line: #d9d9d6; --card: #fff; --accent: #c8429b; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e6e6e3; --dim: #9aa; --line: #34373d; --card: #1e2126; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 28px 24px 60px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 36px 0 10px; }
p { margin: 6px 0; max-width: 75ch; }
.dim { color: var(--dim); }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 8px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 18px 12px; min-width: 130px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile.worst { border-color: var(--accent); }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; }
svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--dim); }
th:first-child, td:first-child { text-align: left; }
td.bold { font-weight: 700; }
.settings { columns: 300px; column-gap: 40px; }
.settings div { display: flex; justify-content: space-between; gap: 12px; padding: 3px 0; border-bottom: 1px solid var(--line);
  break-inside: avoid; }
.settings .bold span:last-child { font-weight: 700; }
.settings span:last-child { overflow-wrap: anywhere; text-align: right; }
.flag { border-left: 4px solid var(--accent); padding: 2px 0 2px 12px; margin: 10px 0; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; overflow-x: auto; }
summary { cursor: pointer; }
@media print { body { max-width: none; } figure, .tile { break-inside: avoid; } }
";

/// A page in the making.
pub(super) struct Page {
    title: String,
    body: String,
}

impl Page {
    /// A page with this title, and a line under it.
    pub(super) fn new(title: &str, below: &str) -> Self {
        let body = format!("<h1>{}</h1>\n<p class=\"dim\">{}</p>\n", escaped(title), escaped(below));
        Self { title: title.to_owned(), body }
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.add(&format!("<h2>{}</h2>", escaped(text)));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.add(&format!("<p>{}</p>", escaped(text)));
    }

    /// Something to be careful about.
    pub(super) fn flag(&mut self, name: &str, text: &str) {
        self.add(&format!("<p class=\"flag\"><b>{}</b> {}</p>", escaped(name), escaped(text)));
    }

    /// Large numbers beside each other: name and text; the last is the one that counts.
    pub(super) fn tiles(&mut self, tiles: &[(String, String)]) {
        let of = tiles.iter().enumerate().map(|(place, (name, number))| {
            let class = if place + 1 == tiles.len() { "tile worst" } else { "tile" };
            format!("<div class=\"{class}\"><span class=\"dim\">{}</span><b>{}</b></div>", escaped(name), escaped(number))
        });
        self.add(&format!("<div class=\"tiles\">{}</div>", of.collect::<String>()));
    }

    /// Figures, two beside each other where there is room.
    pub(super) fn figures(&mut self, pictures: &[String]) {
        let of = pictures.iter().map(|picture| format!("<figure>{picture}</figure>\n"));
        self.add(&format!("<div class=\"grid\">\n{}</div>", of.collect::<String>()));
    }

    /// A table: the first row is its head; cells that `stands_out` says, by row and column, are set in bold.
    pub(super) fn table(&mut self, rows: &[Vec<String>], stands_out: impl Fn(usize, usize) -> bool) {
        let mut text = "<div class=\"scroll\"><table>\n".to_owned();
        for (place, row) in rows.iter().enumerate() {
            let tag = if place == 0 { "th" } else { "td" };
            let cell = |(column, cell): (usize, &String)| {
                let class = if place > 0 && stands_out(place, column) { " class=\"bold\"" } else { "" };
                format!("<{tag}{class}>{}</{tag}>", escaped(cell))
            };
            text += &format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>());
        }
        self.add(&(text + "</table></div>"));
    }

    /// Names and values in as many columns as fit; the third says whether a value stands out.
    pub(super) fn values(&mut self, values: &[(String, String, bool)]) {
        let of = values.iter().map(|(name, value, bold)| {
            let class = if *bold { " class=\"bold\"" } else { "" };
            format!("<div{class}><span class=\"dim\">{}</span><span>{}</span></div>\n", escaped(name), escaped(value))
        });
        self.add(&format!("<div class=\"settings\">\n{}</div>", of.collect::<String>()));
    }

    /// A command to be typed.
    pub(super) fn command(&mut self, text: &str) {
        self.add(&format!("<pre>{}</pre>", escaped(text)));
    }

    fn add(&mut self, text: &str) {
        self.body += text;
        self.body.push('\n');
    }

    /// The file.
    pub(super) fn finish(self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>{}{LOOK}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
            escaped(&self.title),
            colours(),
            self.body
        )
    }
}
