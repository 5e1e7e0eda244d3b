//! Violated constraints name kind, model, constraint and fields, by every way of writing, on each database.

use aksara::prelude::*;
use aksara::signals::pre_save;
use aksara::{Backend, Error, Violation};
use aksara_tests::TestDb;

#[derive(Model, Clone, Debug)]
#[model(label = "violations.Owner")]
struct Owner {
    #[field(primary_key)]
    id: i64,
    name: String,
}

/// Its saves are heard.
#[derive(Model, Clone, Debug)]
#[model(label = "violations.Heard")]
struct Heard {
    #[field(primary_key)]
    id: i64,
}

#[derive(Model, Clone, Debug)]
#[model(label = "violations.Item", unique(owner, title))]
struct Item {
    #[field(primary_key)]
    id: i64,
    #[field(unique)]
    code: String,
    title: String,
    #[field(on_delete = "do_nothing")]
    owner: Fk<Owner>,
    #[field(on_delete = "do_nothing")]
    keeper: Option<Fk<Owner>>,
    owners: ManyToMany<Owner>,
}

/// Its table is another program's: see [`CHECKED`].
#[derive(Model, Clone, Debug)]
#[model(label = "violations.Checked", table = "checked_by_others")]
struct Checked {
    #[field(primary_key)]
    id: i64,
    size: i32,
    top: i32,
    note: Option<String>,
}

const CHECKED: &str = "(size INTEGER NOT NULL, top INTEGER NOT NULL CHECK (top > 0), note VARCHAR(50) NOT NULL, \
                       CONSTRAINT is_small CHECK (size < 100 AND note <> 'top'))";

fn item(code: &str, owner: i64) -> Item {
    Item { code: code.into(), title: code.into(), owner: Fk::new(owner), ..Item::default() }
}

/// Has a code that is taken, but a title that is not.
fn twice(code: &str) -> Item {
    Item { title: "twice".into(), ..item(code, 1) }
}

fn checked(size: i32, top: i32, note: Option<&str>) -> Checked {
    Checked { size, top, note: note.map(str::to_owned), ..Checked::default() }
}

/// What an error says of its constraint.
fn told<T>(outcome: Result<T, Error>) -> String {
    let Err(error) = outcome else { return "no error".to_owned() };
    match error.violation() {
        Some(Violation { kind, model, fields, .. }) => format!("{kind:?} {model} {}", fields.join(",")),
        None => error.to_string(),
    }
}

/// What is done, what its error says, and what it has to say.
type Cases = Vec<(&'static str, String, &'static str)>;

const CODE: &str = "Unique violations.Item code";
const OWNER: &str = "ForeignKey violations.Item owner_id";
const KEEPER: &str = "ForeignKey violations.Item keeper_id";

async fn inserts(db: &Db) -> Cases {
    let items = || Item::objects(db);
    let of_two = Item { code: "c".into(), ..item("a", 1) };
    let keeper = Item { keeper: Some(Fk::new(99)), ..item("e", 1) };
    let stored = items().filter(Item::code.eq("b")).first().await.unwrap().unwrap();
    let key = Item { id: stored.id, ..item("d", 1) };
    let forced = aksara::SaveOptions { force_insert: true, ..Default::default() };
    vec![
        ("create", told(items().create(twice("a")).await), CODE),
        ("two fields", told(items().create(of_two).await), "Unique violations.Item owner_id,title"),
        ("key", told(Instance::new(key).save_with(db, forced).await), "Unique violations.Item id"),
        ("nowhere", told(items().create(item("e", 99)).await), OWNER),
        ("nowhere, nullable", told(items().create(keeper.clone()).await), KEEPER),
        ("bulk_create", told(items().bulk_create(vec![item("f", 1), twice("a")]).await), CODE),
        ("bulk_create, nowhere", told(items().bulk_create(vec![item("f", 1), keeper]).await), KEEPER),
    ]
}

async fn changes(db: &Db) -> Cases {
    let of_b = Item::objects(db).filter(Item::code.eq("b"));
    let mut taken = of_b.clone().first().await.unwrap().unwrap();
    let stored = taken.clone();
    let mut nowhere = taken.clone();
    taken.code = "a".into();
    nowhere.owner = Fk::new(99);
    let mut several = vec![nowhere.clone()];
    let mut owner = Owner::objects(db).get(1).await.unwrap();
    let add = Item::owners.of(db, &stored).add([99]).await;
    vec![
        ("save", told(taken.save(db).await), CODE),
        ("save, nowhere", told(nowhere.save(db).await), OWNER),
        ("save_fields", told(nowhere.save_fields(db, &["owner_id"]).await), OWNER),
        ("bulk_update", told(Item::objects(db).bulk_update(&mut several, &["owner_id"]).await), OWNER),
        ("update", told(of_b.clone().update([Item::code.set("a")]).await), CODE),
        ("update, nowhere", told(of_b.update([Item::owner.set(99)]).await), OWNER),
        ("add", told(add), "ForeignKey violations.Item.owners owner_id"),
        ("delete", told(owner.delete(db).await), OWNER),
        ("delete of a query", told(Owner::objects(db).delete().await), OWNER),
    ]
}

