//! Parsing `#[model(..)]` and `#[field(..)]`.

use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitInt, LitStr, Result, Token, parenthesized};

/// `#[model(..)]`.
#[derive(Default)]
pub(crate) struct ModelOptions {
    pub(crate) label: Option<LitStr>,
    pub(crate) table: Option<LitStr>,
    /// Fields of an index, and whether it is unique.
    pub(crate) indexes: Vec<(Vec<Ident>, bool)>,
}

/// `#[field(..)]`. Options that need a certain type keep their place, to say so there.
#[derive(Default)]
pub(crate) struct FieldOptions {
    pub(crate) primary_key: bool,
    pub(crate) given: bool,
    pub(crate) unique: bool,
    pub(crate) index: bool,
    pub(crate) column: Option<LitStr>,
    pub(crate) default: Option<Expr>,
    pub(crate) max_length: Option<LitInt>,
    pub(crate) choices: Option<Vec<LitStr>>,
    pub(crate) auto_now: Option<Ident>,
    pub(crate) auto_now_add: Option<Ident>,
    pub(crate) on_delete: Option<LitStr>,
    pub(crate) table: Option<LitStr>,
    pub(crate) through: Option<Vec<LitStr>>,
}

impl ModelOptions {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut options = ModelOptions::default();
        each(attributes, "model", |meta| options.option(meta))?;
        Ok(options)
    }

    fn option(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        match name(meta).as_str() {
            "label" => self.label = Some(meta.value()?.parse()?),
            "table" => self.table = Some(meta.value()?.parse()?),
            "index" => self.indexes.push((list(meta)?, false)),
            "unique" => self.indexes.push((list(meta)?, true)),
            other => {
                let known = "`label`, `table`, `index(..)`, `unique(..)`";
                return Err(meta.error(format!("a model has no option `{other}`; there are {known}")));
            }
        }
        Ok(())
    }
}

impl FieldOptions {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut options = FieldOptions::default();
        each(attributes, "field", |meta| options.option(meta))?;
        Ok(options)
    }

    fn option(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let ident = meta.path.get_ident().cloned();
        match name(meta).as_str() {
            "primary_key" => self.primary_key = true,
            "given" => self.given = true,
            "unique" => self.unique = true,
            "index" => self.index = true,
            "column" => self.column = Some(meta.value()?.parse()?),
            "default" => self.default = Some(meta.value()?.parse()?),
            "max_length" => self.max_length = Some(meta.value()?.parse()?),
            "choices" => self.choices = Some(list(meta)?),
            "auto_now" => self.auto_now = ident,
            "auto_now_add" => self.auto_now_add = ident,
            "on_delete" => self.on_delete = Some(meta.value()?.parse()?),
            "table" => self.table = Some(meta.value()?.parse()?),
            "through" => self.through = Some(list(meta)?),
            other => {
                let known = "`primary_key`, `given`, `column`, `max_length`, `choices(..)`, `default`, `unique`, \
                             `index`, `auto_now`, `auto_now_add`, `on_delete`, `table`, `through(..)`";
                return Err(meta.error(format!("a field has no option `{other}`; there are {known}")));
            }
        }
        Ok(())
    }
}

fn each(
    attributes: &[Attribute],
    name: &str,
    mut option: impl FnMut(&ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    let ours = attributes.iter().filter(|attribute| attribute.path().is_ident(name));
    for attribute in ours {
        attribute.parse_nested_meta(|meta| option(&meta))?;
    }
    Ok(())
}

fn name(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.get_ident().map(Ident::to_string).unwrap_or_default()
}

fn list<T: syn::parse::Parse>(meta: &ParseNestedMeta<'_>) -> Result<Vec<T>> {
    let content;
    parenthesized!(content in meta.input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}
