//! What wasmtime makes of the WIT. Stays inside this crate.

wasmtime::component::bindgen!({
    path: "../../wit/v0",
    world: "plugin",
    imports: { default: async | trappable },
    exports: { default: async },
});
