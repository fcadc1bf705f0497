//! What is drawn on the canvas, said beside it: a summary in words, and every label, button and value as an element that screen readers
//! find and can press.
//!
//! The panels describe themselves to egui for AccessKit, natively and here; the browser has no AccessKit, so its tree becomes elements.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use egui::accesskit::{Action, ActionRequest, Node, NodeId, Role, Toggled, TreeId, TreeUpdate};
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{Document, Element, HtmlElement};
use web_time::{Duration, Instant};

use super::State;

/// How often the summary may speak.
const SPEAK_EVERY: Duration = Duration::from_secs(4);
/// How often elements follow what is drawn.
const FOLLOW_EVERY: Duration = Duration::from_millis(400);

thread_local! {
    /// What was asked of elements since the last frame.
    static ASKED: RefCell<Vec<(NodeId, Action)>> = const { RefCell::new(Vec::new()) };
}

/// Takes the tree out of every frame.
struct Tree {
    drawn: Arc<Mutex<Option<TreeUpdate>>>,
    last: Option<TreeUpdate>,
}

impl egui::Plugin for Tree {
    fn debug_name(&self) -> &'static str {
        "mirror"
    }

    fn output_hook(&mut self, _ctx: &egui::Context, output: &mut egui::FullOutput) {
        if let Some(update) = output.platform_output.accesskit_update.take() {
            if self.last.as_ref() != Some(&update) {
                // It is said in a frame to come, which has to come.
                for viewport in output.viewport_output.values_mut() {
                    viewport.repaint_delay = viewport.repaint_delay.min(FOLLOW_EVERY);
                }
                self.last = Some(update.clone());
            }
            *self.drawn.lock().unwrap_or_else(PoisonError::into_inner) = Some(update);
        }
    }
}

/// An element as it stands in the page.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    tag: &'static str,
    role: &'static str,
    label: String,
    value: String,
    checked: Option<bool>,
    disabled: bool,
    /// Now, the least and the most, as far as there are such.
    range: [Option<f64>; 3],
    /// Left, top, width and height, in points.
    place: [i32; 4],
}

pub(super) struct Mirror {
    tree: Arc<Mutex<Option<TreeUpdate>>>,
    elements: HashMap<NodeId, (Said, HtmlElement)>,
    followed: Instant,
    spoken: (String, Instant),
}

impl Mirror {
    pub(super) fn begin(ctx: &egui::Context) -> Self {
        ctx.enable_accesskit();
        let tree = Arc::new(Mutex::new(None));
        ctx.add_plugin(Tree { drawn: Arc::clone(&tree), last: None });
        listen();
        let now = Instant::now();
        Self { tree, elements: HashMap::new(), followed: now, spoken: (String::new(), now) }
    }

    /// Announces the content for screen readers.
    pub(super) fn summary(&mut self, ctx: &egui::Context, state: &State, now: Instant) {
        let text = in_words(state);
        if text == self.spoken.0 {
            return;
        }
        let rested = now.duration_since(self.spoken.1);
        if rested < SPEAK_EVERY && !self.spoken.0.is_empty() {
            ctx.request_repaint_after(SPEAK_EVERY - rested);
            return;
        }
        if let Some(element) = document().and_then(|document| document.get_element_by_id("summary")) {
            element.set_text_content(Some(&text));
        }
        self.spoken = (text, now);
    }

    /// Lets the elements follow what was drawn last; whether it was time to.
    pub(super) fn follow(&mut self, ctx: &egui::Context, now: Instant) -> bool {
        let rested = now.duration_since(self.followed);
        if rested < FOLLOW_EVERY {
            // What is drawn last is said as well; the frame in which it is asks for no other.
            ctx.request_repaint_after(FOLLOW_EVERY - rested);
            return false;
        }
        let zoom = ctx.zoom_factor();
        let Some(update) = self.tree.lock().unwrap_or_else(PoisonError::into_inner).take() else { return false };
        self.followed = now;
        let Some(document) = document() else { return true };
        let Some(parent) = document.get_element_by_id("mirror") else { return true };
        let said = read(&update, zoom);
        let order: Vec<NodeId> = said.iter().map(|(id, _)| *id).collect();
        let kept: BTreeMap<NodeId, ()> = order.iter().map(|id| (*id, ())).collect();
        self.elements.retain(|id, (_, element)| {
            let stays = kept.contains_key(id);
            if !stays {
                element.remove();
            }
            stays
        });
        for (id, said) in said {
            let known = self.elements.get(&id);
            if known.is_some_and(|(before, _)| *before == said) {
                continue;
            }
            let element = match known.filter(|(before, _)| before.tag == said.tag) {
                Some((_, element)) => element.clone(),
                None => match element(&document, id, said.tag) {
                    Some(element) => element,
                    None => continue,
                },
            };
            if let Some((_, old)) = known.filter(|(before, _)| before.tag != said.tag) {
                old.remove();
            }
            say(&element, &said);
            if element.parent_node().is_none() {
                // It is put into its place below.
                let _ = parent.append_child(&element);
            }
            self.elements.insert(id, (said, element));
        }
        self.put_in_order(&parent, &order);
        // The canvas has the keyboard; what is drawn as having it is said to have it.
        if let Some(canvas) = document.get_element_by_id("gairat") {
            let focused = Some(update.focus).filter(|id| self.elements.contains_key(id));
            let _ = match focused {
                Some(id) => canvas.set_attribute("aria-activedescendant", &name_of(id)),
                None => canvas.remove_attribute("aria-activedescendant"),
            };
        }
        true
    }

