//! Every type of field, at its limits and beyond, by every way of writing: refused before the SQL with an error that names the
//! field, the same by all ways, or read back equal by every way of reading.

mod cases;
mod computed;
mod fixtures;
mod gone;

use std::collections::BTreeMap;

use aksara::prelude::*;
use aksara::signals::pre_save;
use aksara::{Assignment, Backend, Error, Filter, Value};
use aksara_tests::{Random, TestDb};
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use uuid::Uuid;

type Bytes = Vec<u8>;
type Time = DateTime<Utc>;

/// The model, and what is done with a column of it that is known by name only.
macro_rules! cells {
    ($($(#[$attribute:meta])* $name:ident, $maybe:ident: $type:ident = $variant:ident;)*) => {
        #[derive(Model, Clone, Debug, PartialEq)]
        #[model(label = "ways.Cell")]
        struct Cell {
            id: i64,
            $($(#[$attribute])* $name: $type, $(#[$attribute])* $maybe: Option<$type>,)*
        }

        /// The name of the column that may be null, by that of the one that may not.
        const COLUMNS: &[(&str, &str)] = &[$((stringify!($name), stringify!($maybe))),*];

        fn assignment(column: &str, value: &Value) -> Assignment<Cell> {
            match (column, value.clone()) {
                $(
                    (stringify!($name), Value::$variant(Some(value))) => {
                        let value: $type = unboxed(value);
                        Cell::$name.set(value)
                    }
                    (stringify!($maybe), Value::$variant(Some(value))) => {
                        let value: $type = unboxed(value);
                        Cell::$maybe.set(value)
                    }
                    (stringify!($maybe), Value::$variant(None)) => Cell::$maybe.set_null(),
                )*
                other => panic!("{other:?}"),
            }
        }

        fn equal(column: &str, value: &Value) -> Filter<Cell> {
            match (column, value.clone()) {
                $(
                    (stringify!($name), Value::$variant(Some(value))) => {
                        let value: $type = unboxed(value);
                        Cell::$name.eq(value)
                    }
                    (stringify!($maybe), Value::$variant(Some(value))) => {
                        let value: $type = unboxed(value);
                        Cell::$maybe.eq(value)
                    }
                    (stringify!($maybe), Value::$variant(None)) => Cell::$maybe.is_null(),
                )*
                other => panic!("{other:?}"),
            }
        }

        /// The values of a column in these rows, read alone.
        async fn alone(rows: aksara::Query<Cell>, column: &str) -> Result<Vec<Value>, Error> {
            use aksara::FieldType as _;
            match column {
                $(
                    stringify!($name) => Ok(rows.values(Cell::$name).await?.iter().map(|value| value.to_value()).collect()),
                    stringify!($maybe) => Ok(rows.values(Cell::$maybe).await?.iter().map(|value| value.to_value()).collect()),
                )*
                other => panic!("{other}"),
            }
        }
    };
}
cells! {
    small, maybe_small: i16 = SmallInt;
    int, maybe_int: i32 = Int;
    big, maybe_big: i64 = BigInt;
    single, maybe_single: f32 = Float;
    double, maybe_double: f64 = Double;
    flag, maybe_flag: bool = Bool;
    #[field(max_length = 5)]
    short, maybe_short: String = String;
    text, maybe_text: String = String;
    #[field(index)]
    found, maybe_found: String = String;
    #[field(choices("", "draft", "published"))]
    chosen, maybe_chosen: String = String;
    data, maybe_data: Bytes = Bytes;
    token, maybe_token: Uuid = Uuid;
    day, maybe_day: NaiveDate = ChronoDate;
    at, maybe_at: Time = ChronoDateTimeUtc;
    price, maybe_price: Decimal = Decimal;
    doc, maybe_doc: Json = Json;
}

/// A value as a field has it: JSON is in a box.
fn unboxed<T, U: Unboxed<T>>(value: U) -> T {
    value.unboxed()
}

trait Unboxed<T> {
    fn unboxed(self) -> T;
}

impl<T> Unboxed<T> for T {
    fn unboxed(self) -> T {
        self
    }
}

impl Unboxed<Json> for Box<Json> {
    fn unboxed(self) -> Json {
        *self
    }
}

/// A model with this one value that is not its default.
fn with(column: &str, value: &Value) -> Cell {
    let mut cell = Cell::default().instance();
    put(&mut cell, column, value);
    cell.into_inner()
}

fn put(cell: &mut Instance<Cell>, column: &str, value: &Value) {
    let cell: &mut dyn AnyInstance = cell;
    cell.set(column, value.clone()).unwrap();
}

fn of(cell: &Instance<Cell>, column: &str) -> Value {
    let cell: &dyn AnyInstance = cell;
    cell.get(column).unwrap()
}

/// Every way to write one value. Those before the split insert, the others change a row that is there.
const INSERTING: &[&str] = &[
    "create",
    "save",
    "save of a new key",
    "bulk_create",
    "get_or_create",
    "update_or_create",
    "fixture",
    "handler of create",
    "handler of bulk_create",
];
const CHANGING: &[&str] = &[
    "save of a row",
    "save_fields",
    "bulk_update",
    "update",
    "update_or_create of a row",
    "fixture of a row",
    "handler of save",
    "handler of save_fields",
    STATEMENT,
];

/// The way of another program, which validates nothing.
const STATEMENT: &str = "a statement";

/// Writes by a way that inserts; the key.
async fn insert(db: &Db, way: &str, column: &'static str, value: &Value) -> Result<i64, Error> {
    let cells = || Cell::objects(db);
    let cell = || with(column, value);
    Ok(match way {
        "create" => cells().create(cell()).await?.id,
        "save" => {
            let mut cell = cell().instance();
            cell.save(db).await?;
            cell.id
        }
        "save of a new key" => {
            let mut row = cells().order_by(Cell::id.desc()).first().await?.unwrap();
            // Keys that are given do not move a sequence of PostgreSQL.
            row.id = -row.id;
            put(&mut row, column, value);
            row.save(db).await?;
            row.id
        }
        "bulk_create" => cells().bulk_create(vec![Cell::default(), cell()]).await?[1].id,
        "get_or_create" => cells().filter(Cell::id.eq(0)).get_or_create(cell).await?.0.id,
        "update_or_create" => cells().filter(Cell::id.eq(0)).update_or_create(|_| {}, cell).await?.0.id,
        "fixture" => {
            let mut fields = cell().instance().to_json();
            fields.as_object_mut().unwrap().remove("id");
            let before = cells().count().await?;
            load(db, fields).await?;
            assert_eq!(cells().count().await?, before + 1);
            cells().order_by(Cell::id.desc()).first().await?.unwrap().id
        }
        "handler of create" => {
            let _handler = setting(column, value);
            cells().create(Cell::default()).await?.id
        }
        "handler of bulk_create" => {
            let value = value.clone();
            let handler = aksara::signals::pre_bulk_create::<Cell>().connect(move |event| {
                event.instances.iter_mut().for_each(|cell| put(cell, column, &value));
                Box::pin(async { Ok(()) })
            });
            let _handler = handler.scoped();
            cells().bulk_create(vec![Cell::default(); 2]).await?[0].id
        }
        other => panic!("{other}"),
    })
}

/// Writes by a way that changes a row.
async fn change(
    db: &Db,
    way: &str,
    mut row: Instance<Cell>,
    column: &'static str,
    value: &Value,
) -> Result<(), Error> {
    let same = Cell::objects(db).filter(Cell::id.eq(row.id));
    match way {
        "save of a row" => {
            put(&mut row, column, value);
            row.save(db).await
        }
        "save_fields" => {
            put(&mut row, column, value);
            row.save_fields(db, &[column]).await
        }
        "bulk_update" => {
            put(&mut row, column, value);
            let other = Cell::objects(db).create(Cell::default()).await?;
            Cell::objects(db).bulk_update(&mut vec![row, other], &[column]).await.map(drop)
        }
        "update" => same.update([assignment(column, value)]).await.map(drop),
        "update_or_create of a row" => same
            .update_or_create(|cell| *cell = Cell { id: cell.id, ..with(column, value) }, Cell::default)
            .await
            .map(drop),
        "fixture of a row" => {
            put(&mut row, column, value);
            load(db, row.to_json()).await
        }
        "handler of save" => {
            let _handler = setting(column, value);
            row.save(db).await
        }
        "handler of save_fields" => {
            let other = if column == "big" { "int" } else { "big" };
            let value = value.clone();
            let handler = pre_save::<Cell>().connect(move |mut event| {
                put(event.instance, column, &value);
                let added = event.update_fields.as_mut().map(|fields| fields.insert(column)).transpose();
                Box::pin(async move {
                    added?;
                    Ok(())
                })
            });
            let _handler = handler.scoped();
            row.save_fields(db, &[other]).await
        }
        STATEMENT => {
            let places = if db.backend() == Backend::Postgres { ["$1", "$2"] } else { ["?", "?"] };
            let quote = if db.backend() == Backend::MySql { '`' } else { '"' };
            let set = format!("{quote}{column}{quote} = {}", places[0]);
            let sql = format!("UPDATE ways_cell SET {set} WHERE id = {}", places[1]);
            db.execute_raw(&sql, vec![value.clone(), row.id.into()]).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

fn setting(column: &'static str, value: &Value) -> aksara::signals::ScopedConnection {
    let value = value.clone();
    let handler = pre_save::<Cell>().connect(move |event| {
        put(event.instance, column, &value);
        Box::pin(async { Ok(()) })
    });
    handler.scoped()
}

async fn load(db: &Db, fields: Json) -> Result<(), Error> {
    db.load_fixtures(&json!([{ "model": "ways.Cell", "fields": fields }]).to_string()).await.map(drop)
}

/// Whether the error says, before any SQL, that this column cannot hold the value.
fn is_refusal(error: &Error, column: &str) -> bool {
    match error {
        Error::Validation(errors) => errors.model == "ways.Cell" && errors.fields.keys().eq([column]),
        Error::Fixture { reason, .. } => reason.contains(&format!("`ways.Cell.{column}`")),
        _ => false,
    }
}

/// Whether the value is read as it was written, as exactly as this database keeps times.
fn is_same(backend: Backend, written: &Value, read: &Value) -> bool {
    match (backend, written) {
        (Backend::Postgres | Backend::MySql, Value::ChronoDateTimeUtc(Some(time))) => {
            *read == Value::ChronoDateTimeUtc(Some(time.trunc_subsecs(6)))
        }
        _ => read == written,
    }
}

/// A value on its way through one column, and what is wrong with that.
struct Check<'a> {
    test: &'a TestDb,
    column: &'static str,
    value: &'a Value,
    storable: bool,
    problems: Vec<String>,
}

impl Check<'_> {
    /// Writes the value by all ways and reads it by all ways. Returns what is wrong.
    async fn run(mut self) -> Vec<String> {
        let keys = self.write().await;
        if !keys.is_empty() {
            self.read(&keys).await;
        }
        self.problems
    }

    fn wrong(&mut self, way: &str, problem: &str) {
        let value = format!("{:?}", self.value);
        self.problems.push(format!("`{}` = {value:.120}, by {way}: {problem:.300}", self.column));
    }

    fn told(&mut self, way: &str, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) if !self.storable => self.wrong(way, "is taken"),
            Err(error) if self.storable || !is_refusal(&error, self.column) => {
                self.wrong(way, &error.to_string());
            }
            _ => {}
        }
    }

    /// Writes the value by each way. Returns the keys of the rows that have it, with the way.
    async fn write(&mut self) -> BTreeMap<i64, &'static str> {
        let (db, column, value) = (&self.test.db, self.column, self.value);
        let mut keys = BTreeMap::new();
        for way in INSERTING {
            let before = Cell::objects(db).count().await.unwrap();
            let inserted = insert(db, way, column, value).await;
            match &inserted {
                Ok(key) => assert!(keys.insert(*key, *way).is_none()),
                Err(_) => assert_eq!(Cell::objects(db).count().await.unwrap(), before, "{way}"),
            }
            self.told(way, inserted.map(drop));
        }
        let storable = self.storable;
        for way in CHANGING.iter().filter(|way| storable || **way != STATEMENT) {
            let blank = Cell::objects(db).create(Cell::default()).await.unwrap();
            let key = blank.id;
            let changed = change(db, way, blank.clone(), column, value).await;
            match &changed {
                Ok(()) => assert!(keys.insert(key, *way).is_none()),
                Err(_) => assert_eq!(*Cell::objects(db).get(key).await.unwrap(), *blank, "{way}"),
            }
            self.told(way, changed);
        }
        keys
    }

    /// Reads these rows by each way.
    async fn read(&mut self, keys: &BTreeMap<i64, &'static str>) {
        let (db, column, value) = (&self.test.db, self.column, self.value);
        let among = || Cell::objects(db).filter(Cell::id.is_in(keys.keys().copied()));
        let rows = || among().order_by(Cell::id.asc());
        let all = match rows().all().await {
            Ok(all) => all,
            Err(error) => return self.wrong("all", &error.to_string()),
        };
        assert_eq!(all.len(), keys.len());
        for row in &all {
            let read = of(row, column);
            // Nothing but this value is changed.
            let others = Cell { id: row.id, ..with(column, &read) };
            if !is_same(self.test.backend(), value, &read) || others != **row {
                self.wrong(keys[&row.id], &format!("is read as {read:?}"));
            }
        }
        let first = Cell::objects(db).get(all[0].id).await.unwrap();
        let streamed: Vec<_> = among().stream(4).unwrap().try_collect().await.unwrap();
        assert!(*first == *all[0] && streamed.iter().map(|row| &**row).eq(all.iter().map(|row| &**row)));
        let values = all.iter().map(|row| of(row, column)).collect::<Vec<_>>();
        if alone(rows(), column).await.unwrap() != values {
            self.wrong("values", "is read as something else");
        }
        let found = rows().filter(equal(column, value)).values(Cell::id).await;
        let found = found.unwrap_or_else(|error| panic!("{value:?}: {error}"));
        for (_, way) in keys.iter().filter(|(key, _)| !found.contains(key)) {
            self.wrong(way, "is not found again");
        }
    }
}

fn maybe(column: &str) -> &'static str {
    COLUMNS.iter().find(|(name, _)| *name == column).unwrap().1
}

#[tokio::test]
async fn what_is_written_is_refused_before_the_sql_or_read_back_equal_by_every_way() {
    let test = TestDb::with::<(Cell,)>().await;
    Cell::objects(&test.db).create(Cell::default()).await.unwrap();
    let mut cases = cases::cases(test.backend());
    let mut random = Random::new(20_261_125);
    (0..4).for_each(|_| cases.extend(cases::random(&mut random, test.backend())));
    let nulls = COLUMNS.iter().map(|(_, maybe)| (*maybe, of(&Cell::default().instance(), maybe), true));
    let optional: Vec<_> = cases
        .iter()
        .map(|(column, value, storable)| (maybe(column), value.clone(), *storable))
        // JSON has one null, which is that of the column where it may have one.
        .filter(|(_, value, _)| !matches!(value, Value::Json(Some(json)) if json.is_null()))
        .chain(nulls)
        .collect();
    let mut problems = Vec::new();
    for (column, value, storable) in cases.into_iter().chain(optional) {
        let check = Check { test: &test, column, value: &value, storable, problems: Vec::new() };
        problems.extend(check.run().await);
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
