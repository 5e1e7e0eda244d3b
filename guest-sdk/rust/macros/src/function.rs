//! What a handler looks like: `fn generate_slug(post: &mut Post, event: &Event) -> Result`.

use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Result, Signature, Type};

use crate::signal::Signal;

/// The parts of a handler's signature that the generated code depends on.
pub(crate) struct Function {
    /// The type behind the reference of the first parameter.
    pub(crate) instance: Type,
    /// Whether it is taken by `&mut`.
    pub(crate) changes: bool,
    /// Whether there is a second parameter, the event.
    pub(crate) takes_event: bool,
}

impl Function {
    /// Reads the signature, and refuses what cannot be called as a handler of this signal.
    pub(crate) fn read(item: &ItemFn, signal: Signal) -> Result<Self> {
        plain(&item.sig)?;
        let mut parameters = item.sig.inputs.iter();
        let Some(instance) = parameters.next() else {
            let text =
                "a handler takes the instance: `post: &Post`, and then, if it wants it, `event: &Event`";
            return Err(Error::new(item.sig.paren_token.span.join(), text));
        };
        let (instance, changes) = reference(instance)?;
        if changes && !signal.may_change() {
            let text = format!("`{}` cannot change the instance; take it by `&`", signal.name());
            return Err(Error::new(instance.span(), text));
        }
        let event = parameters.next();
        if let Some(event) = event
            && reference(event)?.1
        {
            return Err(Error::new(event.span(), "the event is taken by `&Event`"));
        }
        if let Some(third) = parameters.next() {
            return Err(Error::new(third.span(), "a handler takes the instance and the event, and no more"));
        }
        Ok(Function { instance, changes, takes_event: event.is_some() })
    }
}

fn plain(signature: &Signature) -> Result<()> {
    if let Some(asyncness) = &signature.asyncness {
        return Err(Error::new(
            asyncness.span(),
            "handlers in plugins are not async; the host's functions block",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(
            signature.generics.span(),
            "a handler cannot be generic; `Map` holds any model's fields",
        ));
    }
    Ok(())
}

/// The type behind the reference, and whether it is `&mut`.
fn reference(parameter: &FnArg) -> Result<(Type, bool)> {
    match parameter {
        FnArg::Receiver(receiver) => {
            Err(Error::new(receiver.span(), "a handler is a free function, without `self`"))
        }
        FnArg::Typed(typed) => match &*typed.ty {
            Type::Reference(reference) => Ok(((*reference.elem).clone(), reference.mutability.is_some())),
            other => Err(Error::new(other.span(), "a handler takes its parameters by reference")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, signal: Signal) -> Result<Function> {
        Function::read(&syn::parse_str(text).unwrap(), signal)
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(read(text, Signal::PostSave).err().unwrap().to_string(), expected, "{text}");
    }

    #[test]
    fn the_parameters_say_what_a_handler_does() {
        let changing = read("fn f(post: &mut Post, event: &Event) -> Result {}", Signal::PreSave).unwrap();
        assert!(changing.changes && changing.takes_event);
        let looking = read("fn f(post: &Post) {}", Signal::PostDelete).unwrap();
        assert!(!looking.changes && !looking.takes_event);
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        check(
            "fn f() {}",
            "a handler takes the instance: `post: &Post`, and then, if it wants it, `event: &Event`",
        );
        check("fn f(post: &mut Post) {}", "`post_save` cannot change the instance; take it by `&`");
        check("fn f(post: Post) {}", "a handler takes its parameters by reference");
        check("fn f(post: &Post, event: &mut Event) {}", "the event is taken by `&Event`");
        check(
            "fn f(post: &Post, event: &Event, x: &u8) {}",
            "a handler takes the instance and the event, and no more",
        );
        check("fn f(&self) {}", "a handler is a free function, without `self`");
        check("async fn f(post: &Post) {}", "handlers in plugins are not async; the host's functions block");
        check("fn f<T>(post: &T) {}", "a handler cannot be generic; `Map` holds any model's fields");
    }
}
