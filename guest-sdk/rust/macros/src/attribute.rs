//! What is in the brackets: `#[pre_save("Post", writes("slug"), priority = 10, when(created))]`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitInt, LitStr, Result, Token, parenthesized};

use crate::signal::Signal;

/// The arguments of an attribute, each at most once.
#[derive(Default)]
pub(crate) struct Attribute {
    pub(crate) sender: Option<LitStr>,
    pub(crate) reads: Option<Vec<LitStr>>,
    pub(crate) writes: Option<Vec<LitStr>>,
    pub(crate) priority: i32,
    /// `true` for `when(created)`, `false` for `when(updated)`.
    pub(crate) created: Option<bool>,
    pub(crate) changed: Vec<LitStr>,
    /// The names that were given, to find the second of a kind and to point at one that does not fit.
    given: Vec<Ident>,
}

impl Attribute {
    /// Refuses what means nothing for this signal.
    pub(crate) fn check(&self, signal: Signal) -> Result<()> {
        for name in &self.given {
            if name == "writes" && !signal.may_change() {
                let text =
                    format!("`{}` cannot change the instance, so there is nothing to write", signal.name());
                return Err(Error::new(name.span(), text));
            }
            if name == "when" && !signal.is_save() {
                let text = format!("`when` is about saves; `{}` has no such condition", signal.name());
                return Err(Error::new(name.span(), text));
            }
        }
        Ok(())
    }

    fn argument(&mut self, input: ParseStream) -> Result<()> {
        let name: Ident = input.parse()?;
        if self.given.contains(&name) {
            return Err(Error::new(name.span(), format!("`{name}` is given twice")));
        }
        match name.to_string().as_str() {
            "reads" => self.reads = Some(names(input)?),
            "writes" => self.writes = Some(names(input)?),
            "priority" => self.priority = priority(input)?,
            "when" => self.when(input)?,
            _ => {
                let text = format!(
                    "unknown argument `{name}`; there are the sender (`\"Post\"`, first), `reads(..)`, `writes(..)`, \
                     `priority = ..` and `when(..)`"
                );
                return Err(Error::new(name.span(), text));
            }
        }
        self.given.push(name);
        Ok(())
    }

    fn when(&mut self, input: ParseStream) -> Result<()> {
        let conditions;
        parenthesized!(conditions in input);
        while !conditions.is_empty() {
            let name: Ident = conditions.parse()?;
            match name.to_string().as_str() {
                "created" | "updated" if self.created.is_some() => {
                    return Err(Error::new(name.span(), "`created` and `updated` exclude each other"));
                }
                "created" => self.created = Some(true),
                "updated" => self.created = Some(false),
                "changed" => self.changed = names(&conditions)?,
                _ => {
                    let text = format!(
                        "unknown condition `{name}`; there are `created`, `updated`, `changed(\"title\")`"
                    );
                    return Err(Error::new(name.span(), text));
                }
            }
            if !conditions.is_empty() {
                conditions.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }
}

impl Parse for Attribute {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut attribute = Attribute::default();
        if input.peek(LitStr) {
            attribute.sender = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        while !input.is_empty() {
            attribute.argument(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(attribute)
    }
}

/// `("title", "slug")`, at least one.
fn names(input: ParseStream) -> Result<Vec<LitStr>> {
    let names;
    parenthesized!(names in input);
    if names.is_empty() {
        return Err(names.error("name at least one field, in quotes"));
    }
    let names = Punctuated::<LitStr, Token![,]>::parse_terminated(&names)?;
    Ok(names.into_iter().collect())
}

/// `= 10`, `= -10`.
fn priority(input: ParseStream) -> Result<i32> {
    input.parse::<Token![=]>()?;
    let minus = input.parse::<Option<Token![-]>>()?;
    let number: LitInt = input.parse()?;
    let value: i64 = number.base10_parse()?;
    let value = if minus.is_some() { -value } else { value };
    i32::try_from(value).map_err(|_| Error::new(number.span(), "a priority is a 32-bit integer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, signal: Signal, expected: &str) {
        let parsed = syn::parse_str::<Attribute>(text).and_then(|attribute| attribute.check(signal));
        assert_eq!(parsed.unwrap_err().to_string(), expected, "{text}");
    }

    #[test]
    fn every_argument_is_read() {
        let text = r#""Post", writes("slug",), reads("title", "slug"), priority = -10, when(updated, changed("title"))"#;
        let attribute: Attribute = syn::parse_str(text).unwrap();
        attribute.check(Signal::PreSave).unwrap();
        let values = |names: &[LitStr]| names.iter().map(LitStr::value).collect::<Vec<_>>();
        assert_eq!(attribute.sender.map(|sender| sender.value()).as_deref(), Some("Post"));
        assert_eq!(values(&attribute.writes.unwrap()), ["slug"]);
        assert_eq!(values(&attribute.reads.unwrap()), ["title", "slug"]);
        assert_eq!(values(&attribute.changed), ["title"]);
        assert_eq!((attribute.priority, attribute.created), (-10, Some(false)));
    }

    #[test]
    fn every_argument_can_be_left_out() {
        let attribute: Attribute = syn::parse_str("").unwrap();
        assert!(attribute.sender.is_none() && attribute.reads.is_none() && attribute.writes.is_none());
        assert_eq!((attribute.priority, attribute.created), (0, None));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let save = Signal::PreSave;
        check(r#"priority = 1, priority = 2"#, save, "`priority` is given twice");
        check(r#"writes()"#, save, "unexpected end of input, name at least one field, in quotes");
        check(r#"when(created, updated)"#, save, "`created` and `updated` exclude each other");
        check(
            r#"when(saved)"#,
            save,
            "unknown condition `saved`; there are `created`, `updated`, `changed(\"title\")`",
        );
        check(
            r#"sender = "Post""#,
            save,
            "unknown argument `sender`; there are the sender (`\"Post\"`, first), `reads(..)`, `writes(..)`, \
             `priority = ..` and `when(..)`",
        );
        check(r#"priority = 3000000000"#, save, "a priority is a 32-bit integer");
        check(
            r#"writes("slug")"#,
            Signal::PostSave,
            "`post_save` cannot change the instance, so there is nothing to write",
        );
        check(
            r#"when(created)"#,
            Signal::PreDelete,
            "`when` is about saves; `pre_delete` has no such condition",
        );
    }
}
