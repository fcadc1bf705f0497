//! Settings in files: JSON with one entry a setting.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap as _};

use super::{Settings, SettingsError, fields};

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values: Vec<_> = fields().iter().filter_map(|field| Some((field, self.get(field.name)?))).collect();
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (field, text) in values {
            match serde_json::from_str::<serde_json::Value>(&text) {
                // JSON knows no infinity: that goes as text, like names.
                Ok(plain) if plain.is_number() || plain.is_boolean() => map.serialize_entry(field.name, &plain)?,
                _ => map.serialize_entry(field.name, &text)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Settings {
    /// Reads what is given over the recipe of its `data`; an unknown name or a wrong value is an error that names it. A parameter of
    /// another method is passed over: files of old runs hold λ for every method.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = serde_json::Map::<String, serde_json::Value>::deserialize(deserializer)?;
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut settings = Self::default();
        if let Some(data) = given.get("data") {
            settings.set("data", &text(data)).map_err(de::Error::custom)?;
            settings = Self::recipe(settings.data);
        }
        // Files of before there were methods with an attack of their own name cross-entropy where they mean what is usual.
        let is_old = !given.contains_key("awp") && given.contains_key("lambda_schedule");
        if let Some(method) = given.get("method") {
            settings.set("method", &text(method)).map_err(de::Error::custom)?;
        }
        for (name, value) in given.iter().filter(|(name, _)| *name != "method") {
            if name == "loss" && is_old && text(value) == "ce" {
                continue;
            }
            match settings.set(name, &text(value)) {
                Err(SettingsError::OfAnotherMethod { .. }) => {}
                other => other.map_err(de::Error::custom)?,
            }
        }
        Ok(settings)
    }
}
