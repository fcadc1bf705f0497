//! Colours, each for one thing: orange and blue for the first two classes and for nothing else, magenta for weights, teal for what is
//! selected, green for natural and red for adversarial data. Whoever sees no red or no green tells them apart as well (a test looks
//! through their eyes), and every class has a shape besides.

use egui::{Color32, Context, Theme, Visuals};

pub(crate) use crate::palette::class_name;
use crate::palette::{self, DARK, LIGHT, Pair};

/// Below this width, in points, there is one thing at a time.
pub(crate) const NARROW: f32 = 700.0;

/// The one accent.
pub(crate) fn accent(dark: bool) -> Color32 {
    if dark { Color32::from_rgb(120, 200, 190) } else { Color32::from_rgb(0, 116, 144) }
}

fn of(pair: Pair, dark: bool) -> Color32 {
    let (r, g, b) = pair[usize::from(dark)];
    Color32::from_rgb(r, g, b)
}

/// The colour of a class.
pub(crate) fn class(class: usize, dark: bool) -> Color32 {
    let (r, g, b) = if dark { DARK[class % 10] } else { LIGHT[class % 10] };
    Color32::from_rgb(r, g, b)
}

/// `from` and `to` mixed: 0 is all `from`.
pub(crate) fn mix(from: Color32, to: Color32, part: f32) -> Color32 {
    let part = part.clamp(0.0, 1.0);
    let channel = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
    Color32::from_rgb(channel(from.r(), to.r()), channel(from.g(), to.g()), channel(from.b(), to.b()))
}

/// A signed number from -1 to 1 on a scale around grey: blue below, red above.
pub(crate) fn diverging(number: f32, dark: bool) -> Color32 {
    let (r, g, b) = palette::diverging(number, dark);
    Color32::from_rgb(r, g, b)
}

/// Natural data in curves and histograms.
pub(crate) fn natural(dark: bool) -> Color32 {
    of(palette::NATURAL, dark)
}

/// Adversarial data in curves and histograms.
pub(crate) fn adversarial(dark: bool) -> Color32 {
    of(palette::ADVERSARIAL, dark)
}

/// The same under the training's own attack: paler.
pub(crate) fn adversarial_in_training(dark: bool) -> Color32 {
    if dark { mix(adversarial(dark), Color32::WHITE, 0.45) } else { mix(adversarial(dark), Color32::WHITE, 0.2) }
}

/// Weights: their curve, and the frames of images.
pub(crate) fn weight(dark: bool) -> Color32 {
    of(palette::WEIGHT, dark)
}

/// What is counted or set, and is none of the others: bars of samples, losses, rates.
pub(crate) fn neutral(dark: bool) -> Color32 {
    if dark { Color32::from_gray(172) } else { Color32::from_gray(84) }
}

/// The ground that the stage and the curves are drawn on.
pub(crate) fn ground(dark: bool) -> Color32 {
    if dark { Color32::from_gray(18) } else { Color32::from_gray(252) }
}

/// The least height of what is pressed, by a pointer and by a finger (WCAG 2.2, 2.5.5: 44 CSS pixels).
const TARGETS: (f32, f32) = (22.0, 44.0);

/// Makes what is pressed as large as a finger needs it, or as a pointer does.
pub(crate) fn targets(ctx: &Context, large: bool) {
    ctx.all_styles_mut(|style| {
        style.spacing.interact_size.y = if large { TARGETS.1 } else { TARGETS.0 };
        style.spacing.button_padding = if large { egui::vec2(9.0, 8.0) } else { egui::vec2(7.0, 3.0) };
    });
}

