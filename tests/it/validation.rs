//! Validation: errors by field.

use aksara::Error;
use aksara::prelude::*;
use aksara_tests::TestDb;

#[derive(Model, Clone, Debug)]
struct Form {
    #[field(primary_key)]
    id: i64,
    #[field(max_length = 3)]
    code: String,
    #[field(choices("draft", "published"), default = "draft")]
    status: String,
    #[field(max_length = 3)]
    note: Option<String>,
    score: f64,
}

#[tokio::test]
async fn every_problem_is_told_by_field() {
    let test = TestDb::with::<(Form,)>().await;
    let bad = Form {
        code: "äöüß".into(),
        status: "lost".into(),
        note: Some("long".into()),
        score: f64::NAN,
        ..Default::default()
    };
    let error = Form::objects(&test.db).create(bad).await.unwrap_err();
    insta::assert_snapshot!(error, @"`Form` is not valid: `code` has 4 characters, 3 are allowed; `note` has 4 characters, 3 are allowed; `score` is not a number; `status` is `lost`, one of `draft`, `published` is allowed");
    let Error::Validation(errors) = error else { panic!("{error}") };
    assert_eq!(errors.fields.keys().collect::<Vec<_>>(), ["code", "note", "score", "status"]);
    // Length is counted in characters, not in bytes.
    let good = Form { code: "äöü".into(), ..Default::default() };
    assert_eq!(Form::objects(&test.db).create(good).await.unwrap().status, "draft");
}

#[tokio::test]
async fn two_models_with_one_label_are_refused() {
    // Checked at connect; that every other test connects shows that labels here are unique.
    let url = aksara::Db::connect("postgres://nowhere").await.unwrap_err();
    insta::assert_snapshot!(url, @"cannot use the database URL `postgres://nowhere`: only `sqlite:` is supported, for example `sqlite://app.db?mode=rwc`");
    let missing = aksara::Db::connect("sqlite:///no/such/folder/app.db").await.unwrap_err();
    insta::assert_snapshot!(missing, @"database error while opening the database: error returned from database: (code: 14) unable to open database file");
}
