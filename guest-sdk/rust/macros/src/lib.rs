//! The attributes of `aksara-guest` that make a function a handler.
//!
//! Stages: `attribute` reads what is in the brackets, `function` what the handler looks like, `expand` writes the
//! code. What the code does at run time is in `aksara-guest`; the generated code names nothing else.

mod attribute;
mod expand;
mod function;
mod on;
mod signal;

use proc_macro::TokenStream;

use signal::Signal;

/// Makes a function the handler of `pre_save`: it runs before a row is inserted or updated, and may change the
/// instance (`&mut Post`) or only look at it and refuse (`&Post`).
///
/// ```text
/// #[pre_save("Post", writes("slug"), priority = 10, when(created))]
/// fn generate_slug(post: &mut Post, event: &Event) -> Result { .. }
/// ```
///
/// All arguments can be left out:
/// - the label of the sending model, first; without it the handler gets the saves of every model
/// - `writes("slug", ..)`: the fields that the handler may change; without it those of the instance's type
/// - `reads("title", ..)`: the fields that it is sent; without it those of the instance's type. Needed only for
///   types that do not name their fields, such as `Map`
/// - `priority = 10`: higher runs first; without it 0
/// - `when(created)`, `when(updated)`, `when(changed("title", ..))`: which saves are of interest; the others cost
///   no call
///
/// The second parameter, `event: &Event`, can be left out too. The function returns `Result`, or nothing.
#[proc_macro_attribute]
pub fn pre_save(attribute: TokenStream, function: TokenStream) -> TokenStream {
    expand::handler(Signal::PreSave, attribute.into(), function.into()).into()
}

/// Makes a function the handler of `post_save`: it runs after the SQL and before the commit, and cannot change the
/// instance (`&Post`). An error undoes the save.
///
/// The arguments are those of [`macro@pre_save`], without `writes`.
#[proc_macro_attribute]
pub fn post_save(attribute: TokenStream, function: TokenStream) -> TokenStream {
    expand::handler(Signal::PostSave, attribute.into(), function.into()).into()
}

/// Makes a function the handler of `pre_delete`: it runs before a row is deleted, for each instance of the cascade,
/// and cannot change the instance (`&Post`). An error keeps the row.
///
/// The arguments are the sender, `reads` and `priority`, as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn pre_delete(attribute: TokenStream, function: TokenStream) -> TokenStream {
    expand::handler(Signal::PreDelete, attribute.into(), function.into()).into()
}

/// Makes a function the handler of `post_delete`: it runs after a row is deleted and before the commit, and cannot
/// change the instance (`&Post`). An error undoes the delete.
///
/// The arguments are the sender, `reads` and `priority`, as for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn post_delete(attribute: TokenStream, function: TokenStream) -> TokenStream {
    expand::handler(Signal::PostDelete, attribute.into(), function.into()).into()
}

/// Makes a function the handler of any other signal: the name of the signal first, then its sender, if it is to hear
/// one only.
///
/// ```text
/// #[on("after_commit", "Post")]
/// fn tell(event: &Event) -> Result { .. }
///
/// #[on("billing.payment_processed", priority = 10)]
/// fn book(event: &Event) -> Result { .. }
/// ```
///
/// The function takes the event, which has everything that the signal says: the instances of a bulk operation, the keys
/// of a relation, the arguments of a custom signal. Further arguments are `reads(..)`, `writes(..)` and `priority`, as
/// for [`macro@pre_save`].
#[proc_macro_attribute]
pub fn on(attribute: TokenStream, function: TokenStream) -> TokenStream {
    on::handler(attribute.into(), function.into()).into()
}
