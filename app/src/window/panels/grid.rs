//! The stage for images: a grid of training samples, sorted and filtered, of which only the visible part is drawn and attacked.

use egui::{Align2, ColorImage, ComboBox, FontId, Rect, ScrollArea, Sense, Stroke, StrokeKind, TextureOptions, Ui, pos2, vec2};

use gairat::session::Looked;

use crate::{
    pixels::{answer, magnified},
    window::{
        model::{
            Run, State,
            views::{Face, GridView, Order},
        },
        panels::pictures::{perturbation, picture},
        theme,
    },
};

/// The side of a picture, in points.
const SIDE: f32 = 56.0;
/// The size of what stands below a picture.
const CAPTION: f32 = 11.5;
/// Samples whose pictures are kept.
const KEPT: usize = 600;

/// The order of the samples that pass the filters.
fn sort(run: &Run, view: &GridView) -> Vec<usize> {
    let Some(dataset) = &run.dataset else { return Vec::new() };
    let train = &dataset.train;
    let mut places: Vec<usize> = (0..train.len())
        .filter(|&place| view.class.is_none_or(|class| train.labels[place] == class))
        .filter(|&place| {
            let seen = run.samples.get(place).and_then(Option::as_ref);
            view.broken.is_none_or(|broken| seen.is_some_and(|seen| seen.record.measured.broken == broken))
        })
        .collect();
    let key = |place: &usize| -> f32 {
        let seen = run.samples.get(*place).and_then(Option::as_ref);
        // What was not seen yet comes last.
        match view.order {
            Order::Weight => seen.map_or(f32::MAX, |seen| -seen.record.omega),
            Order::Kappa => seen.map_or(f32::MAX, |seen| seen.record.measured.kappa as f32),
            Order::Margin => seen.map_or(f32::MAX, |seen| seen.record.measured.margin_adversarial),
            Order::Class => train.labels[*place] as f32,
            Order::Row => 0.0,
        }
    };
    places.sort_by(|a, b| key(a).total_cmp(&key(b)));
    places
}

/// The grid.
pub(crate) fn grid_ui(ui: &mut Ui, state: &mut State) {
    controls_ui(ui, state);
    let Some(dataset) = state.run().dataset.clone() else {
        ui.label("Reading the data…");
        return;
    };
    let classes = dataset.classes;
    // Sorting again with every batch would make the tiles jump: while it plays that is done once an epoch.
    let place = state.run().place;
    let moment = if state.gate.playing() { place.epoch as usize } else { usize::MAX - place.steps_done() };
    let view = &state.grid;
    let wanted = (moment, view.order, view.class, view.broken);
    let first_seen = state.run().place.epoch == 0 && state.run().views < 40;
    if view.sorted_for != Some(wanted) || first_seen {
        let sorted = sort(state.run(), &state.grid);
        (state.grid.sorted, state.grid.sorted_for) = (sorted, Some(wanted));
    }
    let tile = vec2(SIDE + 6.0, SIDE + 22.0);
    let columns = ((ui.available_width() - 14.0) / tile.x).floor().max(1.0) as usize;
    let count = state.grid.sorted.len();
    if count == 0 {
        ui.label("No sample passes the filters.");
        return;
    }
    let mut visible = Vec::new();
    let mut clicked = None;
    let mut grid = std::mem::take(&mut state.grid);
    ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, tile.y, count.div_ceil(columns), |ui, rows| {
        for row in rows {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                for place in (row * columns..(row + 1) * columns).take_while(|place| *place < count) {
                    let sample = grid.sorted[place];
                    visible.push(dataset.train.rows[sample]);
                    if tile_ui(ui, state, &mut grid, sample, tile, classes) {
                        clicked = Some(dataset.train.rows[sample]);
                    }
                }
            });
        }
    });
    grid.visible = visible;
    state.grid = grid;
    if clicked.is_some() {
        state.select(clicked);
    }
}

