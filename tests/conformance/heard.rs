//! Every other signal reaches the plugin, with what belongs to it.

use aksara::prelude::*;

use super::{Conform, Host, Note, command};

pub(crate) async fn check(host: &Host) {
    let db = &host.db;
    let note = Note::objects(db).create(Note::default()).await.unwrap();
    host.logged.take();
    let mut saved = host.done(command("unchanged")).await;
    let key = saved.id;
    let every = "boolean,boolean_out,bytes,bytes_out,command,date,date_out,decimal,decimal_out,float,float_out,id,integer,\
                 integer_out,json,json_out,text,text_out,time,time_out,uuid,uuid_out";
    expect(
        host,
        &[
            &format!("info: seen post_save changes={every} created=true"),
            &format!("info: seen after_commit changes={every} created=true deleted=false key={key}"),
        ],
    )
    .await;
    saved.boolean = Some(true);
    saved.save(db).await.unwrap();
    expect(
        host,
        &[
            "info: seen post_save changes=boolean created=false",
            &format!("info: seen after_commit changes=boolean created=false deleted=false key={key}"),
        ],
    )
    .await;

    Conform::notes.of(db, &saved).add([note.id]).await.unwrap();
    Conform::notes.of(db, &saved).clear().await.unwrap();
    expect(
        host,
        &[
            "info: seen m2m_changed action=pre_add pk_set=1 reverse=false",
            "info: seen m2m_changed action=post_add pk_set=1 reverse=false",
            "info: seen m2m_changed action=pre_clear pk_set=1 reverse=false",
            "info: seen m2m_changed action=post_clear pk_set=1 reverse=false",
        ],
    )
    .await;

    saved.delete(db).await.unwrap();
    expect(
        host,
        &[
            "info: seen pre_delete origin=instance",
            "info: seen post_delete origin=instance",
            &format!("info: seen after_commit created=false deleted=true key={key}"),
        ],
    )
    .await;

    many(host).await;
    undone(host).await;
}

/// Signals about several instances.
async fn many(host: &Host) {
    let (language, db) = (host.language, &host.db);
    let mut rows = Conform::objects(db).bulk_create(vec![command("unchanged"); 2]).await.unwrap();
    let texts: Vec<_> = rows.iter().map(|row| row.text_out.as_deref()).collect();
    assert_eq!(texts, [Some("bulk 0"), Some("bulk 1")], "{language}");
    rows.iter_mut().for_each(|row| row.boolean = Some(false));
    Conform::objects(db).bulk_update(&mut rows, &["boolean"]).await.unwrap();
    let seen = lines(host, 8).await;
    for wanted in [
        "info: seen pre_bulk_create instances=2",
        "info: seen post_bulk_create instances=2",
        "info: seen pre_bulk_update instances=2",
        "info: seen post_bulk_update instances=2 rows=2",
    ] {
        assert!(seen.iter().any(|line| line == wanted), "{language}: `{wanted}` is not in {seen:#?}");
    }
}

async fn undone(host: &Host) {
    let (language, db) = (host.language, &host.db);
    let undone: Result<(), aksara::Error> = db
        .transaction(async |tx| {
            Conform::objects(&tx).create(command("unchanged")).await?;
            Err(aksara::Error::Transaction("undone as asked"))
        })
        .await;
    assert!(undone.is_err());
    let seen = lines(host, 2).await;
    assert!(seen.iter().any(|line| line.starts_with("info: seen after_rollback")), "{language}: {seen:#?}");
}

/// Exactly these lines, in this order.
async fn expect(host: &Host, wanted: &[&str]) {
    assert_eq!(lines(host, wanted.len()).await, wanted, "{}", host.language);
}

/// The next lines, once there are as many: what runs after a commit runs beside the test.
async fn lines(host: &Host, count: usize) -> Vec<String> {
    let mut lines = host.logged.take();
    for _ in 0..1_000 {
        if lines.len() >= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        lines.extend(host.logged.take());
    }
    lines
}
