//! A paragraph of a lesson. It is laid out as one text, so that its lines are equally far apart and break where words end; the words that name
//! something lie over it as links.

use egui::{
    Align, FontId, Label, Rect, Sense, Stroke, Ui, WidgetInfo,
    text::{CCursor, LayoutJob, TextFormat},
};

use super::spotlight;
use crate::{
    lesson::{Mark, Piece, pieces},
    window::{model::lesson::Lit, theme},
};

/// The words of a card that name something: the one that is lit, and the one that is pressed.
#[derive(Default)]
pub(super) struct Terms {
    /// The size of the text.
    pub(super) size: f32,
    pub(super) lit: Option<Lit>,
    pub(super) pressed: Option<Mark>,
}

/// A word that names something, and the letters of its text.
struct Term {
    words: &'static str,
    mark: Mark,
    from: usize,
    to: usize,
}

/// A paragraph.
pub(super) fn paragraph_ui(ui: &mut Ui, text: &'static str, terms: &mut Terms) {
    if text.is_empty() {
        return;
    }
    let format = |color| TextFormat {
        font_id: FontId::proportional(terms.size),
        line_height: Some(1.4 * terms.size),
        color,
        valign: Align::BOTTOM,
        ..TextFormat::default()
    };
    let (plain, linked) = (format(ui.visuals().text_color()), format(ui.visuals().hyperlink_color));
    let mut job = LayoutJob::default();
    job.wrap.max_width = ui.available_width();
    let mut letters = 0;
    let mut named = Vec::new();
    for piece in pieces(text) {
        let (Piece::Words(words) | Piece::Term(words, _)) = piece;
        let from = letters;
        letters += words.chars().count();
        if let Piece::Term(words, mark) = piece {
            job.append(words, 0.0, linked.clone());
            named.push(Term { words, mark, from, to: letters });
        } else {
            job.append(words, 0.0, plain.clone());
        }
    }
    let galley = ui.painter().layout_job(job);
    let at = ui.add(Label::new(galley.clone())).rect.min.to_vec2();
    for term in named {
        // A word that stands on two lines has two parts.
        let mut parts: Vec<Rect> = Vec::new();
        for letter in term.from..term.to {
            let [left, right] = [letter, letter + 1].map(|letter| galley.pos_from_cursor(CCursor::new(letter)).translate(at));
            // The end of a line is also the beginning of the next one.
            let here = if (left.top() - right.top()).abs() < 1.0 { left.union(right) } else { right };
            match parts.last_mut() {
                Some(part) if (part.top() - here.top()).abs() < 1.0 => *part = part.union(here),
                _ => parts.push(here),
            }
        }
        term_ui(ui, &term, &parts, terms);
    }
    ui.add_space(8.0);
}

/// A word that lights what it names, under the pointer and with the keyboard; a finger gives it the keyboard.
fn term_ui(ui: &Ui, term: &Term, parts: &[Rect], terms: &mut Terms) {
    let Some(last) = parts.last().copied() else { return };
    let id = ui.scope_id().with(("term", term.from, term.words));
    let dark = ui.visuals().dark_mode;
    let mut hovered = false;
    let mut focused = false;
    for (place, part) in parts.iter().enumerate() {
        // One of them has the keyboard, for all.
        let sense = if place == 0 { Sense::click() } else { Sense::CLICK };
        let response = ui.interact(*part, id.with(place), sense);
        if place == 0 {
            let about = format!("{}: shows {}", term.words, term.mark.about());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Link, true, &about));
            focused = response.has_focus();
        }
        let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
        if response.clicked() {
            ui.memory_mut(|memory| memory.request_focus(id.with(0_usize)));
            terms.pressed = Some(term.mark);
        }
        hovered |= response.hovered();
    }
    for part in parts {
        // Close below the words.
        let stroke = Stroke::new(if focused { 2.4 } else { 1.2 }, theme::accent(dark));
        ui.painter().hline(part.x_range(), part.bottom() - spotlight::UNDER, stroke);
    }
    if hovered || (focused && terms.lit.is_none()) {
        terms.lit = Some(Lit { mark: term.mark, from: last, card: ui.clip_rect() });
    }
}
