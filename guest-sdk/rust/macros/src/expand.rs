//! The code behind an attribute: the function as it was, and beside it a type of the same name (types and functions
//! have names of their own) that implements `aksara_guest::Handler`, for `plugin!` to find.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, LitStr, Result};

use crate::attribute::Attribute;
use crate::function::Function;
use crate::signal::Signal;

/// Expands one attribute. Of bad input the function is left as it was, so that there is one error and not many.
pub(crate) fn handler(signal: Signal, attribute: TokenStream, function: TokenStream) -> TokenStream {
    let item: ItemFn = match syn::parse2(function.clone()) {
        Ok(item) => item,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#function #error);
        }
    };
    let generated = implementation(signal, attribute, &item).unwrap_or_else(|error| {
        let (error, name, visibility) = (error.into_compile_error(), &item.sig.ident, &item.vis);
        quote! {
            #error
            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            #visibility enum #name {}
            impl ::aksara_guest::Handler for #name {
                fn subscription() -> ::aksara_guest::Subscription {
                    ::core::unreachable!()
                }
                fn handle(_: &[u8]) -> ::core::result::Result<::aksara_guest::Reply, ::aksara_guest::Failure> {
                    ::core::unreachable!()
                }
            }
        }
    });
    quote!(#item #generated)
}

fn implementation(signal: Signal, attribute: TokenStream, item: &ItemFn) -> Result<TokenStream> {
    let attribute: Attribute = syn::parse2(attribute)?;
    attribute.check(signal)?;
    let function = Function::read(item, signal)?;
    let (name, visibility, instance) = (&item.sig.ident, &item.vis, &function.instance);
    let call = if function.takes_event { quote!(#name(instance, event)) } else { quote!(#name(instance)) };
    let run = if function.changes { quote!(change) } else { quote!(look) };
    let subscription = subscription(signal, &attribute, &function, &name.to_string());
    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #visibility enum #name {}

        impl ::aksara_guest::Handler for #name {
            fn subscription() -> ::aksara_guest::Subscription {
                #subscription
            }

            fn handle(
                event: &[u8],
            ) -> ::core::result::Result<::aksara_guest::Reply, ::aksara_guest::Failure> {
                ::aksara_guest::__private::#run::<#instance>(event, |instance, event| {
                    let _ = event;
                    ::aksara_guest::Outcome::into_result(#call)
                })
            }
        }
    })
}

fn subscription(signal: Signal, attribute: &Attribute, function: &Function, handler: &str) -> TokenStream {
    let (signal, priority, instance) = (signal.name(), attribute.priority, &function.instance);
    let sender = optional(attribute.sender.as_ref().map(|sender| quote!(#sender.into())));
    let of_type = quote!(::aksara_guest::__private::fields_of::<#instance>());
    let reads = attribute.reads.as_deref().map_or(of_type.clone(), |names| optional(Some(set(names))));
    let writes = match &attribute.writes {
        Some(names) => optional(Some(set(names))),
        None if function.changes => of_type,
        None => optional(Some(set(&[]))),
    };
    let created = optional(attribute.created.map(|created| quote!(#created)));
    let changed = set(&attribute.changed);
    quote! {
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
}

pub(crate) fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

pub(crate) fn set(names: &[LitStr]) -> TokenStream {
    quote!(::aksara_guest::__private::names(&[#(#names),*]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_the_function_and_the_type_that_plugin_names() {
        let function = quote!(
            fn slug(post: &mut Post) -> Result {
                Ok(())
            }
        );
        let expanded = handler(Signal::PostSave, quote!("Post"), function.clone()).to_string();
        assert!(expanded.starts_with(&function.to_string()), "{expanded}");
        assert!(expanded.contains("compile_error") && expanded.contains("enum slug"), "{expanded}");
    }

    #[test]
    fn something_else_than_a_function_is_an_error() {
        let expanded = handler(
            Signal::PreSave,
            TokenStream::new(),
            quote!(
                struct Post;
            ),
        )
        .to_string();
        assert!(expanded.contains("compile_error"), "{expanded}");
    }
}
