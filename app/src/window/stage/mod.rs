//! The stage for points of a plane: how the network divides it, the data, their adversarial partners, and what lies between.

mod legend;
mod marks;
mod picture;
mod pointer;
mod points;

use std::sync::{Arc, Mutex, PoisonError};

use egui::{Align2, Color32, FontId, Id, Label, Pos2, Rect, Response, RichText, Sense, Stroke, StrokeKind, Ui, pos2, vec2};
use gairat::region_map::Quantity;

use crate::window::{
    actions::Action,
    model::{Phase, Run, State, stations::Station, views::StageView},
    panels::controls::action_button,
    theme,
};
use marks::Marks;
use picture::Picture;

/// Where the layer of drawings is.
const DRAWING: usize = 6;

/// How far from a point, in points of the screen, the pointer still means it.
const REACH: f32 = 12.0;

/// The pictures of the regions of each run, kept from frame to frame, and of which runs they are.
#[derive(Default)]
struct Pictures {
    of: u64,
    pictures: Vec<Picture>,
}

/// From data to the screen and back; up is up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placing {
    middle: [f32; 2],
    scale: f32,
    centre: Pos2,
    /// How large marks are: on a small stage smaller, so that they do not hide each other.
    ink: f32,
}

/// The side of a stage on which marks are as large as they are written down, and the least and greatest that becomes of them.
const SIDE: f32 = 400.0;
const INK: (f32, f32) = (0.6, 1.4);

impl Placing {
    /// Inside `rect`.
    fn of(view: &StageView, rect: Rect) -> Self {
        let side = rect.width().min(rect.height()) * 0.94;
        let ink = (side / SIDE).max(0.0).sqrt().clamp(INK.0, INK.1);
        Self { middle: view.middle, scale: side * view.zoom, centre: rect.center(), ink }
    }

    pub(crate) fn to_screen(self, [x, y]: [f32; 2]) -> Pos2 {
        self.centre + vec2(x - self.middle[0], self.middle[1] - y) * self.scale
    }

    pub(crate) fn to_data(self, at: Pos2) -> [f32; 2] {
        let away = (at - self.centre) / self.scale;
        [self.middle[0] + away.x, self.middle[1] - away.y]
    }

    /// The unit square.
    fn unit(self) -> Rect {
        Rect::from_two_pos(self.to_screen([0.0, 1.0]), self.to_screen([1.0, 0.0]))
    }
}

/// All stages: one for each run, and one look at both.
pub(crate) fn stages_ui(ui: &mut Ui, state: &mut State) {
    let runs = state.runs.len();
    let width = (ui.available_width() - 6.0 * (runs - 1) as f32) / runs as f32;
    // Beside a twin, and where there is no room at the side of the square, what the marks mean stands once, below.
    let beside = runs == 1 && legend::fits_beside(ui, ui.available_size());
    let row = legend::height(ui, ui.available_width());
    let below = !beside && ui.available_height() >= 300.0;
    let height = ui.available_height() - if below { row + ui.spacing().item_spacing.y } else { 0.0 };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for place in 0..runs {
            ui.allocate_ui(vec2(width, height), |ui| {
                ui.set_min_size(vec2(width, height));
                ui.vertical(|ui| stage_ui(ui, state, place, beside));
            });
        }
    });
    if !ui.rect_contains_pointer(ui.min_rect()) {
        state.hovered = None;
    }
    if below {
        legend::row_ui(ui, state);
    }
}

/// All stages below each other, each as high as this, and what their marks mean.
pub(crate) fn stack_ui(ui: &mut Ui, state: &mut State, height: f32) {
    // The legend takes its room from all stages alike.
    let legend = legend::height(ui, ui.available_width());
    let size = vec2(ui.available_width(), height - legend / state.runs.len() as f32);
    for place in 0..state.runs.len() {
        ui.allocate_ui(size, |ui| {
            ui.set_min_size(size);
            ui.set_max_height(size.y);
            ui.vertical(|ui| stage_ui(ui, state, place, false));
        });
    }
    legend::row_ui(ui, state);
}

