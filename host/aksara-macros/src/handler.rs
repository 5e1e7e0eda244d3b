//! Handler attributes: an async function becomes one that returns a boxed future, and is registered.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, FnArg, ItemFn, LitStr, Path, Result, ReturnType, Token, parenthesized};

/// What stands in the parentheses of an attribute.
#[derive(Default)]
struct Options {
    senders: Vec<Path>,
    priority: Option<Expr>,
    dispatch_uid: Option<LitStr>,
    skip_raw: bool,
    exclude: Vec<Path>,
}

/// One of them.
enum Item {
    Sender(Path),
    Priority(Expr),
    DispatchUid(LitStr),
    SkipRaw,
    Exclude(Vec<Path>),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let path: Path = input.parse()?;
        if path.is_ident("skip_raw") {
            return Ok(Item::SkipRaw);
        }
        if path.is_ident("exclude") {
            let models;
            parenthesized!(models in input);
            let models = Punctuated::<Path, Token![,]>::parse_terminated(&models)?;
            return Ok(Item::Exclude(models.into_iter().collect()));
        }
        if !input.peek(Token![=]) {
            return Ok(Item::Sender(path));
        }
        input.parse::<Token![=]>()?;
        if path.is_ident("priority") {
            input.parse().map(Item::Priority)
        } else if path.is_ident("dispatch_uid") {
            input.parse().map(Item::DispatchUid)
        } else {
            Err(Error::new_spanned(
                path,
                "there are the options `priority`, `dispatch_uid`, `skip_raw`, `exclude(..)`",
            ))
        }
    }
}

impl Options {
    fn parse(tokens: TokenStream) -> Result<Self> {
        let mut options = Options::default();
        for item in Punctuated::<Item, Token![,]>::parse_terminated.parse2(tokens)? {
            match item {
                Item::Sender(path) => options.senders.push(path),
                Item::Priority(priority) => options.priority = Some(priority),
                Item::DispatchUid(id) => options.dispatch_uid = Some(id),
                Item::SkipRaw => options.skip_raw = true,
                Item::Exclude(models) => options.exclude = models,
            }
        }
        Ok(options)
    }
}

/// Expands an attribute; `register` is the function that connects the handler, none for `#[handler]`.
pub(crate) fn expand(register: Option<&str>, options: TokenStream, function: &ItemFn) -> Result<TokenStream> {
    let boxed = boxed(function)?;
    let Some(register) = register else {
        if !options.is_empty() {
            return Err(Error::new_spanned(
                options,
                "`#[handler]` has no options; give them where it is connected",
            ));
        }
        return Ok(boxed);
    };
    let Options { senders, priority, dispatch_uid, skip_raw, exclude } = Options::parse(options)?;
    let of_relations = register == "register_m2m_changed";
    if let (Some(model), false) = (exclude.first(), senders.is_empty()) {
        return Err(Error::new_spanned(model, "`exclude` is for handlers of all models"));
    }
    let register = format_ident!("{register}");
    let name = &function.sig.ident;
    let seen_as = match senders.as_slice() {
        [one] if !of_relations => quote! { #one },
        _ => quote! { ::aksara::codegen::AnyModel },
    };
    let senders = match senders.as_slice() {
        relations if of_relations => {
            quote! { #(::core::option::Option::Some(::aksara::codegen::join_label(#relations))),* }
        }
        [_] => TokenStream::new(),
        several => quote! {
            #(::core::option::Option::Some(<#several as ::aksara::codegen::Model>::meta().label)),*
        },
    };
    let priority = priority.map_or_else(|| quote! { 0 }, |priority| quote! { #priority });
    let dispatch_uid = match dispatch_uid {
        Some(id) => quote! { ::core::option::Option::Some(#id) },
        None => quote! { ::core::option::Option::None },
    };
    Ok(quote! {
        #boxed

        ::aksara::codegen::inventory::submit! {
            ::aksara::codegen::HandlerEntry {
                register: || ::aksara::codegen::#register::<#seen_as>(
                    &[#senders],
                    #name,
                    ::aksara::codegen::HandlerOptions {
                        priority: #priority,
                        dispatch_uid: #dispatch_uid,
                        skip_raw: #skip_raw,
                        exclude: &[#(<#exclude as ::aksara::codegen::Model>::meta),*],
                        location: ::core::panic::Location::caller(),
                    },
                ),
            }
        }
    })
}

/// What stands in for a handler that was refused: the function as it is.
pub(crate) fn refused(function: &ItemFn, error: &Error) -> TokenStream {
    let errors = error.to_compile_error();
    quote! {
        #errors
        #[allow(dead_code)]
        #function
    }
}

/// The function with a boxed future in place of `async`.
fn boxed(function: &ItemFn) -> Result<TokenStream> {
    let ItemFn { attrs, vis, sig, block } = function;
    if sig.asyncness.is_none() {
        return Err(Error::new_spanned(sig.fn_token, "a handler is an `async fn`"));
    }
    let mut inputs = sig.inputs.iter();
    let (Some(FnArg::Typed(event)), None) = (inputs.next(), inputs.next()) else {
        let message = "a handler takes one argument, its event: `event: PreSave<'_, Post>`";
        return Err(Error::new_spanned(&sig.ident, message));
    };
    let (pattern, ty) = (&event.pat, name_lifetimes(event.ty.to_token_stream()));
    let output = match &sig.output {
        ReturnType::Default => quote! { () },
        ReturnType::Type(_, output) => quote! { #output },
    };
    let name = &sig.ident;
    let generics = &sig.generics.params;
    let condition = &sig.generics.where_clause;
    Ok(quote! {
        #(#attrs)*
        #vis fn #name<'event, #generics>(#pattern: #ty) -> ::aksara::codegen::BoxFuture<'event, #output> #condition {
            ::std::boxed::Box::pin(async move #block)
        }
    })
}

/// Gives the elided lifetimes of the event's type the name that the future carries: `'_` becomes `'event`.
fn name_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut in_lifetime = false;
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut named = Group::new(group.delimiter(), name_lifetimes(group.stream()));
            named.set_span(group.span());
            named.into()
        }
        TokenTree::Ident(name) if in_lifetime && name == "_" => Ident::new("event", name.span()).into(),
        token => {
            in_lifetime = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
            token
        }
    });
    tokens.collect()
}
