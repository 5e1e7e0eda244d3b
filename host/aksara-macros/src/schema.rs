//! A model as the macro understands it, with everything that can be said against it.

use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Data, DeriveInput, Error, Expr, Fields, GenericArgument, Ident, PathArguments, Result, Type, Visibility,
};

use crate::attr::{FieldOptions, ModelOptions};

/// Names that every model has, which a field's constant would hide.
const RESERVED: [&str; 7] = ["objects", "meta", "key", "value", "set_value", "from_row", "instance"];

/// A model.
pub(crate) struct Schema<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) vis: &'a Visibility,
    pub(crate) label: String,
    pub(crate) table: String,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) relations: Vec<Relation<'a>>,
    pub(crate) key: usize,
    /// Positions of the fields of an index, and whether it is unique.
    pub(crate) indexes: Vec<(Vec<usize>, bool)>,
}

/// A many-to-many relation of a model.
pub(crate) struct Relation<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) target: &'a Type,
    pub(crate) table: String,
    /// The columns with our key and with theirs.
    pub(crate) columns: [String; 2],
    /// Whether the table is that of a model.
    pub(crate) explicit: bool,
}

/// A field of a model.
pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) name: String,
    /// The model that a foreign key points to.
    pub(crate) target: Option<&'a Type>,
    pub(crate) given: bool,
    pub(crate) unique: bool,
    pub(crate) index: bool,
    pub(crate) default: Option<Expr>,
    pub(crate) max_length: Option<u32>,
    pub(crate) choices: Vec<String>,
    pub(crate) auto_now: bool,
    pub(crate) auto_now_add: bool,
    pub(crate) on_delete: OnDelete,
    primary_key: bool,
}

/// The variants of `aksara::OnDelete`.
#[derive(Clone, Copy)]
pub(crate) enum OnDelete {
    Cascade,
    Protect,
    Restrict,
    SetNull,
    DoNothing,
}

/// Mistakes, to be shown all at once.
#[derive(Default)]
struct Mistakes(Option<Error>);

impl Mistakes {
    fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn at(&mut self, place: &impl Spanned, message: impl std::fmt::Display) {
        self.add(Error::new(place.span(), message));
    }

    fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }
}

impl<'a> Schema<'a> {
    pub(crate) fn of(input: &'a DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(Error::new_spanned(&input.ident, "a model is a struct with named fields"));
        };
        let Fields::Named(named) = &data.fields else {
            return Err(Error::new_spanned(&input.ident, "a model is a struct with named fields"));
        };
        if !input.generics.params.is_empty() {
            return Err(Error::new_spanned(&input.generics, "a model has no generic parameters"));
        }
        let mut mistakes = Mistakes::default();
        let options = mistakes.take(ModelOptions::of(&input.attrs)).unwrap_or_default();
        let label =
            options.label.as_ref().map_or_else(|| input.ident.unraw().to_string(), |label| label.value());
        let table = options
            .table
            .as_ref()
            .map_or_else(|| snake_case(&label.replace('.', "_")), |table| table.value());
        let is_relation = |field: &&syn::Field| argument(&field.ty, "ManyToMany").is_some();
        let (relations, fields): (Vec<_>, Vec<_>) = named.named.iter().partition(is_relation);
        let fields: Vec<Field<'a>> =
            fields.into_iter().filter_map(|field| Field::of(field, &mut mistakes)).collect();
        let relations = relations
            .into_iter()
            .filter_map(|field| Relation::of(field, &input.ident, &table, &mut mistakes));
        let relations: Vec<Relation<'a>> = relations.collect();
        unique_names(&fields, &mut mistakes);
        let key = key(&input.ident, &fields, &mut mistakes);
        let indexes = indexes(&options, &fields, &mut mistakes);
        match mistakes.0 {
            Some(errors) => Err(errors),
            None => Ok(Schema {
                ident: &input.ident,
                vis: &input.vis,
                table,
                label,
                fields,
                relations,
                key,
                indexes,
            }),
        }
    }
}

impl<'a> Relation<'a> {
    fn of(field: &'a syn::Field, model: &Ident, of: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let target = argument(&field.ty, "ManyToMany")?;
        let options = mistakes.take(FieldOptions::of(&field.attrs))?;
        let name = ident.unraw().to_string();
        if let Some(through) = options.through {
            let [table, own, other] = through.as_slice() else {
                mistakes.at(ident, "`through` names a table and two columns: `through(\"membership\", \"person_id\", \"group_id\")`");
                return None;
            };
            let columns = [own.value(), other.value()];
            return Some(Relation { ident, target, table: table.value(), columns, explicit: true });
        }
        let table = options.table.map_or_else(|| format!("{of}_{name}"), |table| table.value());
        let Type::Path(path) = target else {
            mistakes.at(target, "a relation points to a model");
            return None;
        };
        let other = path.path.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default();
        let (own, other) = (snake_case(&model.unraw().to_string()), snake_case(&other));
        // A model that is related to itself has its own name on the left.
        let own = if own == other { format!("from_{own}") } else { own };
        let columns = [format!("{own}_id"), format!("{other}_id")];
        Some(Relation { ident, target, table, columns, explicit: false })
    }
}

