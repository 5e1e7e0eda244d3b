//! Names in `plugins.toml` that mean nothing, and what may have been meant.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{PluginTable, Tables, line};
use crate::access::Heard;
use crate::checks::BUILT_IN_SIGNALS;

/// The fields of each sender, by its label.
pub(crate) type Models = BTreeMap<String, BTreeSet<String>>;

/// A name that means nothing.
pub(super) struct Unknown {
    /// Where it is, what it is, and what may have been meant.
    pub(super) problem: String,
    /// Whether a rule that restricts the plugin names it: there is no such restriction.
    pub(super) is_rule: bool,
}

/// Returns the models and fields that the tables name and the application does not have.
pub(super) fn unknown(text: &str, tables: &Tables, models: &Models) -> Vec<Unknown> {
    let mut found = Vec::new();
    for (plugin, table) in &tables.plugins {
        let mut add = |place: usize, is_rule: bool, problem: String| {
            let (line, plugin) = (line(text, place), plugin.get_ref());
            found.push(Unknown { problem: format!("line {line}: `plugins.{plugin}`: {problem}"), is_rule });
        };
        of_plugin(table, models, &mut add);
    }
    found
}

fn of_plugin(table: &PluginTable, models: &Models, add: &mut impl FnMut(usize, bool, String)) {
    let granted = table.grants.iter().flat_map(|grants| grants.models.keys());
    for model in granted.filter(|model| !models.contains_key(model.get_ref())) {
        add(model.span().start, false, no_model("grants", model.get_ref(), models));
    }
    for (model, fields) in &table.fields {
        let place = model.span().start;
        match models.get(model.get_ref()) {
            None => add(place, true, no_model("fields", model.get_ref(), models)),
            Some(known) => {
                let named = [&fields.reads, &fields.writes].into_iter().flatten().flatten();
                no_fields("fields", (model.get_ref(), known), named)
                    .for_each(|problem| add(place, true, problem));
            }
        }
    }
    for heard in table.subscriptions.iter().flatten() {
        let (place, Heard { signal, sender, reads, writes }) = (heard.span().start, heard.get_ref());
        // What a custom signal has besides is the application's.
        if !BUILT_IN_SIGNALS.contains(&signal.as_str()) {
            continue;
        }
        let Some(sender) = sender else { continue };
        match models.get(sender) {
            None => add(place, true, no_model("subscriptions", sender, models)),
            Some(known) => {
                let named = [reads, writes].into_iter().flatten().flatten();
                no_fields("subscriptions", (sender, known), named)
                    .for_each(|problem| add(place, true, problem));
            }
        }
    }
}

fn no_model(place: &str, model: &str, models: &Models) -> String {
    let meant = meant(model, models.keys().map(String::as_str));
    format!("`{place}` names the model `{model}`, which does not exist{meant}")
}

fn no_fields<'a>(
    place: &'a str,
    (model, known): (&'a str, &'a BTreeSet<String>),
    named: impl Iterator<Item = &'a String>,
) -> impl Iterator<Item = String> {
    named.filter(|field| !known.contains(*field)).map(move |field| {
        let meant = meant(field, known.iter().map(String::as_str));
        format!("`{place}` names the field `{model}.{field}`, which does not exist{meant}")
    })
}

/// Returns what may have been meant by a name, as the end of a sentence; nothing when no name is near.
pub(crate) fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// How much alike names are of which one may have been meant for the other, out of 1.
const NEAR: f64 = 0.8;

/// The name that is nearest to this one, if one is near.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let small = name.to_lowercase();
    let alike = known.map(|known| (strsim::jaro_winkler(&small, &known.to_lowercase()), known));
    alike.filter(|(alike, _)| *alike > NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

/// Adds to an error of serde about a name what may have been meant.
pub(super) fn suggested(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let is_about_a_name = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match names.next().filter(|_| is_about_a_name) {
        Some("end") => format!("{message}; `end = true` is the last line"),
        Some(name) => format!("{message}{}", meant(name, names)),
        None => message.to_owned(),
    }
}
