//! Patches: what a plugin wants changed, every field checked against the model before any of it is used.

use aksara_plugins::{PluginHandler, shown};
use aksara_wire::{self as contract, Patch};

use super::wire::{from_wire, to_wire};
use crate::instance::AnyInstance;
use crate::meta::ModelMeta;
use crate::signals::{Details, Event, RelationAction, Subject};
use crate::value::Shown;
use crate::{Error, Value};

/// Applies the patch to what the event is about: all of it, or nothing and an error that names the plugin.
pub(super) fn apply(handler: &PluginHandler, event: &mut Event<'_>, patch: Patch) -> Result<(), Error> {
    let applied = check(handler, event, patch).and_then(|checked| checked.apply(event));
    applied.map_err(|problem| {
        let (signal, sender) = (event.signal.name(), event.sender);
        let (plugin, name) = (handler.revision().label(), &handler.subscription().handler);
        let problem = shown(&problem);
        let message = format!("{plugin}: handler `{name}` for {signal} of `{sender}` {problem}");
        Error::Plugin { handler: handler.id().to_owned(), signal, sender, message }
    })
}

/// A patch that holds for this model.
#[derive(Default)]
struct Checked {
    /// New values: position of the instance, position of the field.
    values: Vec<(usize, usize, Value)>,
    update_fields: Vec<String>,
    keys: Option<Vec<Value>>,
}

impl Checked {
    fn apply(self, event: &mut Event<'_>) -> Result<(), String> {
        event.encoded.forget();
        for (row, index, value) in self.values {
            let instance: Option<&mut dyn AnyInstance> = match &mut event.subject {
                Subject::One(instance) => Some(&mut **instance),
                Subject::Many(instances) => instances.get_mut(row),
                Subject::Nothing => None,
            };
            let Some(instance) = instance else { continue };
            let meta = instance.meta();
            instance.set_value(index, value).map_err(|value| {
                let field = meta.fields[index].name;
                format!("set `{}.{field}` to {}, which its type refuses", meta.label, Shown(&value))
            })?;
        }
        match &mut event.details {
            Details::Save { update_fields: Some(update_fields), .. } => {
                for name in &self.update_fields {
                    update_fields.insert(name).map_err(|error| error.to_string())?;
                }
            }
            Details::Relation(change) => {
                if let Some(keys) = self.keys {
                    *change.keys = keys;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn check(handler: &PluginHandler, event: &Event<'_>, patch: Patch) -> Result<Checked, String> {
    if let Details::Relation(change) = &event.details {
        return check_keys(change.action, change.join.keys_of(change.reverse), patch);
    }
    if !event.signal.may_change() {
        return Err("returned a patch, which only pre-handlers may".to_owned());
    }
    let mut checked = Checked::default();
    match &event.subject {
        Subject::Nothing => {}
        Subject::One(instance) => check_fields(handler, &**instance, (0, patch.fields), &mut checked)?,
        Subject::Many(instances) => {
            let (rows, patched) = (instances.len(), patch.instances.len());
            if patched != rows && patched != 0 {
                return Err(format!("returned patches for {patched} rows, of which there are {rows}"));
            }
            for (row, fields) in patch.instances.into_iter().enumerate() {
                if let Some(instance) = instances.get(row) {
                    check_fields(handler, instance, (row, fields), &mut checked)?;
                }
            }
        }
    }
    if let Some(meta) = event.meta {
        check_update_fields(handler, meta, &patch.update_fields)?;
    }
    checked.update_fields = patch.update_fields;
    Ok(checked)
}

fn unknown(meta: &ModelMeta, name: &str) -> String {
    format!("names `{}.{name}`, which the model does not have", meta.label)
}

fn check_fields(
    handler: &PluginHandler,
    instance: &dyn AnyInstance,
    (row, fields): (usize, contract::Map),
    checked: &mut Checked,
) -> Result<(), String> {
    let meta = instance.meta();
    for (name, value) in fields {
        let index = meta.position(&name).ok_or_else(|| unknown(meta, &name))?;
        let field = &meta.fields[index];
        // A whole instance is a patch too: what stays as it is needs no leave.
        if value == to_wire(&instance.value(index)) {
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
        if !may_write(handler, meta, &name) {
            return Err(format!("set `{}.{name}`, which is not in its `writes`", meta.label));
        }
        checked.values.push((row, index, value));
    }
    Ok(())
}

/// Whether the handler says that it changes the field, and its plugin may.
fn may_write(handler: &PluginHandler, meta: &ModelMeta, name: &str) -> bool {
    let writes = handler.subscription().writes.as_ref();
    let access = handler.revision().access();
    writes.is_none_or(|writes| writes.contains(name)) && access.writes(meta.label, name)
}

fn check_update_fields(handler: &PluginHandler, meta: &ModelMeta, names: &[String]) -> Result<(), String> {
    for name in names {
        match meta.position(name) {
            None => return Err(unknown(meta, name)),
            Some(index) if index == meta.key => {
                return Err(format!("added `{name}`, the primary key, to update_fields"));
            }
            Some(_) if !may_write(handler, meta, name) => {
                return Err(format!("added `{name}` to update_fields, which is not in its `writes`"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn check_keys(action: RelationAction, model: &'static ModelMeta, patch: Patch) -> Result<Checked, String> {
    let Some(keys) = patch.pk_set else { return Ok(Checked::default()) };
    if action != RelationAction::PreAdd {
        return Err(format!("returned keys for `{}`, which only handlers of `pre_add` may", action.name()));
    }
    let key = |key| {
        from_wire(model.key_field(), key)
            .map_err(|problem| format!("set a key of `{}` to {problem}", model.label))
    };
    let keys = keys.into_iter().map(key).collect::<Result<_, _>>()?;
    Ok(Checked { keys: Some(keys), ..Checked::default() })
}