async fn of_others(db: &Db) -> Cases {
    const SIZE: &str = "Check violations.Checked size,note";
    const TOP: &str = "Check violations.Checked top";
    const NULL: &str = "NotNull violations.Checked note";
    let create = async |row| told(Checked::objects(db).create(row).await);
    let small = Checked::objects(db).filter(Checked::size.eq(1));
    let raw = async |sql| told(db.execute_raw(sql, vec![]).await);
    // MySQL tells the column of a null alone.
    let raw_null = if db.backend() == Backend::MySql { "NotNull  note" } else { NULL };
    vec![
        ("check", create(checked(100, 1, Some("x"))).await, SIZE),
        ("check of a column", create(checked(1, 0, Some("x"))).await, TOP),
        ("null", create(checked(1, 1, None)).await, NULL),
        ("index", create(checked(1, 1, Some("y"))).await, "Unique violations.Checked top,size"),
        ("update, check", told(small.clone().update([Checked::size.set(500)]).await), SIZE),
        ("update, null", told(small.update([Checked::note.set_null()]).await), NULL),
        ("raw, check", raw("UPDATE checked_by_others SET top = -1").await, TOP),
        ("raw, null", raw("UPDATE checked_by_others SET note = NULL").await, raw_null),
    ]
}

async fn check(db: &Db, how: &str) {
    for cases in [inserts(db).await, changes(db).await, of_others(db).await] {
        for (what, told, expected) in cases {
            assert_eq!(told, expected, "{how}: {what}");
        }
    }
}

async fn database() -> TestDb {
    let test = TestDb::with::<(Owner, Item, Heard)>().await;
    let db = &test.db;
    let key = match db.backend() {
        Backend::Sqlite => "id INTEGER PRIMARY KEY",
        Backend::Postgres => "id BIGSERIAL PRIMARY KEY",
        Backend::MySql => "id BIGINT AUTO_INCREMENT PRIMARY KEY",
    };
    let table = CHECKED.replacen('(', &format!("({key}, "), 1);
    for sql in [
        format!("CREATE TABLE checked_by_others {table}"),
        "CREATE UNIQUE INDEX made_by_hand ON checked_by_others (top, size)".to_owned(),
    ] {
        db.execute_raw(&sql, vec![]).await.unwrap();
    }
    Owner::objects(db).create(Owner { id: 1, name: "Ada".into() }).await.unwrap();
    Item::objects(db).bulk_create(vec![item("a", 1), item("b", 1)]).await.unwrap();
    Checked::objects(db).create(checked(1, 1, Some("x"))).await.unwrap();
    test
}

#[tokio::test]
async fn a_violation_names_kind_model_and_fields_by_every_way_of_writing() {
    let test = database().await;
    check(&test.db, "outside").await;
    let inside = async |tx: Db| {
        check(&tx, "in a transaction").await;
        Ok::<_, Error>(())
    };
    test.db.transaction(inside).await.unwrap();
}

#[tokio::test]
async fn the_names_of_our_constraints_are_the_same_on_each_database() {
    let test = database().await;
    let db = &test.db;
    let mut names = Vec::new();
    let of_two = Item { code: "c".into(), ..item("a", 1) };
    for outcome in [
        Item::objects(db).create(twice("a")).await,
        Item::objects(db).create(of_two).await,
        Item::objects(db).create(item("z", 99)).await,
    ] {
        let error = outcome.unwrap_err();
        let violation = error.violation().unwrap();
        names.push(format!("{:?} {}", violation.kind, violation.constraint.unwrap_or("none")));
    }
    let error = Checked::objects(db).create(checked(100, 1, Some("x"))).await.unwrap_err();
    names.push(error.violation().unwrap().constraint.unwrap_or("none").to_owned());
    insta::assert_snapshot!(names.join("\n"));
}

#[tokio::test]
async fn predicates_tell_the_kind_also_through_a_handler() {
    let test = database().await;
    let db = &test.db;
    let _saves = pre_save::<Heard>().connect(|event| {
        Box::pin(async move {
            Item::objects(event.db).create(twice("a")).await?;
            Ok(())
        })
    });
    let error = Heard::objects(db).create(Heard::default()).await.unwrap_err();
    assert!(matches!(error, Error::Handler { .. }), "{error:?}");
    assert!(error.is_unique_violation() && !error.is_check_violation(), "{error}");
    assert_eq!(told(Err::<(), _>(error)), CODE);
    let nowhere = Item::objects(db).create(item("z", 99)).await.unwrap_err();
    assert!(nowhere.is_foreign_key_violation() && !nowhere.is_unique_violation(), "{nowhere}");
    assert!(Checked::objects(db).create(checked(100, 1, Some("x"))).await.unwrap_err().is_check_violation());
    assert!(Checked::objects(db).create(checked(1, 1, None)).await.unwrap_err().is_not_null_violation());
    assert!(Owner::objects(db).get(99).await.unwrap_err().violation().is_none());
}