    /// Moves elements that do not stand where they are read. One that a reader is at stays: taken out and put in again it would lose it.
    fn put_in_order(&self, parent: &Element, order: &[NodeId]) {
        let mut next = parent.first_element_child();
        for (_, element) in order.iter().filter_map(|id| self.elements.get(id)) {
            let here: &Element = element;
            if next.as_ref() == Some(here) {
                next = here.next_element_sibling();
            } else if next.is_some() && here.is_same_node(document().and_then(|document| document.active_element()).as_deref()) {
                // Those before it come before it: each that stands between goes behind it.
                while let Some(between) = next.take_if(|next| next != here) {
                    next = between.next_element_sibling();
                    let _ = parent.append_child(&between);
                }
                next = here.next_element_sibling();
            } else {
                let _ = parent.insert_before(here, next.as_deref());
            }
        }
    }

    /// What was asked of elements.
    pub(super) fn requests(&mut self, input: &mut egui::RawInput) {
        for (target_node, action) in ASKED.take() {
            let request = ActionRequest { action, target_tree: TreeId::ROOT, target_node, data: None };
            input.events.push(egui::Event::AccessKitActionRequest(request));
        }
    }
}

/// A description of the content in a few sentences, for screen readers.
fn in_words(state: &State) -> String {
    let run = state.run();
    let mut text = format!("{}: {}", run.title(), crate::window::panels::bar::doing(run, state.gate.playing()));
    if run.place.epochs > 0 {
        text += &format!(", epoch {} of {}", run.place.epoch, run.place.epochs);
    }
    if let Some(accuracies) = run.accuracies() {
        text += &format!(
            ". Natural accuracy {:.0} %, robust {:.0} % ({})",
            100.0 * accuracies.natural,
            100.0 * accuracies.robust,
            accuracies.by
        );
    }
    if let Some(sentence) = run.at_chance() {
        text += &format!(". But {sentence}");
    }
    if let Some(twin) = state.runs.get(1) {
        text += &format!(". Beside it {}", twin.title());
        if let Some(accuracies) = twin.accuracies() {
            text += &format!(": natural {:.0} %, robust {:.0} %", 100.0 * accuracies.natural, 100.0 * accuracies.robust);
        }
        if let Some(sentence) = twin.at_chance() {
            text += &format!(". But {sentence}");
        }
    }
    for run in &state.runs {
        if run.judgements.under_way.as_ref().is_some_and(|under_way| !under_way.found) {
            text += &format!(". {} is being judged", run.title());
        } else if let Some(sentence) = run.judgements.in_words() {
            text += &format!(". {}: {sentence}", run.title());
        }
    }
    if let Some(lesson) = &state.lesson {
        text += &format!(". Lesson {}: {}, step {}", lesson.number + 1, lesson.plan().title, lesson.step + 1);
    }
    text += &format!(". Computed on {}.", if run.device.is_empty() { "a device that is being opened" } else { &run.device });
    if let Some(row) = state.selected {
        text += &format!(" Sample {row} is selected");
        text += &match run.seen(row) {
            Some(seen) if seen.record.measured.broken => {
                format!(": the attack breaks it, kappa {} of {}.", seen.record.measured.kappa, run.settings.steps)
            }
            Some(_) => ": it withstands the attack.".to_owned(),
            None => ".".to_owned(),
        };
    }
    text
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// The attribute that says which node an element is.
const NODE: &str = "data-node";

/// What the element of a node is called in the page.
fn name_of(id: NodeId) -> String {
    format!("node-{}", id.0)
}

/// A new element for a node.
fn element(document: &Document, id: NodeId, tag: &str) -> Option<HtmlElement> {
    let element: HtmlElement = document.create_element(tag).ok()?.dyn_into().ok()?;
    // The canvas has the keyboard; a reader finds the element without it.
    element.set_tab_index(-1);
    element.set_attribute(NODE, &id.0.to_string()).ok()?;
    element.set_id(&name_of(id));
    Some(element)
}

/// Passes on what is asked of elements. One listener hears of all, those that are made later as well.
fn listen() {
    let node = |event: &web_sys::Event| -> Option<NodeId> {
        let target: HtmlElement = event.target()?.dyn_into().ok()?;
        target.get_attribute(NODE)?.parse().ok().map(NodeId)
    };
    let clicked = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
        if let Some(id) = node(&event) {
            ask(id, Action::Click);
        }
    });
    let pressed = Closure::<dyn FnMut(web_sys::KeyboardEvent)>::new(move |event: web_sys::KeyboardEvent| {
        let action = match event.key().as_str() {
            "ArrowUp" | "ArrowRight" => Action::Increment,
            "ArrowDown" | "ArrowLeft" => Action::Decrement,
            _ => return,
        };
        // Buttons have no value.
        let adjustable =
            event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()).is_some_and(|e| e.tag_name() == "DIV");
        if let Some(id) = node(&event).filter(|_| adjustable) {
            event.prevent_default();
            ask(id, action);
        }
    });
    if let Some(parent) = document().and_then(|document| document.get_element_by_id("mirror")) {
        let _ = parent.add_event_listener_with_callback("click", clicked.as_ref().unchecked_ref());
        let _ = parent.add_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref());
    }
    // They listen as long as the page lives.
    clicked.forget();
    pressed.forget();
}

