//! The projector mode: text that is read from the last row.

use egui::Context;

use crate::window::model::State;

/// The size of body text, in points.
const TEXT: f32 = 18.0;

/// Turns it on or off.
pub(crate) fn set(state: &mut State, ctx: &Context, on: bool) {
    state.link.projector = on;
    let body = egui::TextStyle::Body.resolve(&ctx.global_style()).size;
    match (on, state.text_before) {
        (true, None) => {
            state.text_before = Some(body);
            scale(ctx, TEXT / body);
        }
        (false, Some(before)) => {
            state.text_before = None;
            scale(ctx, before / body);
        }
        _ => {}
    }
}

fn scale(ctx: &Context, by: f32) {
    ctx.all_styles_mut(|style| style.text_styles.values_mut().for_each(|font| font.size *= by));
}
