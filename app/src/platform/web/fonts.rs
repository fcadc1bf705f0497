//! The window's fonts, cut down to the signs that the program shows: see `web/fonts/subset.py`.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily, FontTweak};

/// The fonts of the page.
pub(crate) fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let mut put = |name: &str, bytes: &'static [u8], scale: f32| {
        let data = FontData::from_static(bytes).tweak(FontTweak { scale, ..FontTweak::default() });
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    };
    put("Ubuntu-Light", include_bytes!("../../../../web/fonts/Ubuntu-Light.ttf"), 1.0);
    put("Hack", include_bytes!("../../../../web/fonts/Hack-Regular.ttf"), 1.0);
    // As egui has them beside the others.
    put("NotoEmoji-Regular", include_bytes!("../../../../web/fonts/NotoEmoji-Regular.ttf"), 0.81);
    put("emoji-icon-font", include_bytes!("../../../../web/fonts/emoji-icon-font.ttf"), 0.9);
    let named = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let families = &mut fonts.families;
    families.insert(FontFamily::Proportional, named(&["Ubuntu-Light", "NotoEmoji-Regular", "emoji-icon-font", "Hack"]));
    families.insert(FontFamily::Monospace, named(&["Hack", "Ubuntu-Light", "NotoEmoji-Regular", "emoji-icon-font"]));
    fonts
}
