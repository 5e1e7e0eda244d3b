//! `check_tables` lists each difference between a model and its table, with the statements that resolve it.

use aksara::prelude::*;
use aksara::{Backend, Difference, Error};
use aksara_tests::TestDb;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
#[model(label = "check.Author", table = "check_author")]
struct Author {
    #[field(primary_key)]
    id: i64,
    name: String,
    /// They point at each other.
    favourite: Option<Fk<Book>>,
}

#[derive(Model, Clone, Debug)]
#[model(label = "check.Book", table = "check_book", unique(title, pages))]
struct Book {
    #[field(primary_key)]
    id: i32,
    #[field(max_length = 50, unique)]
    title: String,
    #[field(index)]
    pages: i64,
    note: Option<String>,
    author: Option<Fk<Author>>,
    readers: ManyToMany<Author>,
}

/// A field of each type.
#[derive(Model, Clone, Debug)]
#[model(label = "check.Everything", table = "check_everything")]
struct Everything {
    #[field(primary_key)]
    id: Uuid,
    small: i16,
    medium: i32,
    big: i64,
    single: f32,
    double: f64,
    flag: bool,
    text: String,
    price: Decimal,
    uuid: Uuid,
    at: DateTime<Utc>,
    day: NaiveDate,
    json: serde_json::Value,
    bytes: Vec<u8>,
}

#[derive(Model, Clone, Debug)]
#[model(label = "check.Given", table = "check_given")]
struct Given {
    #[field(primary_key)]
    code: String,
    book: Fk<Book>,
}

type All = (Author, Book, Everything, Given);

