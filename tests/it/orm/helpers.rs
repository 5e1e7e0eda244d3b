//! The helpers for the tests of applications.

use std::convert::Infallible;

use aksara::prelude::*;
use aksara::testing;
use aksara_tests::{Journal, TestDb};

#[derive(Model, Clone, Debug)]
#[model(label = "helpers.Item")]
struct Item {
    #[field(primary_key)]
    id: i64,
    #[field(max_length = 10)]
    name: String,
    price: Option<rust_decimal::Decimal>,
    added_at: Option<chrono::DateTime<chrono::Utc>>,
}

#[tokio::test]
async fn a_rolled_back_test_leaves_nothing_and_can_run_its_callbacks() {
    let test = TestDb::with::<(Item,)>().await;
    let journal = Journal::default();
    let ran = testing::rolled_back(&test.db, async |tx| {
        let note = journal.clone();
        let ((), on_commit) = testing::capture_on_commit(&tx, async || {
            Item::objects(&tx).create(Item::default()).await.unwrap();
            let callback = move |_| async move {
                note.add("mail sent");
                Ok::<_, Infallible>(())
            };
            tx.on_commit(callback).await.unwrap();
        })
        .await
        .unwrap();
        assert_eq!((on_commit.len(), journal.take().len()), (1, 0));
        on_commit.run().await.len()
    })
    .await
    .unwrap();
    assert_eq!((ran, journal.take()), (1, vec!["mail sent".to_owned()]));
    assert_eq!(Item::objects(&test.db).count().await.unwrap(), 0);
    let outside = testing::capture_on_commit(&test.db, async || ()).await.err().unwrap();
    insta::assert_snapshot!(outside, @"this handle is no transaction; use the one that the transaction gave");
}

#[tokio::test]
async fn capture_sees_every_signal_in_order_also_unheard_ones() {
    let test = TestDb::with::<(Item,)>().await;
    let ((), signals) = testing::capture(async {
        let mut item = Item::objects(&test.db).create(Item::default()).await.unwrap();
        item.save_fields(&test.db, &["name"]).await.unwrap();
        let mut rows = Item::objects(&test.db).bulk_create(vec![Item::default(); 3]).await.unwrap();
        Item::objects(&test.db).bulk_update(&mut rows, &["name"]).await.unwrap();
        item.delete(&test.db).await.unwrap();
    })
    .await;
    let lines: Vec<String> = signals
        .iter()
        .map(|signal| format!("{} {:?} {}", signal.signal, signal.update_fields, signal.instances))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    pre_save None 0
    post_save None 0
    pre_save Some(["name"]) 0
    post_save Some(["name"]) 0
    pre_bulk_create None 3
    post_bulk_create None 3
    pre_bulk_update None 3
    post_bulk_update None 3
    pre_delete None 0
    post_delete None 0
    "#);
}

/// Save 6.
#[tokio::test]
async fn fixtures_are_saved_as_raw_all_or_none() {
    let test = TestDb::with::<(Item,)>().await;
    let good = r#"[
        {"model": "helpers.Item", "fields": {"id": 7, "name": "seven", "price": "1.50"}},
        {"model": "helpers.Item", "fields": {"name": "next", "added_at": "2020-02-03T04:05:06Z"}}
    ]"#;
    let (loaded, signals) = testing::capture(test.db.load_fixtures(good)).await;
    assert_eq!(loaded.unwrap(), 2);
    assert_eq!(signals.len(), 4);
    let seven = Item::objects(&test.db).get(7).await.unwrap();
    assert_eq!((seven.name.as_str(), seven.price), ("seven", Some("1.5".parse().unwrap())));
    let refused = async |json: &str| test.db.load_fixtures(json).await.unwrap_err().to_string();
    let cases = [
        "{}",
        r#"[{"model": "Nope", "fields": {}}]"#,
        r#"[{"model": "helpers.Item", "fields": {"name": "x"}}, {"model": "helpers.Item", "fields": {"size": 1}}]"#,
        r#"[{"model": "helpers.Item", "fields": {"price": 1}}]"#,
        r#"[{"model": "helpers.Item", "fields": {"name": "much too long"}}]"#,
    ];
    let mut lines = Vec::new();
    for case in cases {
        lines.push(refused(case).await);
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    cannot load the fixtures: invalid type: map, expected a sequence at line 1 column 0
    cannot load the fixtures, row 0: there is no model `Nope`
    cannot load the fixtures, row 1: `helpers.Item` has no field `size`
    cannot load the fixtures, row 0: `helpers.Item.price` is a decimal, and the value is not
    `helpers.Item` is not valid: `name` has 13 characters, 10 are allowed
    ");
    assert_eq!(Item::objects(&test.db).count().await.unwrap(), 2);
}