fn controls_ui(ui: &mut Ui, state: &mut State) {
    let classes = state.run().dataset.as_ref().map_or(0, |dataset| dataset.classes);
    let title = state.runs.iter().map(Run::title).collect::<Vec<_>>().join(" | ");
    let (seen, broken) = (state.run().tally().seen, state.run().tally().broken);
    let epsilon = state.run().settings.epsilon as f32;
    let view = &mut state.grid;
    ui.horizontal_wrapped(|ui| {
        ui.strong(title);
        for (face, name) in [(Face::Natural, "natural"), (Face::Adversarial, "adversarial"), (Face::Perturbation, "difference")] {
            ui.selectable_value(&mut view.face, face, name);
        }
        ui.separator();
        let label = ui.label("sorted by").id;
        let list = ComboBox::from_id_salt("sorted by").selected_text(view.order.name()).show_ui(ui, |ui| {
            for order in Order::ALL {
                ui.selectable_value(&mut view.order, order, order.name());
            }
        });
        list.response.labelled_by(label);
        let name = |class: Option<u32>| class.map_or_else(|| "all".to_owned(), |class| class.to_string());
        let label = ui.label("class").id;
        let list = ComboBox::from_id_salt("class").width(52.0).selected_text(name(view.class)).show_ui(ui, |ui| {
            for class in std::iter::once(None).chain((0..classes as u32).map(Some)) {
                ui.selectable_value(&mut view.class, class, name(class));
            }
        });
        list.response.labelled_by(label);
        for (which, name) in [(None, "broken or not"), (Some(true), "✖ broken"), (Some(false), "✔ withstood")] {
            ui.selectable_value(&mut view.broken, which, name);
        }
        ui.weak(format!("{seen} seen, {broken} broken"));
        if view.face == Face::Perturbation {
            ui.weak(format!("· {}", magnified(epsilon)));
        }
    });
}

/// One sample; whether it was clicked.
fn tile_ui(ui: &mut Ui, state: &State, grid: &mut GridView, sample: usize, tile: egui::Vec2, classes: usize) -> bool {
    let (rect, response) = ui.allocate_exact_size(tile, Sense::click());
    if !ui.is_rect_visible(rect) {
        return false;
    }
    let run = state.run();
    let Some(dataset) = &run.dataset else { return false };
    let dark = ui.visuals().dark_mode;
    let row = dataset.train.rows[sample];
    let label = dataset.train.labels[sample] as usize;
    let seen = run.samples.get(sample).and_then(Option::as_ref);
    let picture = Rect::from_min_size(rect.min + vec2(3.0, 3.0), vec2(SIDE, SIDE));
    if let Some(texture) = texture(ui, run, grid, sample, dark) {
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(texture, picture, whole, egui::Color32::WHITE);
    } else {
        ui.painter().rect_filled(picture, 2.0, ui.visuals().faint_bg_color);
        ui.painter().text(
            picture.center(),
            Align2::CENTER_CENTER,
            "…",
            FontId::proportional(16.0),
            ui.visuals().weak_text_color(),
        );
    }
    // The wider the ring, the more it counts.
    let omega = seen.map_or(0.0, |seen| seen.record.omega);
    ui.painter().rect_stroke(
        picture,
        2.0,
        Stroke::new((1.6 * run.relative(omega).max(0.0).sqrt()).clamp(0.5, 5.0), theme::weight(dark)),
        StrokeKind::Outside,
    );
    if state.selected == Some(row) {
        ui.painter().rect_stroke(picture.expand(2.5), 2.0, Stroke::new(2.0, theme::accent(dark)), StrokeKind::Outside);
    }
    let name = theme::class_name(label, classes);
    // Beside a twin: its kappa as well.
    let twin = state.runs.get(1).map(|twin| twin.samples.get(sample).and_then(Option::as_ref));
    let twin = match twin {
        Some(Some(seen)) => format!("|{}", seen.record.measured.kappa),
        Some(None) => "|–".to_owned(),
        None => String::new(),
    };
    // What the network takes it for, as it is now: before the attack and after it.
    let looked = run.looked.get(&row).filter(|_| grid.shows_attack(state.gate.playing()));
    let answers = looked.map(|looked| (looked, classes));
    let names = answers.map_or_else(|| name.clone(), |(looked, classes)| mistaken(looked, label, classes));
    let text = match seen {
        Some(seen) => {
            let mark = if seen.record.measured.broken { "✖" } else { "✔" };
            format!("{mark} {names} κ{}{twin}", seen.record.measured.kappa)
        }
        None => format!("{names} –"),
    };
    let at = pos2(rect.center().x, rect.bottom() - 9.0);
    // What is long is written smaller: it must not run into its neighbours.
    let colour = ui.visuals().text_color();
    let written = |size: f32| ui.painter().layout_no_wrap(text.clone(), FontId::proportional(size), colour);
    let galley = written(CAPTION);
    let galley = if galley.size().x > tile.x { written(CAPTION * (tile.x / galley.size().x).max(0.7)) } else { galley };
    ui.painter().galley(at - galley.size() / 2.0, galley, colour);
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::Button, true, state.selected == Some(row), format!("Sample {row}: {text}"))
    });
    let mut hover = format!("sample {row}, class {name}\nω {omega:.2}");
    if let Some((looked, classes)) = answers {
        let from = answer(looked.natural_class, looked.confidences[0], classes);
        let to = answer(looked.adversarial_class, looked.confidences[1], classes);
        hover += &format!("\nthe network as it is: {from} → {to}");
    }
    if grid.face == Face::Perturbation {
        hover += &format!("\ndifference {}", magnified(run.settings.epsilon as f32));
    }
    response.on_hover_text(hover).clicked()
}

