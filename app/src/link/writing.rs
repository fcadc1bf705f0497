//! Writing a link.

use gairat::settings::{Settings, fields};
use percent_encoding::utf8_percent_encode;

use super::{DEVICES, Link, OF_THE_MACHINE, RESERVED, TWIN, VERSION, speed_name};

/// Writes a link, from `#` on; [`read`] gives the same back.
pub(crate) fn write(link: &Link) -> String {
    let mut text = format!("#v={VERSION}");
    let mut put = |key: &str, value: &str| {
        text.push('&');
        text.push_str(key);
        text.push('=');
        text.extend(utf8_percent_encode(value, RESERVED));
    };
    let mut begun = Settings::default();
    if let Some(preset) = link.preset {
        put("preset", preset.name());
        begun = preset.settings();
    }
    // Files stay on the machine that they are on.
    if link.settings.data.is_inside() && link.settings.data != begun.data {
        put("data", &link.settings.data.to_string());
        begun = Settings::recipe(link.settings.data.clone());
    }
    // A method brings parameters of its own; what differs from those is written after it.
    let method = link.settings.method.name();
    if method != begun.method.name() {
        put("method", method);
        begun = begun.with("method", method);
    }
    for name in fields().iter().map(|field| field.name) {
        let kept = match name {
            "data" | "method" => false,
            name if OF_THE_MACHINE.contains(&name) => false,
            "device" => DEVICES.contains(&link.settings.device.as_str()),
            _ => true,
        };
        if let Some(value) = link.settings.get(name).filter(|value| kept && begun.get(name).as_ref() != Some(value)) {
            put(name, &value);
        }
    }
    if let Some(twin) = &link.twin {
        put("twin", twin.name());
        let settings = Settings { method: twin.clone(), ..Settings::default() };
        for (parameter, _) in twin.parameters().iter().filter(|(parameter, value)| parameter.default() != *value) {
            put(&format!("{TWIN}{}", parameter.name), &settings.get(parameter.name).unwrap_or_default());
        }
    }
    if let Some(row) = link.select {
        put("select", &row.to_string());
    }
    if let Some(place) = link.speed {
        put("speed", &speed_name(place));
    }
    if let Some(start) = link.start {
        put("start", start.name());
    }
    if !link.task.is_empty() {
        put("task", &link.task);
    }
    let joined = |names: Vec<&str>| names.join(",");
    if let Some(only) = &link.show {
        put("show", &joined(only.parts.iter().map(|part| part.name()).chain(only.settings.iter().copied()).collect()));
    }
    if !link.hide.is_empty() {
        put("hide", &joined(link.hide.iter().map(|part| part.name()).collect()));
    }
    if link.lock.len() == fields().len() {
        put("lock", "all");
    } else if !link.lock.is_empty() {
        put("lock", &joined(link.lock.iter().copied().collect()));
    }
    if link.embed {
        put("embed", "1");
    }
    if link.projector {
        put("projector", "1");
    }
    if let Some(theme) = link.theme {
        put("theme", theme.name());
    }
    if let Some(lesson) = link.lesson {
        put("lesson", &lesson.to_string());
    }
    text
}
