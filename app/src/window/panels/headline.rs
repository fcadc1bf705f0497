//! The row of large figures: the epoch, and for each run natural accuracy, PGD, and the worst of a suite; beside them the stations of a
//! training step, and the way into the lessons for who has just come.

use egui::{Align2, Button, Color32, FontId, Rect, Response, RichText, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::spotlight;
use crate::{
    lesson::Mark,
    link::Preset,
    window::{
        actions::{Action, lessons},
        model::{
            Run, State,
            headline::{Figure, Worst},
            stations::Station,
        },
        theme,
    },
};

/// The size of the figures and of what they are called, where there is room and where there is little.
const SIZES: (f32, f32) = (22.0, 13.0);
const SMALLER: (f32, f32) = (17.0, 12.5);
/// The same for a room that looks on.
const ROOM: (f32, f32) = (25.0, 15.5);
/// Room that the stations take, as many times as what the figures are called is high.
const STATIONS: f32 = 23.0;

/// From this width on, two runs have room for what their figures are called.
const BRIEF: f32 = 1000.0;

/// A figure as it is drawn.
struct Shown<'a> {
    value: &'a str,
    caption: &'a str,
    /// For who does not see it.
    about: &'a str,
    colour: Color32,
    sense: Sense,
}

/// The row.
pub(crate) fn headline_ui(ui: &mut Ui, state: &mut State) {
    let narrow = ui.ctx().content_rect().width() < theme::NARROW;
    let sizes = match (narrow, state.link.projector) {
        (true, _) => SMALLER,
        (false, true) => ROOM,
        (false, false) => SIZES,
    };
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = if narrow || state.link.projector || is_brief(ui, state) { 10.0 } else { 18.0 };
        let place = state.run().place;
        let epoch = state.run().epoch();
        let (value, about) = (format!("{epoch}/{}", place.epochs), format!("epoch {epoch} of {}", place.epochs));
        let colour = ui.visuals().text_color();
        figure_ui(ui, sizes, &Shown { value: &value, caption: "epoch", about: &about, colour, sense: Sense::hover() });
        let mut judge = false;
        for run in &state.runs {
            // A row for each, where both do not fit into one.
            if narrow && state.has_twin() {
                ui.end_row();
            }
            judge |= run_ui(ui, state, run, sizes);
        }
        if judge {
            let ctx = ui.ctx().clone();
            state.act(Action::Judge, &ctx);
        }
        let stepping = state.station().is_some();
        if state.is_plane() && (stepping || (!narrow && ui.available_size_before_wrap().x > STATIONS * sizes.1)) {
            if narrow {
                ui.end_row();
            }
            stations_ui(ui, state, sizes.1);
        }
        if !narrow && offers_tour(state) {
            tour_ui(ui, state);
        }
    });
    ui.add_space(1.0);
}

/// Whether the figures of two runs fit into one row if they are called by little, and not otherwise.
fn is_brief(ui: &Ui, state: &State) -> bool {
    let width = ui.ctx().content_rect().width();
    state.has_twin() && width >= theme::NARROW && (state.link.projector || width < BRIEF)
}

/// The figures of a run; whether a judgement is asked for.
fn run_ui(ui: &mut Ui, state: &State, run: &Run, sizes: (f32, f32)) -> bool {
    let dark = ui.visuals().dark_mode;
    let two = state.has_twin();
    let title = run.title();
    let whose = if two { format!("{title}: ") } else { String::new() };
    if two {
        ui.label(RichText::new(&title).size(sizes.1 + 1.0).strong());
    }
    let headline = run.headline();
    let brief = is_brief(ui, state);
    let weak = ui.visuals().weak_text_color();
    let percent =
        |figure: &Option<Figure>| figure.as_ref().map_or("–".to_owned(), |figure| format!("{:.1} %", 100.0 * figure.value));
    for (figure, caption, colour, mark) in [
        (&headline.natural, "natural", theme::natural(dark), None),
        (&headline.pgd, "PGD-20", theme::adversarial(dark), Some(Mark::Pgd)),
    ] {
        let value = percent(figure);
        let about = format!("{whose}{caption} {value}");
        let colour = if figure.is_some() { colour } else { weak };
        // Of what it is: a judgement is of other data than what training measures. One of the two says it where there is little room.
        let part = figure.as_ref().filter(|_| (sizes == SIZES || mark.is_some()) && !brief);
        let caption = part.map_or_else(|| caption.to_owned(), |figure| format!("{caption}, {}", figure.part));
        let shown = Shown { value: &value, caption: &caption, about: &about, colour, sense: Sense::hover() };
        let mut response = figure_ui(ui, sizes, &shown);
        if let Some(figure) = figure {
            response = response.on_hover_text(&figure.of);
        }
        if let Some(mark) = mark {
            spotlight::show(ui, state, &[mark], response.rect);
        }
    }
    let (value, caption, about, hover) = match &headline.worst {
        Worst::NotJudged => (
            "not judged".to_owned(),
            if brief { "worst: J" } else { "worst of a suite: J" }.to_owned(),
            format!("{whose}worst of a suite: not judged, J judges"),
            Action::Judge.doc().to_owned(),
        ),
        Worst::UnderWay => {
            let text = "judging…".to_owned();
            (
                text.clone(),
                "worst of a suite".to_owned(),
                format!("{whose}worst of a suite: {text}"),
                "A suite of attacks is at work".to_owned(),
            )
        }
        Worst::Judged { figure, strongest, since } => {
            let value = format!("{:.1} %", 100.0 * figure.value);
            let caption = match since {
                Some(epoch) => format!("worst, epoch {epoch}"),
                None => "worst of the suite".to_owned(),
            };
            let about = format!("{whose}{caption} {value}");
            let caption = if brief && since.is_none() { "worst".to_owned() } else { caption };
            (value, caption, about, format!("Left after every attack; {strongest} alone broke most. {}", figure.of))
        }
    };
    let judged = matches!(headline.worst, Worst::Judged { .. });
    let colour = if judged { ui.visuals().strong_text_color() } else { weak };
    // Words are not figures.
    let sizes = if judged { sizes } else { (sizes.1 + 3.0, sizes.1) };
    let sense = if headline.worst == Worst::NotJudged { Sense::click() } else { Sense::hover() };
    let shown = Shown { value: &value, caption: &caption, about: &about, colour, sense };
    let response = figure_ui(ui, sizes, &shown).on_hover_text(hover);
    spotlight::show(ui, state, &[Mark::Worst], response.rect);
    response.clicked()
}

