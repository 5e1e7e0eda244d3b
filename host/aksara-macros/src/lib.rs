//! The macros of Aksara: `derive(Model)` and the handler attributes.
//!
//! Each goes parse -> schema -> expand. Generated code names one module only, `aksara::codegen`; whoever uses these
//! macros gets them from `aksara`.

mod attr;
mod expand;
mod handler;
mod schema;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemFn, parse_macro_input};

/// Makes a struct a model: a row of a table.
///
/// It implements `Model` and `Default` (with the defaults of its fields), and gives the struct one constant per
/// field, the typed column that queries are written with.
///
/// On the struct, `#[model(..)]`:
///
/// | option | meaning |
/// |---|---|
/// | `label = "blog.Post"` | its name as handlers see it; the struct's name unless given |
/// | `table = "post"` | its table; the struct's name in snake case unless given |
/// | `index(a, b)` | an index over these fields; may be repeated |
/// | `unique(a, b)` | no two rows agree in all of these fields; may be repeated |
///
/// On a field, `#[field(..)]`:
///
/// | option | meaning |
/// |---|---|
/// | `primary_key` | the key; a field called `id` is it unless another is marked. `i32` and `i64` are made by the database, `Uuid` on save, `String` is given |
/// | `given` | with `primary_key`: the application gives every key |
/// | `column = "name"` | its name outside Rust; the field's name unless given, for an `Fk` with `_id` behind it |
/// | `max_length = 200` | longest text, in characters |
/// | `choices("a", "b")` | the only texts allowed |
/// | `default = expr` | its value in `Default` |
/// | `unique`, `index` | a constraint, an index |
/// | `auto_now`, `auto_now_add` | set to the time of each save that writes it (of named fields where it is among them), of the insert |
/// | `table = "post_tags"` | for a `ManyToMany`: its table; the model's table and the field's name unless given |
/// | `through("membership", "person_id", "group_id")` | for a `ManyToMany`: the table of a model that has columns of its own, and the columns with our key and with theirs |
/// | `on_delete = "cascade"` | for an `Fk` or a `OneToOne`: `cascade` (unless given), `protect`, `restrict`, `set_null`, `do_nothing` |
#[proc_macro_derive(Model, attributes(model, field))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    match schema::Schema::of(&input) {
        Ok(schema) => expand::model(&schema).into(),
        Err(error) => expand::refused(&input, &error).into(),
    }
}

/// Makes an async function connectable by hand: `pre_save::<Post>().connect(my_handler)`.
#[proc_macro_attribute]
pub fn handler(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(None, options, item)
}

/// Connects an async function to `pre_save`.
///
/// `#[pre_save(Post)]` for one model, `#[pre_save(User, Post)]` for several and `#[pre_save]` for all (both with
/// `AnyModel` in the argument); further options: `priority = 10` (higher runs first), `dispatch_uid = "name"`,
/// `skip_raw` (not while fixtures are loaded), `exclude(AuditLog)` (all models but these). The function takes the
/// event, and is connected when the first database is opened.
#[proc_macro_attribute]
pub fn pre_save(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_pre_save"), options, item)
}

/// Connects an async function to `pre_init`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn pre_init(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_pre_init"), options, item)
}

/// Connects an async function to `post_init`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn post_init(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_post_init"), options, item)
}

/// Connects an async function to `post_save`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn post_save(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_post_save"), options, item)
}

/// Connects an async function to `pre_delete`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn pre_delete(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_pre_delete"), options, item)
}

/// Connects an async function to `post_delete`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn post_delete(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_post_delete"), options, item)
}

/// Connects an async function to `pre_bulk_create`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn pre_bulk_create(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_pre_bulk_create"), options, item)
}

/// Connects an async function to `post_bulk_create`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn post_bulk_create(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_post_bulk_create"), options, item)
}

/// Connects an async function to `pre_bulk_update`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn pre_bulk_update(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_pre_bulk_update"), options, item)
}

/// Connects an async function to `post_bulk_update`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn post_bulk_update(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_post_bulk_update"), options, item)
}

/// Connects an async function to `after_commit`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn after_commit(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_after_commit"), options, item)
}

/// Connects an async function to `after_rollback`; options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn after_rollback(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_after_rollback"), options, item)
}

/// Connects an async function to `m2m_changed`: `#[m2m_changed(Post::tags)]` for one relation, `#[m2m_changed]` for all;
/// the argument is `M2mChanged<'_, AnyModel>`. Further options as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn m2m_changed(options: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Some("register_m2m_changed"), options, item)
}

fn attribute(register: Option<&str>, options: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    match handler::expand(register, options.into(), &function) {
        Ok(expanded) => expanded.into(),
        Err(error) => handler::refused(&function, &error).into(),
    }
}