impl<'a> Field<'a> {
    fn of(field: &'a syn::Field, mistakes: &mut Mistakes) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let options = mistakes.take(FieldOptions::of(&field.attrs))?;
        let plain = ident.unraw().to_string();
        if RESERVED.contains(&plain.as_str()) {
            mistakes.at(ident, format!("`{plain}` is a name that every model has; call the field otherwise"));
        }
        let inner = argument(&field.ty, "Option").unwrap_or(&field.ty);
        let one_to_one = argument(inner, "OneToOne");
        let target = argument(inner, "Fk").or(one_to_one);
        check_types(&options, &field.ty, inner, target, mistakes);
        let suffix = if target.is_some() { "_id" } else { "" };
        let name = options.column.map_or_else(|| format!("{plain}{suffix}"), |column| column.value());
        let max_length = options.max_length.and_then(|max| mistakes.take(max.base10_parse()));
        let on_delete = options.on_delete.and_then(|rule| mistakes.take(OnDelete::of(&rule)));
        Some(Field {
            ident,
            ty: &field.ty,
            name,
            target,
            given: options.given,
            unique: options.unique || one_to_one.is_some(),
            index: options.index,
            default: options.default,
            max_length,
            choices: options.choices.unwrap_or_default().iter().map(syn::LitStr::value).collect(),
            auto_now: options.auto_now.is_some(),
            auto_now_add: options.auto_now_add.is_some(),
            on_delete: on_delete.unwrap_or(OnDelete::Cascade),
            primary_key: options.primary_key,
        })
    }
}

fn check_types(
    options: &FieldOptions,
    ty: &Type,
    inner: &Type,
    target: Option<&Type>,
    mistakes: &mut Mistakes,
) {
    if let Some(max) = options.max_length.as_ref().filter(|_| !is(inner, "String")) {
        mistakes.at(max, "`max_length` is for a `String`");
    }
    if let Some(choice) = options.choices.iter().flatten().next().filter(|_| !is(inner, "String")) {
        mistakes.at(choice, "`choices` are for a `String`");
    }
    for option in [&options.auto_now, &options.auto_now_add].into_iter().flatten() {
        if !is(inner, "DateTime") {
            mistakes.at(option, format!("`{option}` is for a `DateTime<Utc>`"));
        }
    }
    if options.primary_key && argument(ty, "Option").is_some() {
        mistakes.at(ty, "a primary key cannot be null; write the type without `Option`");
    }
    let Some(rule) = &options.on_delete else { return };
    if target.is_none() {
        mistakes.at(rule, "`on_delete` is for an `Fk` or a `OneToOne`");
    } else if rule.value() == "set_null" && argument(ty, "Option").is_none() {
        mistakes.at(rule, "`set_null` needs a field that can be null: `Option<Fk<..>>`");
    }
}

impl OnDelete {
    fn of(rule: &syn::LitStr) -> Result<Self> {
        Ok(match rule.value().as_str() {
            "cascade" => OnDelete::Cascade,
            "protect" => OnDelete::Protect,
            "restrict" => OnDelete::Restrict,
            "set_null" => OnDelete::SetNull,
            "do_nothing" => OnDelete::DoNothing,
            other => {
                let known = "`cascade`, `protect`, `restrict`, `set_null`, `do_nothing`";
                return Err(Error::new_spanned(
                    rule,
                    format!("no rule is called `{other}`; there are {known}"),
                ));
            }
        })
    }

    pub(crate) fn variant(self) -> &'static str {
        match self {
            OnDelete::Cascade => "Cascade",
            OnDelete::Protect => "Protect",
            OnDelete::Restrict => "Restrict",
            OnDelete::SetNull => "SetNull",
            OnDelete::DoNothing => "DoNothing",
        }
    }
}

fn unique_names(fields: &[Field<'_>], mistakes: &mut Mistakes) {
    for (index, field) in fields.iter().enumerate() {
        if fields[..index].iter().any(|before| before.name == field.name) {
            mistakes.at(field.ident, format!("two fields have the column `{}`", field.name));
        }
    }
}

fn key(model: &Ident, fields: &[Field<'_>], mistakes: &mut Mistakes) -> usize {
    let mut marked = (0..fields.len()).filter(|index| fields[*index].primary_key);
    let key = marked.next().or_else(|| fields.iter().position(|field| field.name == "id"));
    if let Some(second) = marked.next() {
        mistakes.at(fields[second].ident, "a model has one primary key, and another field is it already");
    }
    key.unwrap_or_else(|| {
        let help = "mark a field with `#[field(primary_key)]`, or call it `id`";
        mistakes.at(model, format!("a model needs a primary key: {help}"));
        0
    })
}

fn indexes(options: &ModelOptions, fields: &[Field<'_>], mistakes: &mut Mistakes) -> Vec<(Vec<usize>, bool)> {
    let mut position = |name: &Ident| {
        let position = fields.iter().position(|field| field.ident == name);
        if position.is_none() {
            mistakes.at(name, format!("the model has no field `{name}`"));
        }
        position
    };
    options
        .indexes
        .iter()
        .map(|(names, unique)| (names.iter().filter_map(&mut position).collect(), *unique))
        .collect()
}

/// The type in the angle brackets of `name<..>`.
fn argument<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn is(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        let starts_word = match before {
            None | Some('_') => false,
            Some(before) => {
                letter.is_uppercase()
                    && (!char::is_uppercase(before) || letters.peek().is_some_and(|next| next.is_lowercase()))
            }
        };
        if starts_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        before = Some(letter);
    }
    snake
}

#[cfg(test)]
mod tests {
    #[test]
    fn tables_are_called_like_their_structs_in_snake_case() {
        for (name, table) in
            [("Post", "post"), ("AuditLog", "audit_log"), ("HTTPLog", "http_log"), ("A_B", "a_b")]
        {
            assert_eq!(super::snake_case(name), table);
        }
    }
}