/// Sets the look of both themes, and the fonts.
pub(crate) fn install(ctx: &Context) {
    ctx.set_fonts(crate::platform::fonts());
    for theme in [Theme::Dark, Theme::Light] {
        let dark = theme == Theme::Dark;
        ctx.style_mut_of(theme, |style| {
            style.visuals = if dark { Visuals::dark() } else { Visuals::light() };
            let visuals = &mut style.visuals;
            let text = if dark { Color32::from_gray(224) } else { Color32::from_gray(24) };
            // The window is cleared in the colour of its ground, and panels do not paint it again.
            visuals.window_fill = if dark { Color32::from_gray(30) } else { Color32::from_gray(244) };
            visuals.panel_fill = Color32::TRANSPARENT;
            visuals.extreme_bg_color = ground(dark);
            visuals.faint_bg_color = if dark { Color32::from_gray(38) } else { Color32::from_gray(236) };
            visuals.widgets.noninteractive.fg_stroke.color = text;
            visuals.widgets.inactive.fg_stroke.color = text;
            visuals.weak_text_color = Some(neutral(dark));
            visuals.hyperlink_color = accent(dark);
            visuals.selection.bg_fill = if dark { Color32::from_rgb(28, 92, 88) } else { Color32::from_rgb(170, 216, 228) };
            visuals.selection.stroke.color = if dark { Color32::WHITE } else { Color32::from_gray(10) };
            visuals.warn_fg_color = if dark { Color32::from_rgb(245, 190, 80) } else { Color32::from_rgb(140, 80, 0) };
            visuals.error_fg_color = if dark { Color32::from_rgb(255, 130, 120) } else { Color32::from_rgb(170, 10, 10) };
            // Who moves by keyboard must see where they are.
            visuals.widgets.hovered.bg_stroke.color = accent(dark);
            visuals.widgets.active.bg_stroke = egui::Stroke::new(2.0, accent(dark));
            style.spacing.item_spacing = egui::vec2(6.0, 5.0);
            style.spacing.button_padding = egui::vec2(7.0, 3.0);
            style.spacing.slider_width = 104.0;
            style.spacing.interact_size.y = TARGETS.0;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, as WCAG 2 defines it.
    fn luminance(colour: Color32) -> f32 {
        let linear = |byte: u8| {
            let part = f32::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn everything_that_is_read_has_a_contrast_of_four_and_a_half() {
        let ctx = Context::default();
        install(&ctx);
        for theme in [Theme::Dark, Theme::Light] {
            let dark = theme == Theme::Dark;
            let visuals = ctx.style_of(theme).visuals.clone();
            let mut read =
                vec![natural(dark), adversarial(dark), weight(dark), accent(dark), visuals.warn_fg_color, visuals.error_fg_color];
            read.extend([visuals.text_color(), visuals.weak_text_color(), adversarial_in_training(dark)]);
            read.extend((0..10).map(|number| class(number, dark)));
            for colour in read {
                for behind in [visuals.window_fill, visuals.faint_bg_color] {
                    let contrast = contrast(colour, behind);
                    assert!(contrast >= 4.5, "{colour:?} on {behind:?}, {theme:?}: {contrast}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_on_the_accent_has_a_contrast_of_four_and_a_half() {
        for dark in [false, true] {
            assert!(contrast(ground(dark), accent(dark)) >= 4.5, "dark {dark}");
        }
    }

    /// Linear red, green and blue of colours as they are, and as they look without the cones for red and without those for green (Machado,
    /// Oliveira and Fernandes, IEEE TVCG 2009, severity 1).
    const EYES: [[[f64; 3]; 3]; 3] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ];

    fn through(matrix: [[f64; 3]; 3], numbers: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(numbers).map(|(a, b)| a * b).sum())
    }

    /// CIE L*a*b* (D65) of a colour as these eyes see it.
    fn lab(colour: Color32, eyes: [[f64; 3]; 3]) -> [f64; 3] {
        const XYZ: [[f64; 3]; 3] = [
            [0.412_456_4, 0.357_576_1, 0.180_437_5],
            [0.212_672_9, 0.715_152_2, 0.072_175_0],
            [0.019_333_9, 0.119_192_0, 0.950_304_1],
        ];
        let linear = [colour.r(), colour.g(), colour.b()].map(|byte| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        let [x, y, z] = through(XYZ, through(eyes, linear).map(|part| part.clamp(0.0, 1.0)));
        let [x, y, z] =
            [x / 0.950_47, y, z / 1.088_83].map(|part| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn colours_that_mean_different_things_differ_for_every_colour_vision() {
        for dark in [false, true] {
            let roles = vec![natural(dark), adversarial(dark), weight(dark), accent(dark)];
            let classes = (0..10).map(|number| class(number, dark)).collect();
            // What is selected lies among the points of a plane; the built-in ones have three classes at most.
            let on_stage = vec![accent(dark), class(0, dark), class(1, dark), class(2, dark)];
            for (colours, least) in [(roles, 20.0), (classes, 15.0), (on_stage, 20.0)] {
                for eyes in EYES {
                    for (place, a) in colours.iter().enumerate() {
                        for b in &colours[..place] {
                            let far = lab(*a, eyes).iter().zip(lab(*b, eyes)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                            assert!(far >= least, "{a:?} and {b:?}, dark {dark}: {far}");
                        }
                    }
                }
            }
        }
    }
}
