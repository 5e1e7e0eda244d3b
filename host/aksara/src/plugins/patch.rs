//! Patches: what a plugin wants changed, every field checked against the model before any of it is used.

use aksara_plugins::PluginHandler;
use aksara_wire::Patch;

use super::wire::{from_wire, to_wire};
use crate::signals::{Details, Event, Signal};
use crate::value::Shown;
use crate::{Error, Value};

/// Applies the patch to the event's instance: all of it, or nothing and an error that names the plugin.
pub(super) fn apply(handler: &PluginHandler, event: &mut Event<'_>, patch: Patch) -> Result<(), Error> {
    let applied = check(handler, event, patch).and_then(|checked| checked.apply(event));
    applied.map_err(|problem| {
        let (signal, sender) = (event.signal.name(), event.meta.label);
        let (plugin, name) = (handler.revision().label(), &handler.subscription().handler);
        let message = format!("{plugin}: handler `{name}` for {signal} of `{sender}` {problem}");
        Error::Plugin { handler: handler.id().to_owned(), signal, sender, message }
    })
}

/// A patch that holds for this model.
struct Checked {
    values: Vec<(usize, Value)>,
    update_fields: Vec<String>,
}

impl Checked {
    fn apply(self, event: &mut Event<'_>) -> Result<(), String> {
        event.encoded.forget();
        for (index, value) in self.values {
            event.instance.set_value(index, value).map_err(|value| {
                let field = event.meta.fields[index].name;
                format!("set `{}.{field}` to {}, which its type refuses", event.meta.label, Shown(&value))
            })?;
        }
        if let Details::Save { update_fields: Some(update_fields), .. } = &mut event.details {
            for name in &self.update_fields {
                update_fields.insert(name).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

fn check(handler: &PluginHandler, event: &Event<'_>, patch: Patch) -> Result<Checked, String> {
    let meta = event.meta;
    if event.signal != Signal::PreSave {
        return Err("returned a patch, which only pre-handlers may".to_owned());
    }
    let unknown = |name: &str| format!("names `{}.{name}`, which the model does not have", meta.label);
    let writes = handler.subscription().writes.as_ref();
    let mut values = Vec::with_capacity(patch.fields.len());
    for (name, value) in patch.fields {
        let index = meta.position(&name).ok_or_else(|| unknown(&name))?;
        let field = &meta.fields[index];
        // A whole instance is a patch too: what stays as it is needs no leave.
        if value == to_wire(&event.instance.value(index)) {
            continue;
        }
        let value =
            from_wire(field, value).map_err(|problem| format!("set `{}.{name}` to {problem}", meta.label))?;
        if index == meta.key {
            return Err(format!(
                "set `{}.{name}`, the primary key, which handlers may not change",
                meta.label
            ));
        }
        if writes.is_some_and(|writes| !writes.contains(&name)) {
            return Err(format!("set `{}.{name}`, which is not in its `writes`", meta.label));
        }
        values.push((index, value));
    }
    for name in &patch.update_fields {
        match meta.position(name) {
            None => return Err(unknown(name)),
            Some(index) if index == meta.key => {
                return Err(format!("added `{name}`, the primary key, to update_fields"));
            }
            Some(_) if writes.is_some_and(|writes| !writes.contains(name)) => {
                return Err(format!("added `{name}` to update_fields, which is not in its `writes`"));
            }
            Some(_) => {}
        }
    }
    Ok(Checked { values, update_fields: patch.update_fields })
}
