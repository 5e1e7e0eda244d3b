//! `#[on("after_commit", "Post")] fn tell(event: &Event) -> Result`: a handler of the event alone.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, LitStr, Result, Token, Type};

use crate::attribute::Attribute;
use crate::expand::{optional, set};

/// Signals that have an attribute of their own.
const OTHERS: [&str; 4] = ["pre_save", "post_save", "pre_delete", "post_delete"];

/// What is in the brackets.
struct On {
    signal: LitStr,
    attribute: Attribute,
}

impl Parse for On {
    fn parse(input: ParseStream) -> Result<Self> {
        let signal: LitStr = input.parse().map_err(|error| {
            Error::new(error.span(), "name the signal first, in quotes: `#[on(\"after_commit\", \"Post\")]`")
        })?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok(On { signal, attribute: input.parse()? })
    }
}

pub(crate) fn handler(attribute: TokenStream, function: TokenStream) -> TokenStream {
    let generated = expanded(attribute, &function).unwrap_or_else(Error::into_compile_error);
    quote!(#function #generated)
}

fn expanded(attribute: TokenStream, function: &TokenStream) -> Result<TokenStream> {
    let item: ItemFn = syn::parse2(function.clone())?;
    let On { signal, attribute } = syn::parse2(attribute)?;
    if OTHERS.contains(&signal.value().as_str()) {
        let text = format!("`{0}` has an attribute of its own; write `#[{0}(..)]`", signal.value());
        return Err(Error::new(signal.span(), text));
    }
    check(&item)?;
    let (name, visibility, priority) = (&item.sig.ident, &item.vis, attribute.priority);
    let handler = name.to_string();
    let sender = optional(attribute.sender.as_ref().map(|sender| quote!(#sender.into())));
    let reads = optional(attribute.reads.as_deref().map(set));
    let writes = optional(attribute.writes.as_deref().map(set));
    let created = optional(attribute.created.map(|created| quote!(#created)));
    let changed = set(&attribute.changed);
    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #visibility enum #name {}

        impl ::aksara_guest::Handler for #name {
            fn subscription() -> ::aksara_guest::Subscription {
                ::aksara_guest::Subscription {
                    handler: #handler.into(),
                    signal: #signal.into(),
                    sender: #sender,
                    priority: #priority,
                    reads: #reads,
                    writes: #writes,
                    when: ::aksara_guest::When { created: #created, changed: #changed },
                }
            }

            fn handle(
                event: &[u8],
            ) -> ::core::result::Result<::aksara_guest::Reply, ::aksara_guest::Failure> {
                ::aksara_guest::__private::hear(event, |event| {
                    ::aksara_guest::Outcome::into_result(#name(event))
                })
            }
        }
    })
}

fn check(item: &ItemFn) -> Result<()> {
    if let Some(asyncness) = &item.sig.asyncness {
        return Err(Error::new(
            asyncness.span(),
            "handlers in plugins are not async; the host's functions block",
        ));
    }
    let mut parameters = item.sig.inputs.iter();
    match (parameters.next(), parameters.next()) {
        (Some(FnArg::Typed(event)), None) if matches!(&*event.ty, Type::Reference(reference) if reference.mutability.is_none()) => {
            Ok(())
        }
        _ => Err(Error::new(item.sig.inputs.span(), "this handler takes the event alone: `event: &Event`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attribute: &str, function: &str, expected: &str) {
        let expanded = expanded(attribute.parse().unwrap(), &function.parse().unwrap());
        assert_eq!(expanded.err().map(|error| error.to_string()).as_deref(), Some(expected), "{attribute}");
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        let good = "fn f(event: &Event) {}";
        check("", good, "name the signal first, in quotes: `#[on(\"after_commit\", \"Post\")]`");
        check("\"pre_save\"", good, "`pre_save` has an attribute of its own; write `#[pre_save(..)]`");
        let alone = "this handler takes the event alone: `event: &Event`";
        check("\"after_commit\"", "fn f() {}", alone);
        check("\"after_commit\"", "fn f(post: &Post, event: &Event) {}", alone);
        assert!(expanded(quote!("after_commit", "Post"), &good.parse().unwrap()).is_ok());
    }
}