/// A figure over what it is called.
fn figure_ui(ui: &mut Ui, (large, small): (f32, f32), shown: &Shown<'_>) -> Response {
    let painter = ui.painter();
    let weak = ui.visuals().weak_text_color();
    // Figures in columns, words as words.
    let is_figure = shown.value.starts_with(|sign: char| sign.is_ascii_digit());
    let font = if is_figure { FontId::monospace(large) } else { FontId::proportional(large) };
    let value = painter.layout_no_wrap(shown.value.to_owned(), font, shown.colour);
    let caption = painter.layout_no_wrap(shown.caption.to_owned(), FontId::proportional(small), weak);
    let above = SIZES.0.max(large) * 1.2;
    let height = above + small * 1.3;
    let height = if shown.sense == Sense::click() { height.max(ui.spacing().interact_size.y) } else { height };
    let size = vec2(value.size().x.max(caption.size().x), height);
    let (rect, response) = ui.allocate_exact_size(size, shown.sense);
    let painter = ui.painter();
    painter.galley(egui::pos2(rect.left(), rect.top() + above - value.size().y), value, shown.colour);
    painter.galley(egui::pos2(rect.left(), rect.bottom() - caption.size().y), caption, weak);
    if response.hovered() && shown.sense == Sense::click() || response.has_focus() {
        painter.rect_stroke(rect.expand(3.0), 3.0, Stroke::new(1.5, theme::accent(ui.visuals().dark_mode)), StrokeKind::Outside);
    }
    let role = if shown.sense == Sense::click() { egui::Role::Button } else { egui::Role::Label };
    response.widget_info(|| WidgetInfo::labeled(role, true, shown.about));
    response
}

/// The four stations of a step, the one that is shown lit.
fn stations_ui(ui: &mut Ui, state: &State, size: f32) {
    let now = state.station();
    let mut whole = Rect::NOTHING;
    let dark = ui.visuals().dark_mode;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.horizontal(|ui| {
            for (place, station) in Station::ALL.into_iter().enumerate() {
                if place > 0 {
                    ui.label(RichText::new("→").size(size).weak());
                }
                let lit = now == Some(station);
                let font = FontId::proportional(size);
                let colour = if lit { theme::ground(dark) } else { ui.visuals().weak_text_color() };
                let size = ui.painter().layout_no_wrap(station.name().to_owned(), font.clone(), colour).size() + vec2(14.0, 8.0);
                let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
                if lit {
                    ui.painter().rect_filled(rect, 10.0, theme::accent(dark));
                } else {
                    let stroke = Stroke::new(1.0, ui.visuals().weak_text_color());
                    ui.painter().rect_stroke(rect, 10.0, stroke, StrokeKind::Inside);
                }
                ui.painter().text(rect.center(), Align2::CENTER_CENTER, station.name(), font, colour);
                let about = if lit { format!("station {}, now", station.name()) } else { format!("station {}", station.name()) };
                response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &about));
                whole = whole.union(rect);
            }
        });
    });
    spotlight::show(ui, state, &[Mark::Stations], whole);
}

/// Whether somebody has just come, with nothing special in mind.
pub(crate) fn offers_tour(state: &State) -> bool {
    state.link.preset == Some(Preset::First) && state.lesson.is_none() && !state.tour_declined && !state.link.embed
}

pub(crate) fn tour_ui(ui: &mut Ui, state: &mut State) {
    let dark = ui.visuals().dark_mode;
    let text = RichText::new("▶ Start the 4-minute tour").size(16.0).strong().color(theme::ground(dark));
    if ui.add(Button::new(text).fill(theme::accent(dark)).min_size(vec2(0.0, 34.0))).clicked() {
        lessons::begin(state, 0);
    }
    if ui.add(Button::new(RichText::new("Not now").size(14.0)).frame(false)).clicked() {
        state.tour_declined = true;
    }
}
