//! Values as they are bound: in the form in which the database gives back what it was given.

use sea_query::{Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::IntoArguments;

/// The values of a statement.
pub(crate) struct Bound(Values);

impl Bound {
    pub(crate) fn new(values: Values) -> Self {
        Bound(values)
    }

    /// The values, those that need it in another form.
    fn formed(self, form: impl Fn(&Value) -> Option<Value>) -> SqlxValues {
        let Bound(Values(mut values)) = self;
        for value in &mut values {
            if let Some(formed) = form(value) {
                *value = formed;
            }
        }
        SqlxValues(Values(values))
    }
}

/// A time as exact as the database keeps it: cut, where a driver would round some of them up.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn to_microseconds(time: chrono::DateTime<chrono::Utc>) -> chrono::DateTime<chrono::Utc> {
    chrono::SubsecRound::trunc_subsecs(time, 6)
}

#[cfg(feature = "sqlite")]
impl IntoArguments<sqlx::Sqlite> for Bound {
    fn into_arguments(self) -> sqlx::sqlite::SqliteArguments {
        let values = self.formed(|value| match value {
            Value::Decimal(Some(decimal)) => Some(crate::decimal::stored(*decimal)),
            _ => None,
        });
        IntoArguments::<sqlx::Sqlite>::into_arguments(values)
    }
}

#[cfg(feature = "mysql")]
impl IntoArguments<sqlx::MySql> for Bound {
    fn into_arguments(self) -> sqlx::mysql::MySqlArguments {
        let values = self.formed(|value| match value {
            // MySQL's type for times with a zone ends in 2038; ours are all in UTC.
            Value::ChronoDateTimeUtc(time) => {
                Some(Value::ChronoDateTime(time.map(|time| to_microseconds(time).naive_utc())))
            }
            // What MySQL compares with a double, it compares exactly.
            Value::Float(number) => Some(Value::Double(number.map(f64::from))),
            _ => None,
        });
        IntoArguments::<sqlx::MySql>::into_arguments(values)
    }
}

#[cfg(feature = "postgres")]
impl IntoArguments<sqlx::Postgres> for Bound {
    fn into_arguments(self) -> sqlx::postgres::PgArguments {
        let SqlxValues(values) = self.formed(|value| match value {
            Value::ChronoDateTimeUtc(Some(time)) => Some(to_microseconds(*time).into()),
            _ => None,
        });
        match documents::arguments(&values) {
            Some(arguments) => arguments,
            None => IntoArguments::<sqlx::Postgres>::into_arguments(SqlxValues(values)),
        }
    }
}

/// Documents as PostgreSQL keeps them: it has one type of number, and a float that is written without a point comes back
/// as an integer.
#[cfg(feature = "postgres")]
mod documents {
    use sea_query::{Value, Values};
    use serde::ser::{Error as _, Serialize, Serializer};
    use serde_json::Value as Document;
    use serde_json::value::RawValue;
    use sqlx::Arguments as _;
    use sqlx::postgres::PgArguments;
    use sqlx::types::Json;

    /// The arguments, where there is a document with such a float among them; `None` for all others.
    pub(super) fn arguments(values: &Values) -> Option<PgArguments> {
        let is_affected = |value: &Value| matches!(value, Value::Json(Some(json)) if has_whole_float(json));
        if !values.iter().any(is_affected) {
            return None;
        }
        let mut arguments = PgArguments::default();
        for value in values.iter() {
            let added = match value {
                Value::Json(json) => arguments.add(json.as_deref().map(|json| Json(Pointed(json)))),
                Value::Bool(v) => arguments.add(*v),
                Value::SmallInt(v) => arguments.add(*v),
                Value::Int(v) => arguments.add(*v),
                Value::BigInt(v) => arguments.add(*v),
                Value::Float(v) => arguments.add(*v),
                Value::Double(v) => arguments.add(*v),
                Value::String(v) => arguments.add(v.as_deref()),
                Value::Bytes(v) => arguments.add(v.as_deref()),
                Value::Uuid(v) => arguments.add(*v),
                Value::Decimal(v) => arguments.add(*v),
                Value::ChronoDate(v) => arguments.add(*v),
                Value::ChronoDateTimeUtc(v) => arguments.add(*v),
                // No field has another type; a statement of the application's own may.
                _ => return None,
            };
            added.ok()?;
        }
        Some(arguments)
    }

    /// A float that serde writes with an exponent only, and that an integer of 64 bits could be.
    fn whole(document: &Document) -> Option<f64> {
        const EXPONENT_MIN: f64 = 1e16;
        const INTEGER_MAX: f64 = 18_446_744_073_709_551_615.0;
        let number = document.as_number().filter(|number| number.is_f64())?.as_f64()?;
        (EXPONENT_MIN..=INTEGER_MAX).contains(&number.abs()).then_some(number)
    }

    /// Looks at every value of a document, without recursion: it may be of any depth.
    fn has_whole_float(document: &Document) -> bool {
        let mut left = vec![document];
        while let Some(document) = left.pop() {
            match document {
                Document::Array(values) => left.extend(values),
                Document::Object(fields) => left.extend(fields.values()),
                other if whole(other).is_some() => return true,
                _ => {}
            }
        }
        false
    }

    /// A document whose whole floats have a point.
    struct Pointed<'a>(&'a Document);

    impl Serialize for Pointed<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Document::Array(values) => serializer.collect_seq(values.iter().map(Pointed)),
                Document::Object(fields) => {
                    serializer.collect_map(fields.iter().map(|(name, value)| (name, Pointed(value))))
                }
                other => match whole(other) {
                    Some(number) => {
                        let text = RawValue::from_string(format!("{number:.1}")).map_err(S::Error::custom)?;
                        text.serialize(serializer)
                    }
                    None => other.serialize(serializer),
                },
            }
        }
    }
}
