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
async fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let refused = async |url: &str| aksara::Db::connect(url).await.unwrap_err();
    insta::assert_snapshot!(refused("oracle://scott:tiger@db/app").await, @"cannot use the database URL `oracle://scott:***@db/app`: it has to start with `sqlite:`, `postgres:`, `mysql:` or `mariadb:`, and this program has to be built with the feature of `aksara` that is named after the database; for example `sqlite://app.db?mode=rwc`");
    insta::assert_snapshot!(refused("sqlite:///no/such/folder/app.db").await, @"database error while opening the database: error returned from database: (code: 14) unable to open database file");
}

/// Wherever a secret is in a URL, neither the error nor the `Debug` text of the options has it.
#[tokio::test]
async fn a_secret_of_a_url_is_in_no_text() {
    let urls = [
        "oracle://scott:hunter2@db/app",
        "oracle://hunter2@db/app",
        "oracle://scott:a/b@hunter2@db/app",
        "oracle:scott:hunter2@db/app",
        "postgres://localhost/app?user=app&password=hunter2&sslmode=nonsense",
        "postgres://localhost/app?user=app&pass%77ord=hunter2&sslmode=nonsense",
        "postgres://localhost/app?sslmode=nonsense&sslkey=hunter2",
        "postgres://localhost/app?sslmode=nonsense&options=-c%20key%3Dhunter2",
        "postgres://app:hunter2@local host/app",
        "postgres://app:hunter2@localhost:many/app",
        "postgres://app:%68unter2@localhost:many/app",
        "mysql://app:hunter2@localhost:many/app",
        "mysql://localhost/app?password=hunter2&ssl-mode=nonsense",
        "mysql://localhost/app?ssl-mode=nonsense&ssl-key=hunter2",
        "sqlite://app.db?key=hunter2",
        "sqlite:app.db?mode=hunted&key=hunter2",
        "sqlite://app.db?key=%68unter2",
        "sqlite://app.db?hunter2",
    ];
    for url in urls {
        let options = aksara::Db::options(url);
        let shown = format!("{options:?}");
        let error = options.connect().await.unwrap_err();
        for text in [shown, error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("hunter2") && !text.contains("%68unter2"), "`{url}` shows in: {text}");
        }
    }
}
