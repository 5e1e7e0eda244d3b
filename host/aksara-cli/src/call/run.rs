//! All handlers of a plugin for one event: in order, each seeing what the earlier ones changed, as in a host.

use std::cmp::Reverse;
use std::sync::Arc;

use aksara_plugins::{Application, CallContext, CallError, Called, Revision};
use aksara_wire::{Map, Patch, Reply, Subscription};

use super::{Given, Outcome, Report, event};

/// Runs the handlers, and stops at the first that refuses or fails.
pub(super) async fn all(revision: &Revision, given: &Given, application: Arc<dyn Application>) -> Report {
    let subscriptions = &revision.description().subscriptions;
    let mut order: Vec<usize> = (0..subscriptions.len()).collect();
    order.sort_by_key(|index| (Reverse(subscriptions[*index].priority), *index));
    let mut state = State::new(given);
    let id = event::new_id();
    for index in order {
        let subscription = &subscriptions[index];
        if !event::wanted(subscription, given, &state.instance) {
            continue;
        }
        let encoded = event::encoded(subscription, given, id, &state.instance, state.update_fields.as_ref());
        let application = Some(application.clone());
        let context = CallContext { signal: &given.signal, sender: &given.sender, application };
        // The number is an index into a list that came over the wire with at most 2^18 values.
        let called = revision.call(index as u32, &encoded, context).await;
        state.report.calls += 1;
        if let Err(outcome) = state.apply(revision, given, subscription, called) {
            state.report.outcome = outcome;
            break;
        }
    }
    state.report
}

/// The instance as the next handler will see it, and what is to be reported.
struct State {
    instance: Map,
    update_fields: Option<Vec<String>>,
    report: Report,
}

impl State {
    fn new(given: &Given) -> Self {
        let report = Report::new(Outcome::Unchanged);
        State { instance: given.instance.clone(), update_fields: given.update_fields.clone(), report }
    }

    /// Takes over what the handler answered; the error ends the event.
    fn apply(
        &mut self,
        revision: &Revision,
        given: &Given,
        subscription: &Subscription,
        called: Result<Called, CallError>,
    ) -> Result<(), Outcome> {
        let called = called.map_err(outcome)?;
        self.report.duration += called.duration;
        self.report.memory_bytes = self.report.memory_bytes.max(called.memory_bytes);
        let Reply::Patch(patch) = called.reply else { return Ok(()) };
        check(given, &self.instance, subscription, &patch).map_err(|problem| {
            let (plugin, handler) = (revision.label(), &subscription.handler);
            Outcome::Fault(format!(
                "{plugin}: handler `{handler}` for {} of `{}` {problem}",
                given.signal, given.sender
            ))
        })?;
        self.patch(given, patch);
        Ok(())
    }

    fn patch(&mut self, given: &Given, patch: Patch) {
        self.instance.extend(patch.fields.clone());
        self.report.patch.extend(patch.fields);
        // A later handler may have put back what an earlier one changed, and whole instances are patches too.
        self.report.patch.retain(|name, value| given.instance.get(name) != Some(value));
        if let Some(names) = &mut self.update_fields {
            for name in patch.update_fields {
                if !names.contains(&name) {
                    names.push(name.clone());
                    self.report.update_fields.push(name);
                }
            }
        }
        let unchanged = self.report.patch.is_empty() && self.report.update_fields.is_empty();
        self.report.outcome = if unchanged { Outcome::Unchanged } else { Outcome::Patch };
    }
}

/// What a host would have against this patch. Types it checks against the model, which is not known here.
fn check(given: &Given, instance: &Map, subscription: &Subscription, patch: &Patch) -> Result<(), String> {
    if given.signal != "pre_save" {
        return Err("returned a patch, which only pre-handlers may".to_owned());
    }
    let changed = patch.fields.iter().filter(|(name, value)| instance.get(*name) != Some(value));
    for (name, _) in changed {
        if subscription.writes.as_ref().is_some_and(|writes| !writes.contains(name)) {
            return Err(format!("set `{}.{name}`, which is not in its `writes`", given.sender));
        }
    }
    Ok(())
}

fn outcome(error: CallError) -> Outcome {
    match error {
        CallError::Rejected { message, .. } => Outcome::Rejected(message),
        CallError::Invalid { fields, .. } => {
            let messages = fields
                .iter()
                .flat_map(|(field, list)| list.iter().map(move |text| format!("`{field}` {text}")));
            Outcome::Rejected(messages.collect::<Vec<_>>().join("; "))
        }
        CallError::Fault(fault) => Outcome::Fault(fault.to_string()),
    }
}
