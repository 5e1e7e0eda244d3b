//! Plugins that are not compiled: the text of `NAME.js`, run by a component that the host brings along.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker};

use self::bindings::aksara::runner::source;
use crate::state::State;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/runner",
        world: "runner",
        imports: { default: trappable },
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