/// All stages beside each other in so much height, and what their marks mean below them.
pub(crate) fn row_ui(ui: &mut Ui, state: &mut State, height: f32) {
    let runs = state.runs.len();
    let across = (ui.available_width() - 6.0 * (runs - 1) as f32) / runs as f32;
    let size = vec2(across, height - legend::height(ui, ui.available_width()));
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for place in 0..runs {
            ui.allocate_ui(size, |ui| {
                ui.set_min_size(size);
                ui.set_max_size(size);
                ui.vertical(|ui| stage_ui(ui, state, place, false));
            });
        }
    });
    legend::row_ui(ui, state);
}

/// One stage; `legend` says whether what its marks mean stands in its corner.
fn stage_ui(ui: &mut Ui, state: &mut State, place: usize, legend: bool) {
    title_ui(ui, state, place);
    // A finger scrolls the column that the stage stands in, or the page around it: two move the stage.
    let by_finger = state.large_targets && state.drawing.is_none();
    let sense = if by_finger { Sense::click() } else { Sense::click_and_drag() };
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), sense);
    let about = about(&state.runs[place], state.runs[place].title());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &about));
    let dark = ui.visuals().dark_mode;
    let painter = ui.painter_at(rect);
    if state.runs[place].dataset.is_none() {
        empty(&painter, rect, &state.runs[place], ui.visuals().text_color());
        return;
    }

    pointer::look_around(ui, state, rect, &response);
    let placing = Placing::of(&state.stage, rect);
    if state.stage.shows.regions && state.drawing.is_none() {
        regions(ui, state, place, placing, &painter);
    }
    frame_of_the_box(&painter, placing, ui.visuals().weak_text_color());
    if state.drawing.is_some() {
        draw(ui, state, placing, &response, &painter);
        return;
    }
    if state.attack_step.is_some() && state.runs[place].next_batch.is_some() {
        points::batch(state, place, placing, &painter, dark);
    } else {
        points::all(state, place, placing, &painter, dark);
    }
    pointer::point_at(ui, state, place, placing, &response);
    points::marked(state, place, placing, &painter, dark);
    if legend {
        legend::corner_ui(ui, state, place, rect);
    }
    pointer::wheel_hint(ui, state, rect);
}

/// The name of the run, and what is shown of it.
fn title_ui(ui: &mut Ui, state: &mut State, place: usize) {
    ui.horizontal(|ui| {
        // As high as the button that one of them has, so that stages beside each other begin alike.
        ui.set_min_height(ui.text_style_height(&egui::TextStyle::Button) + 2.0 * ui.spacing().button_padding.y);
        // The button first: what is said takes the room that is left.
        if place == 0 {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                layers_ui(ui, state);
                if !state.stage.is_whole() {
                    action_button(ui, state, Action::ResetView, "⟲ Whole", false);
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| words_ui(ui, state, place));
            });
        } else {
            words_ui(ui, state, place);
        }
    });
}

/// The name of the run, and what is shown of its next batch.
fn words_ui(ui: &mut Ui, state: &State, place: usize) {
    let title = state.runs[place].title();
    ui.strong(title).on_hover_text(if place == 0 { "The run" } else { "Its twin: the same seed, data and first weights" });
    let run = &state.runs[place];
    if let (Some(step), Some(station), Some(_)) = (state.attack_step, state.station(), &run.next_batch) {
        let text = match station {
            Station::Attack => format!("next batch at attack step {step} of {}", run.settings.steps),
            Station::Kappa => "kappa: the steps before which each point is classified correctly".to_owned(),
            Station::Weight => "weight: rings, as large as it counts".to_owned(),
            Station::Update => "learned from; the next batch".to_owned(),
        };
        let text = RichText::new(text).color(theme::accent(ui.visuals().dark_mode));
        // Beside it there is a button.
        ui.add(Label::new(text).truncate());
    }
}

fn layers_ui(ui: &mut Ui, state: &mut State) {
    let shows = state.stage.shows;
    ui.menu_button("Show…", |ui| {
        for (action, on) in [
            (Action::ShowRegions, shows.regions),
            (Action::ShowNatural, shows.natural),
            (Action::ShowAdversarial, shows.adversarial),
            (Action::ShowSteps, shows.steps),
        ] {
            let mut on = on;
            if ui.checkbox(&mut on, action.name()).on_hover_text(action.doc()).changed() {
                let ctx = ui.ctx().clone();
                state.act(action, &ctx);
            }
        }
        ui.separator();
        for (quantity, name) in [(Quantity::Probability, "Shades: probability"), (Quantity::Margin, "Shades: margin")] {
            if ui.radio(state.stage.quantity == quantity, name).clicked() {
                state.stage.quantity = quantity;
                state.touch();
            }
        }
        if state.has_twin() {
            let mut difference = state.stage.difference;
            if ui.checkbox(&mut difference, Action::Difference.name()).on_hover_text(Action::Difference.doc()).changed() {
                let ctx = ui.ctx().clone();
                state.act(Action::Difference, &ctx);
            }
        }
        if ui.button(Action::ResetView.name()).on_hover_text(Action::ResetView.doc()).clicked() {
            state.stage.reset();
        }
    });
}

