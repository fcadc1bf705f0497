//! Pictures in characters.

use anstyle::{Ansi256Color, Style};
use gairat::{
    dataset::Samples,
    metrics::Summary,
    snapshot::{Regions, Snapshot},
};

/// Characters of the longest bar.
const BAR: usize = 48;

/// Whether samples count differently.
pub(super) fn is_weighed(snapshot: &Snapshot) -> bool {
    snapshot.samples.iter().any(|sample| sample.omega != 1.0)
}

/// How many samples have each kappa, as bars, with the mean weight of these samples.
pub(super) fn kappa_histogram(summary: &Summary, snapshot: &Snapshot) -> String {
    let most = summary.kappa.iter().copied().max().unwrap_or_default().max(1);
    let weighed = is_weighed(snapshot);
    let mut text = String::new();
    for (kappa, &count) in summary.kappa.iter().enumerate() {
        let omega: f64 = snapshot
            .samples
            .iter()
            .filter(|sample| sample.measured.kappa as usize == kappa)
            .map(|sample| f64::from(sample.omega))
            .sum();
        let weight = if weighed && count > 0 { format!("  ω {:.3}", omega / count as f64) } else { String::new() };
        // Every sample there is shows, however few they are.
        let bar = "█".repeat((count * BAR).div_ceil(most));
        text.push_str(&format!("{kappa:>4} {bar:<BAR$} {count:>6}{weight}\n"));
    }
    text
}

/// One colour per class: a set that the colour-blind tell apart, orange and blue first.
const COLOURS: [u8; 10] = [208, 33, 36, 175, 227, 27, 160, 117, 65, 245];
/// One letter per class for its samples.
const LETTERS: [char; 10] = ['o', 'x', 'v', 's', 'n', 'e', 'u', 'c', 'm', 'z'];
/// One texture per class for its region, so that classes differ without colour too.
const TEXTURES: [char; 10] = ['·', '░', ' ', '-', '\'', ':', '▒', '"', ',', '='];

/// What the characters mean.
pub(super) fn legend(classes: usize) -> String {
    let class = |class: usize| {
        let letter = LETTERS[class % LETTERS.len()];
        format!("class {class} {letter} on {}{}", TEXTURES[class % TEXTURES.len()], TEXTURES[class % TEXTURES.len()])
    };
    let classes: Vec<String> = (0..classes).map(class).collect();
    format!("{}; capital letters are mistakes", classes.join(", "))
}

/// The plane by the class that the network gives each place, with samples on top; `correct` says which of them it gets right.
pub(super) fn regions(regions: &Regions, samples: &Samples, correct: &[bool]) -> String {
    // A character is about twice as high as it is wide.
    let rows = regions.rows / 2;
    let mut cells: Vec<(char, u32)> = Vec::with_capacity(rows * regions.columns);
    for row in 0..rows {
        for column in 0..regions.columns {
            let class = regions.class[2 * row * regions.columns + column];
            cells.push((TEXTURES[class as usize % TEXTURES.len()], class));
        }
    }
    // Wrong ones last, so that no other hides them.
    for wrong in [false, true] {
        for ((point, &label), _) in
            samples.pixels.chunks_exact(2).zip(&samples.labels).zip(correct).filter(|&(_, &correct)| correct != wrong)
        {
            let place = |at: f32, of: usize| ((at * of as f32) as usize).min(of - 1);
            let cell = place(1.0 - point[1], rows) * regions.columns + place(point[0], regions.columns);
            let letter = LETTERS[label as usize % LETTERS.len()];
            cells[cell] = (if wrong { letter.to_ascii_uppercase() } else { letter }, label);
        }
    }
    let mut text = String::new();
    for line in cells.chunks(regions.columns) {
        for &(character, class) in line {
            let colour = Ansi256Color(COLOURS[class as usize % COLOURS.len()]);
            let mut style = Style::new().fg_color(Some(colour.into()));
            if character.is_alphabetic() {
                style = style.bold();
            }
            text.push_str(&format!("{style}{character}{style:#}"));
        }
        text.push('\n');
    }
    text
}
