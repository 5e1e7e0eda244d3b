//! Tables that another program has made: columns of other types than ours, and values in other forms.

use std::fmt::Debug;

use aksara::prelude::*;
use aksara::{Backend, Error};
use aksara_tests::TestDb;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

/// Models of one column, each of a table of its own.
macro_rules! models {
    ($($model:ident $label:literal $table:literal $type:ty;)*) => {$(
        #[derive(Model, Clone, Debug)]
        #[model(label = $label, table = $table)]
        struct $model {
            id: i64,
            held: Option<$type>,
        }

        impl Column for $type {
            async fn read(db: &Db, sql: &str, value: &str) -> Result<Option<Self>, Error> {
                for sql in [
                    format!("DROP TABLE IF EXISTS {}", $table),
                    format!("CREATE TABLE {} (id INTEGER PRIMARY KEY, held {sql})", $table),
                    format!("INSERT INTO {} VALUES (1, {value}), (2, NULL)", $table),
                ] {
                    db.execute_raw(&sql, vec![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
                }
                assert_eq!($model::objects(db).get(2).await.unwrap().held, None);
                Ok($model::objects(db).get(1).await?.held.clone())
            }

            async fn write(db: &Db, value: &Self) -> Result<(u64, Option<Self>), Error> {
                let mut row = $model::objects(db).get(2).await?;
                row.held = Some(value.clone());
                row.save(db).await?;
                $model::objects(db).filter($model::id.eq(2)).update([$model::held.set(value.clone())]).await?;
                let found = $model::objects(db).filter($model::held.eq(value.clone())).count().await?;
                Ok((found, $model::objects(db).get(2).await?.held.clone()))
            }
        }
    )*};
}

/// A type of a field, read from a column of another type.
trait Column: Clone + Debug + PartialEq + Sized {
    /// Makes a table with a column of this type and this value in it, and reads it.
    async fn read(db: &Db, sql: &str, value: &str) -> Result<Option<Self>, Error>;
    /// Writes another value to that table; how many rows are found by it, and what is read.
    async fn write(db: &Db, value: &Self) -> Result<(u64, Option<Self>), Error>;
}

models! {
    Small "others.Small" "other_small" i16;
    Int "others.Int" "other_int" i32;
    Big "others.Big" "other_big" i64;
    Single "others.Single" "other_single" f32;
    Double "others.Double" "other_double" f64;
    Flag "others.Flag" "other_flag" bool;
    Text "others.Text" "other_text" String;
    Money "others.Money" "other_money" Decimal;
    Id "others.Id" "other_id" Uuid;
    Time "others.Time" "other_time" DateTime<Utc>;
    Day "others.Day" "other_day" NaiveDate;
    Doc "others.Doc" "other_doc" serde_json::Value;
    Raw "others.Raw" "other_raw" Vec<u8>;
}

/// The value is read as it is, found by a filter, and written.
async fn reads<T: Column>(db: &Db, sql: &str, value: &str, expected: T) {
    let shown = format!("{value} of {sql} as {}", std::any::type_name::<T>());
    let read = T::read(db, sql, value).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
    assert_eq!(read.as_ref(), Some(&expected), "{shown}");
    let (found, written) = T::write(db, &expected).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
    assert_eq!((found, written), (2, Some(expected)), "{shown}");
}

/// The value is read as it is.
async fn is_read<T: Column>(db: &Db, sql: &str, value: &str, expected: T) {
    let shown = format!("{value} of {sql} as {}", std::any::type_name::<T>());
    let read = T::read(db, sql, value).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
    assert_eq!(read, Some(expected), "{shown}");
}

/// Reading is an error that names the column and these words.
async fn refuses<T: Column>(db: &Db, sql: &str, value: &str, words: &str) {
    let shown = format!("{value} of {sql} as {}", std::any::type_name::<T>());
    let error = T::read(db, sql, value).await.err().unwrap_or_else(|| panic!("{shown} is read"));
    let text = error.to_string();
    assert!(
        matches!(error, Error::Decode { .. }) && text.contains(".held` in the row `id = 1`"),
        "{shown}: {text}"
    );
    assert!(text.contains(words), "{shown}: {text}");
}

const ID: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 2, 29).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn quoted(value: impl ToString) -> String {
    format!("'{}'", value.to_string())
}

#[tokio::test]
async fn columns_of_other_types_of_postgresql_are_read_where_nothing_can_be_lost() {
    let test = TestDb::with::<(Int,)>().await;
    if test.backend() != Backend::Postgres {
        return;
    }
    let db = &test.db;
    for sql in [
        "CREATE EXTENSION IF NOT EXISTS citext",
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE DOMAIN short AS varchar(5)",
    ] {
        db.execute_raw(sql, vec![]).await.unwrap();
    }
    reads(db, "int2", "-7", -7_i32).await;
    reads(db, "int2", "-7", -7_i64).await;
    reads(db, "int4", "2147483647", i64::from(i32::MAX)).await;
    reads(db, "float4", "0.5", 0.5_f64).await;
    reads(db, "int4", "-7", -7.0_f64).await;
    reads(db, "int2", "-7", -7.0_f32).await;
    for sql in ["varchar(9)", "char(3)", "name", "citext", "short"] {
        reads(db, sql, "'abc'", "abc".to_owned()).await;
    }
    is_read(db, "mood", "'glad'", "glad".to_owned()).await;
    for sql in ["char(36)", "varchar(40)", "text"] {
        reads(db, sql, &quoted(ID), ID).await;
        is_read(db, sql, &quoted(ID.simple().to_string().to_uppercase()), ID).await;
    }
    is_read(db, "json", "'{\"a\": [1, 2.5]}'", json!({"a": [1, 2.5]})).await;
    reads(db, "timestamp", "'2024-02-29 12:30:00.25'", time("2024-02-29T12:30:00.25Z")).await;
    reads(db, "timestamptz(0)", "'2024-02-29 12:30:00+02'", time("2024-02-29T10:30:00Z")).await;
    reads(db, "numeric(6, 2)", "12.5", decimal("12.50")).await;
    reads(db, "numeric", "0.0000000000000000000000000001", Decimal::new(1, 28)).await;
    reads(db, "numeric", "-79228162514264337593543950335", Decimal::MIN).await;
    is_read(db, "numeric(60, 30)", "12.5", decimal("12.5")).await;
    reads(db, "int8", "9223372036854775807", Decimal::from(i64::MAX)).await;

    refuses::<i32>(db, "int8", "1", "the column is `int8`").await;
    refuses::<i16>(db, "int4", "1", "the column is `int4`").await;
    refuses::<i64>(db, "numeric", "1", "the column is `numeric`").await;
    refuses::<f32>(db, "float8", "1", "the column is `float8`").await;
    refuses::<f64>(db, "int8", "1", "the column is `int8`").await;
    refuses::<f64>(db, "numeric", "1", "the column is `numeric`").await;
    refuses::<Decimal>(db, "float8", "1", "the column is `float8`").await;
    refuses::<Decimal>(db, "numeric", "'NaN'", "found `NaN`").await;
    refuses::<Decimal>(db, "numeric", "0.00000000000000000000000000001", "more digits").await;
    refuses::<Decimal>(db, "numeric", "79228162514264337593543950336", "more digits").await;
    refuses::<bool>(db, "int4", "1", "the column is `int4`").await;
    refuses::<String>(db, "bytea", "'abc'", "the column is `bytea`").await;
    refuses::<Uuid>(db, "text", "'abc'", "found the text `abc`").await;
    refuses::<DateTime<Utc>>(db, "date", "'2024-02-29'", "the column is `date`").await;
    refuses::<DateTime<Utc>>(db, "timestamp", "'infinity'", "found `infinity`").await;
    refuses::<DateTime<Utc>>(db, "int8", "1700000000", "the column is `int8`").await;
    refuses::<NaiveDate>(db, "timestamp", "'2024-02-29'", "the column is `timestamp`").await;
    refuses::<serde_json::Value>(db, "text", "'1'", "the column is `text`").await;
}

#[tokio::test]
async fn columns_of_other_types_of_mysql_are_read_where_nothing_can_be_lost() {
    let test = TestDb::with::<(Int,)>().await;
    if test.backend() != Backend::MySql {
        return;
    }
    let db = &test.db;
    for sql in ["tinyint", "smallint", "mediumint", "int", "bigint"] {
        reads(db, sql, "-7", -7_i16).await;
        reads(db, sql, "-7", -7_i32).await;
        reads(db, sql, "-7", -7_i64).await;
        reads(db, &format!("{sql} unsigned"), "7", 7_i32).await;
        reads(db, &format!("{sql} unsigned"), "7", 7_i64).await;
        reads(db, sql, "1", true).await;
    }
    reads(db, "tinyint(1)", "0", false).await;
    reads(db, "tinyint(1)", "1", 1_i64).await;
    reads(db, "bit(1)", "1", true).await;
    reads(db, "float", "0.5", 0.5_f64).await;
    reads(db, "int", "-7", -7.0_f64).await;
    for sql in ["varchar(9)", "char(3)", "tinytext", "text", "enum('abc', 'd')"] {
        reads(db, sql, "'abc'", "abc".to_owned()).await;
        reads(db, &format!("{sql} character set latin1"), "'abc'", "abc".to_owned()).await;
    }
    for sql in ["char(36)", "varchar(40)", "char(36) character set ascii", "text"] {
        reads(db, sql, &quoted(ID), ID).await;
        is_read(db, sql, &quoted(ID.simple().to_string().to_uppercase()), ID).await;
    }
    for sql in ["binary(16)", "varbinary(16)"] {
        reads(db, sql, &format!("x'{}'", ID.simple()), ID).await;
    }
    if db.execute_raw("CREATE TABLE has_uuid (id uuid)", vec![]).await.is_ok() {
        reads(db, "uuid", &quoted(ID), ID).await;
    }
    reads(db, "datetime", "'2024-02-29 12:30:00'", time("2024-02-29T12:30:00Z")).await;
    reads(db, "timestamp(3) NULL", "'2024-02-29 12:30:00.250'", time("2024-02-29T12:30:00.25Z")).await;
    reads(db, "decimal(6, 2)", "12.5", decimal("12.5")).await;
    reads(db, "decimal(29, 0)", "-79228162514264337593543950335", Decimal::MIN).await;
    reads(db, "decimal(30, 30)", "0.0000000000000000000000000001", Decimal::new(1, 28)).await;
    reads(db, "bigint", "9223372036854775807", Decimal::from(i64::MAX)).await;
    is_read(db, "json", "'{\"a\": [1, 2.5]}'", json!({"a": [1, 2.5]})).await;

    refuses::<i16>(db, "int", "40000", "the column is `int`").await;
    refuses::<i64>(db, "bigint unsigned", "9223372036854775808", "the column is `bigint unsigned`").await;
    refuses::<i64>(db, "decimal(6, 0)", "1", "the column is `decimal`").await;
    refuses::<bool>(db, "tinyint(1)", "2", "found 2").await;
    refuses::<f32>(db, "double", "1", "the column is `double`").await;
    refuses::<f64>(db, "bigint", "1", "the column is `bigint`").await;
    refuses::<f64>(db, "decimal(6, 2)", "1", "the column is `decimal`").await;
    refuses::<Decimal>(db, "double", "1", "the column is `double`").await;
    refuses::<Decimal>(db, "decimal(65, 30)", "0.00000000000000000000000000001", "found the number").await;
    refuses::<Decimal>(db, "decimal(65, 30)", "79228162514264337593543950336", "found the number").await;
    refuses::<String>(db, "blob", "'abc'", "the column is `blob`").await;
    refuses::<Vec<u8>>(db, "text", "'abc'", "the column is `text`").await;
    refuses::<Uuid>(db, "text", "'abc'", "found the text `abc`").await;
    refuses::<DateTime<Utc>>(db, "date", "'2024-02-29'", "the column is `date`").await;
    refuses::<DateTime<Utc>>(db, "bigint", "1700000000", "the column is `bigint`").await;
    refuses::<NaiveDate>(db, "datetime", "'2024-02-29'", "the column is `datetime`").await;
}

#[tokio::test]
async fn any_value_of_sqlite_is_read_where_nothing_can_be_lost() {
    let test = TestDb::with::<(Int,)>().await;
    if test.backend() != Backend::Sqlite {
        return;
    }
    let db = &test.db;
    for (sql, value) in
        [("TEXT", "'-7'"), ("", "'-7'"), ("REAL", "-7.0"), ("", "-7.0"), ("INT", "-7"), ("BLOB", "-7")]
    {
        is_read(db, sql, value, -7_i16).await;
        is_read(db, sql, value, -7_i64).await;
        is_read(db, sql, value, -7.0_f64).await;
        is_read(db, sql, value, decimal("-7")).await;
    }
    for (sql, value) in
        [("BOOLEAN", "1"), ("TEXT", "'1'"), ("TEXT", "'true'"), ("BOOL", "TRUE"), ("REAL", "1.0")]
    {
        is_read(db, sql, value, true).await;
    }
    is_read(db, "", "42", "42".to_owned()).await;
    for value in [quoted(ID), quoted(ID.simple().to_string().to_uppercase()), format!("x'{}'", ID.simple())] {
        for sql in ["CHAR(36)", "TEXT", "UUID", "BLOB", ""] {
            is_read(db, sql, &value, ID).await;
        }
    }
    for sql in ["CHAR(36)", "TEXT", "VARCHAR(36)"] {
        reads(db, sql, &quoted(ID), ID).await;
    }
    for value in ["'2024-02-29 10:30:00'", "'2024-02-29T10:30:00Z'", "'2024-02-29 12:30:00.000+02:00'"] {
        is_read(db, "DATETIME", value, time("2024-02-29T10:30:00Z")).await;
    }
    for value in ["'2024-02-29'", "'2024-02-29 00:00:00'", "'2024-02-29T00:00:00Z'"] {
        is_read(db, "DATE", value, day()).await;
    }
    for value in ["12.5", "'12.5'", "'12.50'", "' 12.5 '", "CAST('12.5' AS BLOB)"] {
        for sql in ["DECIMAL(9, 2)", "NUMERIC", "REAL", "TEXT", "VARCHAR(20)", "BLOB", ""] {
            is_read(db, sql, value, decimal("12.5")).await;
        }
    }
    is_read(db, "JSON", "'1'", json!(1)).await;
    is_read(db, "JSON", "'{\"a\": [1, 2.5]}'", json!({"a": [1, 2.5]})).await;

    refuses::<i64>(db, "TEXT", "'seven'", "found the text `seven`").await;
    refuses::<i64>(db, "REAL", "7.5", "found the number `7.5`").await;
    refuses::<i64>(db, "REAL", "1e18", "found the number").await;
    refuses::<i16>(db, "INTEGER", "40000", "found 40000, which does not fit").await;
    refuses::<bool>(db, "INTEGER", "2", "found 2").await;
    refuses::<f64>(db, "TEXT", "'much'", "found the text `much`").await;
    refuses::<f64>(db, "INTEGER", "9007199254740993", "found the integer").await;
    refuses::<f32>(db, "REAL", "1e300", "found the number").await;
    refuses::<Decimal>(db, "REAL", "1e300", "found the number").await;
    refuses::<Decimal>(db, "TEXT", "'dear'", "found the number `dear`").await;
    refuses::<Uuid>(db, "TEXT", "'abc'", "found the text `abc`").await;
    refuses::<Uuid>(db, "BLOB", "x'0102'", "found 2 bytes").await;
    refuses::<String>(db, "BLOB", "x'0102'", "found a blob of 2 bytes").await;
    refuses::<DateTime<Utc>>(db, "INTEGER", "1700000000", "found the integer `1700000000`").await;
    refuses::<DateTime<Utc>>(db, "REAL", "2460000.5", "found the number `2460000.5`").await;
    refuses::<DateTime<Utc>>(db, "TEXT", "'yesterday'", "found the text `yesterday`").await;
    refuses::<NaiveDate>(db, "TEXT", "'2024-02-29 12:00:00'", "found the text").await;
    refuses::<serde_json::Value>(db, "TEXT", "'{'", "EOF").await;
    refuses::<Vec<u8>>(db, "INTEGER", "1", "found the integer `1`").await;
}