/// The class of a sample and, after an arrow, what it is mistaken for under the attack; before it in brackets, what already without.
fn mistaken(looked: &Looked, label: usize, classes: usize) -> String {
    let name = |class: u32| theme::class_name(class as usize, classes);
    let (own, before, after) = (label as u32, looked.natural_class, looked.adversarial_class);
    match (before == own, after == own) {
        (true, true) => name(own),
        (true, false) => format!("{}→{}", name(own), name(after)),
        (false, _) => format!("({}) {}→{}", name(own), name(before), name(after)),
    }
}

/// The texture of a tile; made when it is first visible, and made anew when the attack on it is.
fn texture(ui: &Ui, run: &Run, grid: &mut GridView, sample: usize, dark: bool) -> Option<egui::TextureId> {
    let dataset = run.dataset.as_ref()?;
    let row = dataset.train.rows[sample];
    let shape = dataset.shape.picture();
    let number = if grid.face == Face::Natural { 0 } else { run.views };
    let key = (row, grid.face, dark);
    let fresh = |made: u64| grid.face == Face::Natural || number.saturating_sub(made) < 10;
    if let Some((made, texture)) = grid.textures.get(&key)
        && fresh(*made)
    {
        return Some(texture.id());
    }
    let len = dataset.shape.len();
    let natural = &dataset.train.pixels[sample * len..(sample + 1) * len];
    let image: ColorImage = match grid.face {
        Face::Natural => picture(natural, shape),
        Face::Adversarial => picture(&run.looked.get(&row)?.adversarial, shape),
        Face::Perturbation => perturbation(natural, &run.looked.get(&row)?.adversarial, shape, run.settings.epsilon as f32, dark),
    };
    if grid.textures.len() >= KEPT {
        grid.textures.clear();
    }
    let texture = ui.ctx().load_texture(format!("sample {row}"), image, TextureOptions::NEAREST);
    let id = texture.id();
    grid.textures.insert(key, (number, texture));
    Some(id)
}