fn ask(id: NodeId, action: Action) {
    ASKED.with_borrow_mut(|asked| asked.push((id, action)));
    super::wake();
}

/// Makes an element say what it should.
fn say(element: &HtmlElement, said: &Said) {
    // Plain names and values: none of these can fail.
    let put = |name: &str, value: &str| drop(element.set_attribute(name, value));
    let put_or_remove = |name: &str, value: Option<String>| match value {
        Some(value) => put(name, &value),
        None => drop(element.remove_attribute(name)),
    };
    if !said.role.is_empty() {
        put("role", said.role);
    }
    if said.tag == "span" {
        element.set_text_content(Some(&said.label));
    } else {
        put("aria-label", &said.label);
    }
    put_or_remove("aria-checked", said.checked.map(|checked| checked.to_string()));
    put_or_remove("aria-disabled", said.disabled.then(|| "true".to_owned()));
    put_or_remove("aria-valuetext", (!said.value.is_empty()).then(|| said.value.clone()));
    for (name, number) in ["aria-valuenow", "aria-valuemin", "aria-valuemax"].into_iter().zip(said.range) {
        put_or_remove(name, number.map(|number| number.to_string()));
    }
    // Text is typed where it is drawn.
    put_or_remove("aria-readonly", (said.role == "textbox").then(|| "true".to_owned()));
    let style = element.style();
    for (name, value) in ["left", "top", "width", "height"].into_iter().zip(said.place) {
        let _ = style.set_property(name, &format!("{value}px"));
    }
}

/// The elements that a tree comes to, in the order in which it is read.
fn read(update: &TreeUpdate, zoom: f32) -> Vec<(NodeId, Said)> {
    let nodes: HashMap<NodeId, &Node> = update.nodes.iter().map(|(id, node)| (*id, node)).collect();
    let Some(root) = update.tree.as_ref().map(|tree| tree.root) else { return Vec::new() };
    let mut said = Vec::new();
    let mut waiting = vec![root];
    while let Some(id) = waiting.pop() {
        let Some(node) = nodes.get(&id) else { continue };
        waiting.extend(node.children().iter().rev());
        said.extend(said_of(node, &nodes, zoom).map(|said| (id, said)));
    }
    said
}

fn said_of(node: &Node, nodes: &HashMap<NodeId, &Node>, zoom: f32) -> Option<Said> {
    let (tag, role) = match node.role() {
        Role::Label => ("span", ""),
        Role::Button | Role::DisclosureTriangle => ("button", ""),
        Role::MenuItem => ("button", "menuitem"),
        Role::Link => ("button", "link"),
        Role::CheckBox | Role::Switch => ("button", "checkbox"),
        Role::RadioButton => ("button", "radio"),
        Role::ComboBox => ("button", "combobox"),
        Role::Slider | Role::SpinButton => ("div", if node.role() == Role::Slider { "slider" } else { "spinbutton" }),
        Role::TextInput | Role::MultilineTextInput => ("div", "textbox"),
        Role::ProgressIndicator => ("div", "progressbar"),
        Role::Image => ("div", "img"),
        _ => return None,
    };
    let labelled = || {
        let names = node.labelled_by().iter().filter_map(|id| nodes.get(id)?.value().or(nodes.get(id)?.label()));
        names.collect::<Vec<_>>().join(" ")
    };
    let own = node.label().or(if tag == "span" { node.value() } else { None });
    let label = own.map_or_else(labelled, str::to_owned);
    if label.trim().is_empty() {
        return None;
    }
    let bounds = node.bounds()?;
    let at = |number: f64| (number * f64::from(zoom)).round() as i32;
    let place = [at(bounds.x0), at(bounds.y0), at(bounds.x1 - bounds.x0), at(bounds.y1 - bounds.y0)];
    let range = [node.numeric_value(), node.min_numeric_value(), node.max_numeric_value()];
    let checked = node.toggled().map(|toggled| toggled == Toggled::True).filter(|_| role == "checkbox" || role == "radio");
    let value = node.value().filter(|_| tag != "span").unwrap_or_default().to_owned();
    Some(Said { tag, role, label, value, checked, disabled: node.is_disabled(), range, place })
}