/// The stage in words, for who does not see it.
fn about(run: &Run, title: String) -> String {
    let tally = run.tally();
    format!(
        "Stage of {title}: {} training points seen, {} of them broken by the attack; mean kappa {:.2}",
        tally.seen, tally.broken, tally.mean_kappa
    )
}

/// What is said in place of a picture.
fn empty(painter: &egui::Painter, rect: Rect, run: &Run, colour: Color32) {
    let text = match &run.phase {
        Phase::Failed(what) => format!("This run could not begin.\n{what}"),
        _ => "Reading the data…".to_owned(),
    };
    let galley = painter.layout(text, FontId::proportional(14.0), colour, rect.width() - 40.0);
    painter.galley(rect.center() - galley.size() / 2.0, galley, colour);
}

fn regions(ui: &Ui, state: &mut State, place: usize, placing: Placing, painter: &egui::Painter) {
    let kept: Arc<Mutex<Pictures>> = ui.data_mut(|data| data.get_temp_mut_or_default::<Arc<Mutex<Pictures>>>(Id::NULL).clone());
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.of != state.stage.runs_shown {
        *kept = Pictures { of: state.stage.runs_shown, pictures: Vec::new() };
    }
    while kept.pictures.len() <= place {
        kept.pictures.push(Picture::default());
    }
    let picture = &mut kept.pictures[place];
    let dark = ui.visuals().dark_mode;
    match state.both_regions().filter(|_| state.stage.difference) {
        Some(both) => picture.show_difference(ui.ctx(), both, dark),
        None => picture.show(ui.ctx(), &state.runs[place], state.stage.quantity, dark),
    }
    picture.paint(painter, placing.unit());
}

fn frame_of_the_box(painter: &egui::Painter, placing: Placing, colour: Color32) {
    painter.rect_stroke(placing.unit(), 0.0, Stroke::new(1.0, colour.gamma_multiply(0.5)), StrokeKind::Outside);
}

/// The points as they are drawn by hand.
fn draw(ui: &Ui, state: &mut State, placing: Placing, response: &Response, painter: &egui::Painter) {
    let dark = ui.visuals().dark_mode;
    let Some(drawing) = &mut state.drawing else { return };
    let at = response.interact_pointer_pos().or(response.hover_pos());
    if let Some(at) = at {
        let erases = drawing.brush.is_none() || response.dragged_by(egui::PointerButton::Secondary);
        let touches = response.dragged_by(egui::PointerButton::Primary)
            || response.dragged_by(egui::PointerButton::Secondary)
            || response.clicked();
        if touches {
            let reach = REACH / placing.scale;
            if erases { drawing.erase(placing.to_data(at), reach) } else { drawing.add(placing.to_data(at), 0.8 * reach) }
        }
        let colour = drawing.brush.map_or(ui.visuals().text_color(), |class| theme::class(class, dark));
        painter.circle_stroke(at, REACH, Stroke::new(1.5, colour));
    }
    if response.drag_stopped() || response.clicked() {
        drawing.end_stroke();
    }
    let mut marks = Marks::default();
    for point in drawing.points() {
        marks.shape(point.class, placing.to_screen(point.at), 3.5, theme::class(point.class, dark));
    }
    marks.paint(painter, DRAWING);
    let text = format!(
        "{} points · {} · drag adds, right drag erases · Ctrl+Enter trains on them",
        drawing.points().len(),
        drawing.brush.map_or("eraser".to_owned(), |class| format!("brush: class {}", theme::class_name(class, 2)))
    );
    painter.text(
        pos2(response.rect.center().x, response.rect.top() + 14.0),
        Align2::CENTER_CENTER,
        text,
        FontId::proportional(13.0),
        ui.visuals().text_color(),
    );
}
