//! The bindings to the WIT world of plugins with everything, in WebAssembly only. An import that a plugin does not use is not in its
//! component.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    reason = "generated; crossing the border takes pointers"
)]

wit_bindgen::generate!({
    path: "../../wit/v0",
    world: "plugin-with-http",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "export_plugin",
    default_bindings_module: "aksara_guest::__private::bindings",
});
