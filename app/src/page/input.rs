//! Keys, the wheel and fingers, as far as the program shares them with the browser around it.

use std::cell::Cell;

use egui::{Context, Event, Key, Modifiers, PointerButton, RawInput, pos2};
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{AddEventListenerOptions, EventTarget, HtmlCanvasElement, HtmlElement, KeyboardEvent, WheelEvent};

use crate::window::actions::keys::{Goes, goes};

thread_local! {
    /// Whether the page stands in a frame of another, which scrolls.
    static FRAMED: Cell<bool> = const { Cell::new(false) };
    /// The wheel turned to scroll the embedding page, and the hint on how to zoom was not shown yet.
    static TURNED: Cell<bool> = const { Cell::new(false) };
    /// The browser has taken a finger for itself.
    static CANCELLED: Cell<bool> = const { Cell::new(false) };
}

/// Listens before the window does.
pub(super) fn listen(ctx: &Context, canvas: &HtmlCanvasElement) {
    let Some(window) = web_sys::window() else { return };
    let keys = ctx.clone();
    hear(&window, "keydown", move |event: KeyboardEvent| key(&keys, &event));
    hear(canvas, "wheel", |event: WheelEvent| {
        if FRAMED.get() && !event.ctrl_key() {
            // Only the browser handles it, and scrolls the embedding page.
            event.stop_immediate_propagation();
            TURNED.set(true);
            super::wake();
        }
    });
    hear(canvas, "touchcancel", |_: web_sys::Event| {
        CANCELLED.set(true);
        super::wake();
    });
}

fn hear<E: wasm_bindgen::convert::FromWasmAbi + 'static>(target: &EventTarget, name: &str, heard: impl FnMut(E) + 'static) {
    let heard = Closure::<dyn FnMut(E)>::new(heard);
    let options = AddEventListenerOptions::new();
    options.set_capture(true);
    // A wheel that scrolls must not wait for the program.
    options.set_passive(name == "wheel");
    let _ =
        target.add_event_listener_with_callback_and_add_event_listener_options(name, heard.as_ref().unchecked_ref(), &options);
    heard.forget();
}

/// Routes a key to its receiver.
fn key(ctx: &Context, event: &KeyboardEvent) {
    // The canvas has the keyboard, or the hidden field into which one types; what readers press has its own listener.
    let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    if !target.is_some_and(|target| matches!(target.tag_name().as_str(), "CANVAS" | "INPUT")) {
        return;
    }
    let Some(pressed) = Key::from_name(&event.key()).or_else(|| Key::from_name(&event.code())) else { return };
    let command = event.ctrl_key() || event.meta_key();
    let modifiers =
        Modifiers { alt: event.alt_key(), ctrl: event.ctrl_key(), shift: event.shift_key(), mac_cmd: event.meta_key(), command };
    match goes(pressed, modifiers, ctx.egui_wants_keyboard_input()) {
        Goes::ToProgram => event.prevent_default(),
        Goes::ToBoth => {}
        Goes::Elsewhere => event.stop_immediate_propagation(),
    }
}

/// Says whether the page stands in a frame; whether the wheel has turned for the page around it since this was last asked.
pub(super) fn framed(framed: bool) -> bool {
    FRAMED.set(framed);
    TURNED.take()
}

/// Whether the browser is kept from what it does with this by itself. In a frame a finger scrolls the page around.
pub(super) fn keeps(event: &Event) -> bool {
    !(FRAMED.get() && matches!(event, Event::PointerButton { .. } | Event::PointerMoved(_) | Event::PointerGone))
}

/// Lets go of what a finger held that the browser has taken.
pub(super) fn let_go(input: &mut RawInput) {
    if CANCELLED.take() {
        let (pos, button) = (pos2(-1.0, -1.0), PointerButton::Primary);
        input.events.push(Event::PointerButton { pos, button, pressed: false, modifiers: Modifiers::NONE });
        input.events.push(Event::PointerGone);
    }
}