async fn differences(db: &Db) -> Vec<Difference> {
    match db.check_tables::<All>().await {
        Ok(()) => Vec::new(),
        Err(Error::Schema { differences }) => differences,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn tables_that_are_made_from_models_do_not_differ_from_them() {
    let test = TestDb::with::<All>().await;
    test.db.check_tables::<All>().await.unwrap();
}

/// What was done to a table; on which databases, all for none; what is said of it; whether the table can be altered.
struct Change {
    sql: &'static [&'static str],
    on: &'static [Backend],
    said: &'static str,
    resolved_on: &'static [Backend],
}

const ALL: &[Backend] = &[Backend::Sqlite, Backend::Postgres, Backend::MySql];
const SERVERS: &[Backend] = &[Backend::Postgres, Backend::MySql];
const POSTGRES: &[Backend] = &[Backend::Postgres];
const MYSQL: &[Backend] = &[Backend::MySql];

/// SQL is PostgreSQL's; `"` becomes MySQL's quote.
const CHANGES: &[Change] = &[
    Change {
        sql: &["DROP TABLE check_everything"],
        on: ALL,
        said: "there is no table `check_everything`",
        resolved_on: ALL,
    },
    Change {
        sql: &["DROP TABLE check_book_readers"],
        on: ALL,
        said: "for the relation `check.Book.readers`",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book DROP COLUMN note"],
        on: ALL,
        said: "has no column `note`",
        resolved_on: ALL,
    },
    Change { sql: &["ALTER TABLE check_book ADD COLUMN extra INTEGER"], on: ALL, said: "", resolved_on: ALL },
    Change {
        sql: &["ALTER TABLE check_book ADD COLUMN extra INTEGER NOT NULL DEFAULT 1"],
        on: ALL,
        said: "",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_author RENAME COLUMN name TO title"],
        on: ALL,
        said: "has no column `name`",
        resolved_on: SERVERS,
    },
    Change {
        sql: &[
            "ALTER TABLE check_book ADD COLUMN extra INTEGER NOT NULL DEFAULT 1",
            "ALTER TABLE check_book ALTER COLUMN extra DROP DEFAULT",
        ],
        on: SERVERS,
        said: "a column `extra`, which the model does not fill",
        resolved_on: SERVERS,
    },
    Change {
        sql: &["CREATE UNIQUE INDEX alone ON check_book (pages)"],
        on: ALL,
        said: "does not let two rows agree in `pages`",
        resolved_on: ALL,
    },
    Change {
        sql: &["CREATE INDEX other ON check_book (note(10), pages)"],
        on: MYSQL,
        said: "",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book ALTER COLUMN pages TYPE int"],
        on: POSTGRES,
        said: "`pages` is `int4`, and the field is a 64-bit integer",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book ALTER COLUMN id TYPE bigint"],
        on: POSTGRES,
        said: "`id` is `int8`",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book ALTER COLUMN title TYPE varchar(20)"],
        on: POSTGRES,
        said: "text of up to 50 characters",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book ALTER COLUMN title TYPE text"],
        on: POSTGRES,
        said: "",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book ALTER COLUMN title DROP NOT NULL"],
        on: POSTGRES,
        said: "`title` may be null, and the field may not",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_author ALTER COLUMN favourite_id SET NOT NULL"],
        on: POSTGRES,
        said: "`favourite_id` may not be null, and the field may",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_everything ALTER COLUMN price TYPE numeric(12, 2)"],
        on: POSTGRES,
        said: "`price` is `numeric",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_everything ALTER COLUMN at TYPE timestamp"],
        on: POSTGRES,
        said: "`at` is `timestamp`",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_everything ALTER COLUMN uuid TYPE char(36)"],
        on: POSTGRES,
        said: "`uuid` is `bpchar(36)`",
        resolved_on: ALL,
    },
    Change {
        sql: &[
            "ALTER TABLE check_book ALTER COLUMN id DROP IDENTITY IF EXISTS",
            "ALTER TABLE check_book ALTER COLUMN id DROP DEFAULT",
        ],
        on: POSTGRES,
        said: "does not count the key `id`",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_given DROP CONSTRAINT check_given_pkey"],
        on: POSTGRES,
        said: "`code` is not the primary key",
        resolved_on: &[],
    },
    Change {
        sql: &["ALTER TABLE check_book MODIFY pages INT NOT NULL"],
        on: MYSQL,
        said: "`pages` is `int",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book MODIFY pages BIGINT UNSIGNED NOT NULL"],
        on: MYSQL,
        said: "unsigned",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book MODIFY title VARCHAR(20) NOT NULL"],
        on: MYSQL,
        said: "`title` is `varchar(20)`",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book MODIFY title VARCHAR(50) NULL"],
        on: MYSQL,
        said: "`title` may be null",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_book MODIFY note TEXT NULL"],
        on: MYSQL,
        said: "`note` is `text`",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_everything MODIFY price DECIMAL(12, 2) NOT NULL"],
        on: MYSQL,
        said: "`price` is `decimal(12,2)`",
        resolved_on: ALL,
    },
    Change {
        sql: &["ALTER TABLE check_everything MODIFY at DATETIME NOT NULL"],
        on: MYSQL,
        said: "`at` is `datetime`",
        resolved_on: ALL,
    },
];

#[tokio::test]
async fn each_difference_is_listed_and_its_statements_resolve_it() {
    for change in CHANGES {
        let test = TestDb::with::<All>().await;
        let db = &test.db;
        if !change.on.contains(&db.backend()) {
            continue;
        }
        let author = Author { name: "Ada".into(), ..Author::default() };
        let author = Author::objects(db).create(author).await.unwrap();
        let row = Book { title: "One".into(), pages: 7, ..Book::default() };
        let book = Book::objects(db).create(Book { author: Some((&author).into()), ..row }).await.unwrap();
        Book::readers.of(db, &book).add([&author]).await.unwrap();
        if change.sql[0].contains("favourite_id SET") {
            let all = Author::objects(db);
            all.update([Author::favourite.set(book.id)]).await.unwrap();
        }
        for sql in change.sql {
            // Tables that others point to cannot be dropped, and a column of an index cannot on SQLite.
            db.execute_raw(sql, vec![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        let found = differences(db).await;
        let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
        let said = texts.iter().any(|text| text.contains(change.said));
        assert!(if change.said.is_empty() { found.is_empty() } else { said }, "{:?}: {texts:#?}", change.sql);
        let is_altered = found.iter().all(|difference| !difference.statements.is_empty());
        let is_expected = change.resolved_on.contains(&db.backend());
        assert_eq!(is_altered, is_expected, "{:?}: {texts:#?}", change.sql);
        if !is_altered {
            continue;
        }
        for sql in found.iter().flat_map(|difference| &difference.statements) {
            db.execute_raw(sql, vec![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        assert_eq!(differences(db).await, [], "{:?}", change.sql);
        assert_eq!(Author::objects(db).all().await.unwrap().len(), 1);
        assert_eq!(Book::objects(db).get(book.id).await.unwrap().title, "One");
        Book::objects(db).create(Book { title: "Two".into(), pages: 7, ..Book::default() }).await.unwrap();
        assert!(Everything::objects(db).all().await.unwrap().is_empty());
    }
}

/// A table as it was before its model got further fields, with a row in it.
#[derive(Model, Clone, Debug)]
#[model(label = "check.Grown", table = "check_grown")]
struct Grown {
    #[field(primary_key)]
    id: i64,
    small: i16,
    double: f64,
    flag: bool,
    #[field(max_length = 20)]
    short: String,
    text: String,
    maybe: Option<String>,
    price: Decimal,
    uuid: Uuid,
    at: DateTime<Utc>,
    day: NaiveDate,
    json: serde_json::Value,
    bytes: Vec<u8>,
    other: Option<Fk<Author>>,
}

#[tokio::test]
async fn a_model_that_has_grown_finds_its_columns_added_with_the_values_of_a_new_instance() {
    let test = TestDb::with::<(Author, Book)>().await;
    let db = &test.db;
    let key = match db.backend() {
        Backend::Sqlite => "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
        Backend::Postgres => "BIGSERIAL PRIMARY KEY",
        Backend::MySql => "BIGINT AUTO_INCREMENT PRIMARY KEY",
    };
    db.execute_raw(&format!("CREATE TABLE check_grown (id {key}, small SMALLINT NOT NULL)"), vec![])
        .await
        .unwrap();
    db.execute_raw("INSERT INTO check_grown (small) VALUES (7)", vec![]).await.unwrap();
    let error = db.check_tables::<(Grown,)>().await.unwrap_err();
    let Error::Schema { differences } = &error else { panic!("{error}") };
    let columns: Vec<_> = differences.iter().filter_map(|difference| difference.column.as_deref()).collect();
    for field in &Grown::meta().fields[2..] {
        assert!(columns.contains(&field.name), "`{}`: {error}", field.name);
    }
    for sql in differences.iter().flat_map(|difference| &difference.statements) {
        db.execute_raw(sql, vec![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    db.check_tables::<(Grown,)>().await.unwrap();
    let row = Grown::objects(db).first().await.unwrap().unwrap();
    let expected = Instance::new(Grown { id: row.id, small: 7, ..Grown::default() });
    assert_eq!(row.to_json(), expected.to_json());
    Grown::objects(db).create(Grown::default()).await.unwrap();
}

#[tokio::test]
async fn the_error_is_a_list_that_a_reader_can_act_on() {
    let test = TestDb::with::<(Author, Book)>().await;
    let db = &test.db;
    db.execute_raw("ALTER TABLE check_book DROP COLUMN note", vec![]).await.unwrap();
    db.execute_raw("CREATE UNIQUE INDEX alone ON check_book (pages)", vec![]).await.unwrap();
    let error = db.check_tables::<(Author, Book, Given)>().await.unwrap_err();
    insta::assert_snapshot!(format!("the_list_on_{}", db.backend().name()), error.to_string());
}
