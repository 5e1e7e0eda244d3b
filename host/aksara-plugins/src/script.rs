//! Plugins that are not compiled: the text of `NAME.js`, run by a component that the host brings along.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Result, Store};

use self::bindings::RunnerPre;
use self::bindings::aksara::runner::source;
use crate::error::LoadError;
use crate::revision::Revision;
use crate::state::State;
use crate::text::{one_line, shown};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/runner",
        world: "runner",
        imports: { default: trappable },
        exports: { default: async },
    });
}

/// The import by which a runner gets the program.
pub(crate) const INTERFACE: &str = "aksara:runner/source";

/// Names the component that runs plain JavaScript, where the application does not.
pub(crate) const VARIABLE: &str = "AKSARA_JAVASCRIPT";

/// The program of a plugin.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Links the import. Only a runner may have it, which is checked when a component is loaded.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    source::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// Has the runner check a program; what it runs in its place, from then on.
///
/// # Errors
/// [`LoadError::Script`] for what is wrong with it, and where.
pub(crate) async fn prepare(
    revision: &Revision,
    script: &Arc<Script>,
) -> std::result::Result<Script, LoadError> {
    let runner = RunnerPre::new(revision.instance().instance_pre().clone())
        .map_err(|error| LoadError::Runner(one_line(&error)))?;
    let run = async |store: &mut Store<State>| {
        let runner = runner.instantiate_async(&mut *store).await?;
        runner.aksara_runner_script().call_prepare(store, &script.text).await
    };
    let prepared = revision.run(run).await.map_err(|fault| LoadError::Script(format!("it {fault}")))?;
    let text = prepared.map_err(|problem| LoadError::Script(shown(&problem)))?;
    Ok(Script { name: script.name.clone(), text })
}

impl State {
    fn script(&self) -> Result<&Arc<Script>> {
        self.script.as_ref().ok_or_else(|| wasmtime::format_err!("there is no program to run"))
    }
}

impl source::Host for State {
    fn name(&mut self) -> Result<String> {
        Ok(self.script()?.name.clone())
    }

    fn text(&mut self) -> Result<String> {
        Ok(self.script()?.text.clone())
    }
}
