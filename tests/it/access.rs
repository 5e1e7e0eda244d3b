//! `plugins.md`, grants: what a plugin may see and change is one rule for events, requests, signals and errors.

use aksara::prelude::*;
use aksara::signals::Signal;
use aksara::{Backend, Limits, Plugins, PluginsOptions, open_plugins};
use aksara_tests::{TestDb, javascript_runner, plugin};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
struct Member {
    #[field(primary_key)]
    id: i64,
    #[field(unique)]
    name: String,
    #[field(unique, max_length = 8)]
    secret: Option<String>,
    tenant: i64,
    circles: ManyToMany<Circle>,
}

#[derive(Model, Clone, Debug)]
struct Circle {
    #[field(primary_key)]
    id: i64,
}

#[derive(Model, Clone, Debug)]
struct Ask {
    #[field(primary_key)]
    id: i64,
    what: String,
    answer: Option<String>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Nothing {}

static SENT: Signal<Nothing> = Signal::new("access.sent");

const SCRIPT: &str = r#"
plugin({ grants: { models: { Member: ["get", "find", "count", "create", "update", "delete"], Ask: ["create"] }, signals: ["access.sent"] } });

const members = models("Member");
const sent = new Signal("access.sent");
const attempts = {
  "get": () => members.get(1),
  "get a field": () => members.get(1, "secret"),
  "find": () => members.filter({ name: "Ann" }).all(),
  "find a field": () => members.rows().fields("secret").all(),
  "find by a field": () => members.filter(F("secret").startsWith("h")).all(),
  "find by one inside": () => members.filter(not(or(F("name").eq("x"), and(F("tenant").gt(1))))).all(),
  "order": () => members.orderBy("-secret").all(),
  "count": () => members.filter(F("secret").in(["hunter2"])).count(),
  "count all": () => members.count(),
  "create": () => Object.keys(members.create({ name: "Eve" })).sort(),
  "create with a field": () => members.create({ name: "Eve", tenant: 1 }),
  "create one that is there": () => members.create({ name: "Ann" }),
  "update": () => members.update(1, { name: "Ann" }),
  "update a field": () => members.update(1, { tenant: 7 }),
  "update rows": () => members.rows().update({ tenant: 7 }),
  "update by a field": () => members.filter(F("tenant").eq(1)).update({ name: "x" }),
  "compute": () => members.update(1, { tenant: F("tenant").add(1) }),
  "compute of a field": () => members.rows().update({ name: F("tenant").add(1) }),
  "move": () => members.update(1, { id: 9 }),
  "move rows": () => members.filter({ id: 1 }).update({ id: 9 }),
  "delete": () => members.filter(F("tenant").gt(0)).delete(),
  "send": () => sent.send({}, { sender: "Member", key: 1 }) ?? "sent",
  "no field": () => members.get(1, "nope"),
};
preSave("Ask", ({ instance }) => {
  if (instance.what.startsWith("seen: ")) return;
  try {
    instance.answer = JSON.stringify(attempts[instance.what]());
  } catch (error) {
    instance.answer = `refused: ${error.message}`;
  }
});
const look = ({ instance, changes }) => {
  const what = `seen: ${Object.keys(instance).sort()}; ${(changes ?? []).map(({ field }) => field).sort()}`;
  if (!("what" in instance)) models("Ask").create({ what });
};
sent.connect(look);
postSave("Member", look);
postSave(look, { name: "every" });
preSave(({ instance }) => { if ("name" in instance && instance.name === "Mallory") instance.tenant = 9; }, { name: "writes" });
m2mChanged("Member.circles", look);
"#;

const FIELDS: &str =
    "[plugins.reader]\nfields = { Member = { reads = [\"id\", \"name\"], writes = [\"name\"] } }\n";

/// A folder with this script and this policy; `None` where nothing runs scripts.
async fn serving(policy: &str, script: &str) -> Option<(Plugins, TempDir)> {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::write(folder.path().join("plugins/reader.js"), script).unwrap();
    std::fs::write(folder.path().join("plugins.toml"), policy).unwrap();
    let limits = Limits { deadline_ms: 2_000, ..Limits::default() };
    let options =
        PluginsOptions { limits, javascript: Some(javascript_runner()?), ..PluginsOptions::default() };
    Some((open_plugins(folder.path().join("plugins"), options).await.unwrap(), folder))
}

async fn database(plugins: &Plugins) -> TestDb {
    SENT.declare();
    let alias = Uuid::now_v7().to_string();
    let test = TestDb::opened::<(Circle, Member, Ask)>(|options| options.plugins(plugins).alias(alias)).await;
    for (name, secret, tenant) in [("Ann", "hunter2", 1), ("Bob", "hunter3", 2)] {
        let member = Member { name: name.into(), secret: Some(secret.into()), tenant, ..Member::default() };
        Member::objects(&test.db).create(member).await.unwrap();
    }
    test
}

async fn answer(test: &TestDb, what: &str) -> String {
    let asked = Ask::objects(&test.db).create(Ask { what: what.into(), ..Ask::default() }).await;
    asked.map_or_else(|error| error.to_string(), |asked| asked.answer.clone().unwrap_or_default())
}

#[tokio::test]
async fn fields_that_are_not_granted_are_neither_seen_nor_changed_in_any_way() {
    let Some((plugins, _folder)) = serving(FIELDS, SCRIPT).await else { return };
    assert_eq!(plugins.status()[0].failure, None);
    let test = database(&plugins).await;
    let see = |field: &str| {
        format!("refused: `Member.{field}` is not among the fields that `plugins.toml` lets this plugin see")
    };
    let change = |field: &str| {
        format!(
            "refused: `Member.{field}` is not among the fields that `plugins.toml` lets this plugin change"
        )
    };
    let key = "refused: `Member.id` is the primary key, which no update changes".to_owned();
    let cases = [
        ("get", r#"{"id":1,"name":"Ann"}"#.to_owned()),
        ("get a field", see("secret")),
        ("find", r#"[{"id":1,"name":"Ann"}]"#.to_owned()),
        ("find a field", see("secret")),
        ("find by a field", see("secret")),
        ("find by one inside", see("tenant")),
        ("order", see("secret")),
        ("count", see("secret")),
        ("count all", "2".to_owned()),
        ("create", r#"["id","name"]"#.to_owned()),
        ("create with a field", change("tenant")),
        ("create one that is there", "refused: unique constraint violated by `Member` in `name`".to_owned()),
        ("update", "1".to_owned()),
        ("update a field", change("tenant")),
        ("update rows", change("tenant")),
        ("update by a field", see("tenant")),
        ("compute", change("tenant")),
        ("compute of a field", see("tenant")),
        ("move", key.clone()),
        ("move rows", key),
        ("delete", see("tenant")),
        ("send", "\"sent\"".to_owned()),
        ("no field", see("nope")),
    ];
    for (what, expected) in cases {
        assert_eq!(answer(&test, what).await, expected, "{what}");
    }
    let stored = Member::objects(&test.db).get(1).await.unwrap();
    assert_eq!((stored.name.as_str(), stored.secret.as_deref(), stored.tenant), ("Ann", Some("hunter2"), 1));
    assert_eq!(Member::objects(&test.db).count().await.unwrap(), 3);
}

/// Events of a relation carry the instance that has it.
#[tokio::test]
async fn every_event_of_a_model_has_the_granted_fields_only() {
    let Some((plugins, _folder)) = serving(FIELDS, SCRIPT).await else { return };
    let test = database(&plugins).await;
    let mut member = Member::objects(&test.db).get(1).await.unwrap();
    member.tenant = 5;
    member.save(&test.db).await.unwrap();
    member.name = "Mallory".into();
    let error = member.save(&test.db).await.unwrap_err().to_string();
    assert!(error.contains("set `Member.tenant`, which is not in its `writes`"), "{error}");
    let circle = Circle::objects(&test.db).create(Circle::default()).await.unwrap();
    Member::circles.of(&test.db, &member).add([&circle]).await.unwrap();
    assert_eq!(answer(&test, "send").await, "\"sent\"");
    let rows = Ask::objects(&test.db).filter(Ask::what.starts_with("seen: "));
    let seen = rows.order_by(Ask::id.asc()).values(Ask::what).await.unwrap();
    // Two handlers of each of three saves, two events of the relation, and the signal for an instance.
    assert_eq!(seen.iter().filter(|line| line.contains("seen: id,name; ")).count(), 9, "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("tenant") || line.contains("secret")), "{seen:?}");
}

/// A signal for an instance reads it; errors name nothing that is hidden.
#[tokio::test]
async fn a_signal_for_an_instance_needs_the_grant_to_get_it() {
    let script = r#"
        plugin({ grants: { signals: ["access.sent"] } });
        const sent = new Signal("access.sent");
        preSave("Ask", ({ instance }) => {
          try { sent.send({}, { sender: "Member", key: Number(instance.what) }); } catch (error) { instance.answer = error.message; }
        });
    "#;
    let Some((plugins, _folder)) = serving("", script).await else { return };
    let test = database(&plugins).await;
    let (there, missing) = (answer(&test, "1").await, answer(&test, "1000").await);
    assert_eq!(there, missing);
    assert!(there.contains("`get` on the model `Member`, is not granted"), "{there}");
}

#[tokio::test]
async fn a_handler_that_cannot_be_kept_from_hidden_fields_is_refused() {
    let cases = [(
        "postSave('Member', () => {}, { when: { changed: ['secret'] } });",
        "it asks when `Member.secret` changes",
    )];
    for (script, expected) in cases {
        let Some((plugins, _folder)) = serving(FIELDS, script).await else { return };
        let failure = plugins.status()[0].failure.clone().unwrap().to_string();
        assert!(failure.contains(expected), "{failure}");
    }
}

/// A file that says one thing and does another is not what its operator has read.
#[tokio::test]
async fn a_description_that_is_not_what_the_file_says_is_refused() {
    let mut bytes = std::fs::read(plugin("probe")).unwrap();
    let name = b"aksara:describe";
    let section = bytes.windows(name.len()).rposition(|window| window == name).unwrap();
    let version = bytes[section..].windows(5).position(|window| window == b"0.1.0").unwrap();
    bytes[section + version] = b'9';
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("probe.wasm"), bytes).unwrap();
    let plugins = open_plugins(folder.path(), Limits::default()).await.unwrap();
    let failure = plugins.status()[0].failure.clone().unwrap().to_string();
    assert!(failure.contains("it is not what the file says of itself"), "{failure}");
}

/// A call that comes of another of the same plugin waits for none of its slots: all that have one may wait for such a call.
#[tokio::test]
async fn calls_that_come_of_calls_of_the_same_plugin_wait_for_no_slot() {
    let script = r#"
        plugin({ grants: { models: { Ask: ["create"] } } });
        preSave("Ask", ({ instance }) => {
          if (instance.what === "outer") models("Ask").create({ what: "inner" });
        });
    "#;
    let Some((plugins, _folder)) = serving("", script).await else { return };
    let alias = Uuid::now_v7().to_string();
    let options = |options: aksara::DbOptions| options.plugins(&plugins).alias(alias).connections_max(90);
    let test = TestDb::opened::<(Circle, Member, Ask)>(options).await;
    if test.backend() == Backend::Sqlite {
        // There is one writer at a time.
        return;
    }
    let outer = || Ask::objects(&test.db).create(Ask { what: "outer".into(), ..Ask::default() });
    for saved in futures_util::future::join_all((0..90).map(|_| outer())).await {
        saved.unwrap();
    }
    assert_eq!(Ask::objects(&test.db).count().await.unwrap(), 180);
}
