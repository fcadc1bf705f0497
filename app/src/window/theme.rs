//! Colours and the shapes that go with them. Orange and blue for two classes, and a set that people with any colour vision tell apart
//! for ten (Okabe and Ito's eight, and two greys); every class has a shape of its own besides.

use egui::{Color32, Context, Theme, Visuals};

use crate::palette::{DARK, LIGHT};

/// Below this width, in points, there is one thing at a time.
pub(crate) const NARROW: f32 = 700.0;

/// The one accent.
pub(crate) fn accent(dark: bool) -> Color32 {
    if dark { Color32::from_rgb(120, 200, 190) } else { Color32::from_rgb(0, 105, 100) }
}

/// The colour of a class.
pub(crate) fn class(class: usize, dark: bool) -> Color32 {
    let (r, g, b) = if dark { DARK[class % 10] } else { LIGHT[class % 10] };
    Color32::from_rgb(r, g, b)
}

/// What a class is called, as classes are counted from 0 in files: `A` for the first of two, digits by their number.
pub(crate) fn class_name(class: usize, classes: usize) -> String {
    if classes <= 4 { char::from(b'A' + (class % 26) as u8).to_string() } else { class.to_string() }
}

/// `from` and `to` mixed: 0 is all `from`.
pub(crate) fn mix(from: Color32, to: Color32, part: f32) -> Color32 {
    let part = part.clamp(0.0, 1.0);
    let channel = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
    Color32::from_rgb(channel(from.r(), to.r()), channel(from.g(), to.g()), channel(from.b(), to.b()))
}

/// A signed number from -1 to 1 on a scale around grey: blue below, red above.
pub(crate) fn diverging(number: f32, dark: bool) -> Color32 {
    let grey = if dark { Color32::from_gray(64) } else { Color32::from_gray(222) };
    let end = if number < 0.0 { Color32::from_rgb(50, 130, 240) } else { Color32::from_rgb(235, 80, 50) };
    mix(grey, end, number.abs())
}

/// Natural data in curves and histograms.
pub(crate) fn natural(dark: bool) -> Color32 {
    if dark { Color32::from_rgb(150, 200, 110) } else { Color32::from_rgb(60, 115, 20) }
}

/// Adversarial data in curves and histograms.
pub(crate) fn adversarial(dark: bool) -> Color32 {
    if dark { Color32::from_rgb(240, 110, 120) } else { Color32::from_rgb(180, 20, 50) }
}

/// The ground that the stage and the curves are drawn on.
pub(crate) fn ground(dark: bool) -> Color32 {
    if dark { Color32::from_gray(18) } else { Color32::from_gray(252) }
}

/// Sets the look of both themes, and on the desktop the fonts.
pub(crate) fn install(ctx: &Context) {
    #[cfg(not(target_arch = "wasm32"))]
    {
        // Formulas have signs that the usual font lacks; the page has fonts of its own.
        let mut fonts = egui::FontDefinitions::default();
        if let Some(names) = fonts.families.get_mut(&egui::FontFamily::Proportional) {
            names.push("Hack".to_owned());
        }
        ctx.set_fonts(fonts);
    }
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
            visuals.weak_text_color = Some(if dark { Color32::from_gray(172) } else { Color32::from_gray(84) });
            visuals.hyperlink_color = accent(dark);
            visuals.selection.bg_fill = if dark { Color32::from_rgb(28, 92, 88) } else { Color32::from_rgb(170, 222, 216) };
            visuals.selection.stroke.color = if dark { Color32::WHITE } else { Color32::from_gray(10) };
            visuals.warn_fg_color = if dark { Color32::from_rgb(245, 190, 80) } else { Color32::from_rgb(140, 80, 0) };
            visuals.error_fg_color = if dark { Color32::from_rgb(255, 130, 120) } else { Color32::from_rgb(170, 10, 10) };
            // Who moves by keyboard must see where they are.
            visuals.widgets.hovered.bg_stroke.color = accent(dark);
            visuals.widgets.active.bg_stroke = egui::Stroke::new(2.0, accent(dark));
            style.spacing.item_spacing = egui::vec2(6.0, 5.0);
            style.spacing.button_padding = egui::vec2(7.0, 3.0);
            style.spacing.slider_width = 104.0;
            style.spacing.interact_size.y = 22.0;
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
            let mut read = vec![natural(dark), adversarial(dark), accent(dark), visuals.warn_fg_color, visuals.error_fg_color];
            read.extend([visuals.text_color(), visuals.weak_text_color()]);
            read.extend((0..10).map(|number| class(number, dark)));
            for colour in read {
                for behind in [visuals.window_fill, visuals.faint_bg_color] {
                    let contrast = contrast(colour, behind);
                    assert!(contrast >= 4.5, "{colour:?} on {behind:?}, {theme:?}: {contrast}");
                }
            }
        }
    }
}
