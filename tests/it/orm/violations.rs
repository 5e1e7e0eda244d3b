//! Violated constraints name kind, model, constraint and fields, by every way of writing, on each database.

use aksara::prelude::*;
use aksara::signals::pre_save;
use aksara::{Backend, Constraint, Error, Violation};
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

struct Case {
    what: &'static str,
    outcome: Result<(), Error>,
    kind: Constraint,
    model: &'static str,
    fields: &'static [&'static str],
}

fn ok<T>(result: Result<T, Error>) -> Result<(), Error> {
    result.map(drop)
}

async fn cases(db: &Db) -> Vec<Case> {
    use Constraint::{Check, ForeignKey, NotNull, Unique};
    let (items, others) = (|| Item::objects(db), || Checked::objects(db));
    let mut stored = Item::objects(db).filter(Item::code.eq("b")).first().await.unwrap().unwrap();
    let before = stored.clone();
    let mut cases = Vec::new();
    let mut case =
        |what, outcome, kind, model, fields| cases.push(Case { what, outcome, kind, model, fields });
    let (a_item, a_check) = ("violations.Item", "violations.Checked");

    case("create, twice", ok(items().create(twice("a")).await), Unique, a_item, &["code"]);
    let again = Item { code: "c".into(), ..item("a", 1) };
    case("create, two fields", ok(items().create(again).await), Unique, a_item, &["owner_id", "title"]);
    let key = Item { id: stored.id, ..item("d", 1) };
    let forced = aksara::SaveOptions { force_insert: true, ..Default::default() };
    case("key", Instance::new(key).save_with(db, forced).await, Unique, a_item, &["id"]);
    case("create, nowhere", ok(items().create(item("e", 99)).await), ForeignKey, a_item, &["owner_id"]);
    let keeper = Item { keeper: Some(Fk::new(99)), ..item("e", 1) };
    case("create, nullable", ok(items().create(keeper.clone()).await), ForeignKey, a_item, &["keeper_id"]);
    case(
        "bulk_create, twice",
        ok(items().bulk_create(vec![item("f", 1), twice("a")]).await),
        Unique,
        a_item,
        &["code"],
    );
    case(
        "bulk_create, nowhere",
        ok(items().bulk_create(vec![item("f", 1), keeper]).await),
        ForeignKey,
        a_item,
        &["keeper_id"],
    );

    stored.code = "a".into();
    case("save", stored.save(db).await, Unique, a_item, &["code"]);
    stored.code = "b".into();
    stored.owner = Fk::new(99);
    case("save, nowhere", stored.save(db).await, ForeignKey, a_item, &["owner_id"]);
    case("save_fields", stored.save_fields(db, &["owner_id"]).await, ForeignKey, a_item, &["owner_id"]);
    let mut several = vec![stored.clone()];
    case(
        "bulk_update",
        ok(items().bulk_update(&mut several, &["owner_id"]).await),
        ForeignKey,
        a_item,
        &["owner_id"],
    );
    let mut stored = before;
    let of_b = Item::objects(db).filter(Item::code.eq("b"));
    case("update", ok(of_b.clone().update([Item::code.set("a")]).await), Unique, a_item, &["code"]);
    case("update, nowhere", ok(of_b.update([Item::owner.set(99)]).await), ForeignKey, a_item, &["owner_id"]);
    case(
        "add",
        ok(Item::owners.of(db, &stored).add([99]).await),
        ForeignKey,
        "violations.Item.owners",
        &["owner_id"],
    );
    let mut owner = Owner::objects(db).get(1).await.unwrap();
    case("delete", ok(owner.delete(db).await), ForeignKey, a_item, &["owner_id"]);
    case("delete of a query", ok(Owner::objects(db).delete().await), ForeignKey, a_item, &["owner_id"]);

    case("check", ok(others().create(checked(100, 1, Some("x"))).await), Check, a_check, &["size", "note"]);
    case("check of a column", ok(others().create(checked(1, 0, Some("x"))).await), Check, a_check, &["top"]);
    case("null", ok(others().create(checked(1, 1, None)).await), NotNull, a_check, &["note"]);
    let small = Checked::objects(db).filter(Checked::size.eq(1));
    case(
        "update, check",
        ok(small.clone().update([Checked::size.set(500)]).await),
        Check,
        a_check,
        &["size", "note"],
    );
    case("update, null", ok(small.update([Checked::note.set_null()]).await), NotNull, a_check, &["note"]);
    case(
        "index by hand",
        ok(others().create(checked(1, 1, Some("y"))).await),
        Unique,
        a_check,
        &["top", "size"],
    );
    let raw = "UPDATE checked_by_others SET top = -1";
    case("raw, check", ok(db.execute_raw(raw, vec![]).await), Check, a_check, &["top"]);
    let raw = "UPDATE checked_by_others SET note = NULL";
    // MySQL tells the column alone.
    let of_whom = if db.backend() == Backend::MySql { "" } else { a_check };
    case("raw, null", ok(db.execute_raw(raw, vec![]).await), NotNull, of_whom, &["note"]);
    cases
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

fn check(cases: Vec<Case>, how: &str) {
    for Case { what, outcome, kind, model, fields } in cases {
        let error = outcome.expect_err(what);
        let violation = error.violation().unwrap_or_else(|| panic!("{how}: {what}: {error}"));
        let Violation { kind: found, model: of, fields: about, .. } = violation;
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        assert_eq!((found, of, &*about), (kind, model, fields), "{how}: {what}: {error}");
    }
}

#[tokio::test]
async fn a_violation_names_kind_model_and_fields_by_every_way_of_writing() {
    let test = database().await;
    check(cases(&test.db).await, "outside");
    let inside = test.db.transaction(async |tx| Ok::<_, Error>(cases(&tx).await)).await.unwrap();
    check(inside, "in a transaction");
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
    assert_eq!(error.violation().unwrap().fields, ["code"]);
    let nowhere = Item::objects(db).create(item("z", 99)).await.unwrap_err();
    assert!(nowhere.is_foreign_key_violation() && !nowhere.is_unique_violation(), "{nowhere}");
    assert!(Checked::objects(db).create(checked(100, 1, Some("x"))).await.unwrap_err().is_check_violation());
    assert!(Checked::objects(db).create(checked(1, 1, None)).await.unwrap_err().is_not_null_violation());
    assert!(Owner::objects(db).get(99).await.unwrap_err().violation().is_none());
}
