//! Cases at the edge of the rules, each of which was once wrong.

use std::convert::Infallible;

use aksara::prelude::*;
use aksara::signals::{post_save, pre_save};
use aksara::{Error, SaveOptions};
use aksara_tests::{Journal, TestDb};

/// Delete 1: a row that goes by another path of the same delete is no obstacle, whether anybody listens or not.
#[tokio::test]
async fn restrict_lets_go_what_goes_by_another_path() {
    #[derive(Model, Clone, Debug)]
    struct EdgeArtist {
        id: i64,
    }
    #[derive(Model, Clone, Debug)]
    struct EdgeAlbum {
        id: i64,
        artist: Fk<EdgeArtist>,
    }
    #[derive(Model, Clone, Debug)]
    struct EdgeSong {
        id: i64,
        artist: Fk<EdgeArtist>,
        #[field(on_delete = "restrict")]
        album: Fk<EdgeAlbum>,
    }
    let test = TestDb::with::<(EdgeArtist, EdgeAlbum, EdgeSong)>().await;
    let mut artists =
        EdgeArtist::objects(&test.db).bulk_create(vec![EdgeArtist::default(); 2]).await.unwrap();
    let album = EdgeAlbum { artist: Fk::from(&artists[0]), ..Default::default() };
    let mut album = EdgeAlbum::objects(&test.db).create(album).await.unwrap();
    let song = |artist| EdgeSong { artist: Fk::from(artist), album: Fk::from(&album), ..Default::default() };
    let own = song(&artists[0]);
    let guest = song(&artists[1]);
    EdgeSong::objects(&test.db).create(own).await.unwrap();
    let mut guest = EdgeSong::objects(&test.db).create(guest).await.unwrap();
    assert!(matches!(artists[0].delete(&test.db).await, Err(Error::Protected { rows: 1, .. })));
    assert!(matches!(album.delete(&test.db).await, Err(Error::Protected { rows: 2, .. })));
    guest.delete(&test.db).await.unwrap();
    assert_eq!(artists[0].delete(&test.db).await.unwrap().rows, 3);
}

/// Delete 1: models that point at each other, and a tree of more rows than one statement takes.
#[tokio::test]
async fn circles_and_large_trees_are_deleted_whole() {
    #[derive(Model, Clone, Debug)]
    struct EdgeBranch {
        id: i64,
        parent: Option<Fk<EdgeBranch>>,
    }
    #[derive(Model, Clone, Debug)]
    struct EdgeHen {
        id: i64,
        hatched_from: Option<Fk<EdgeEgg>>,
    }
    #[derive(Model, Clone, Debug)]
    struct EdgeEgg {
        id: i64,
        laid_by: Option<Fk<EdgeHen>>,
    }
    let test = TestDb::with::<(EdgeBranch,)>().await;
    post_save::<EdgeHen>().connect(|_| Box::pin(async { Ok(()) }));
    let mut root = EdgeBranch::objects(&test.db).create(EdgeBranch::default()).await.unwrap();
    let twigs = vec![EdgeBranch { parent: Some(Fk::from(&root)), ..Default::default() }; 1_500];
    EdgeBranch::objects(&test.db).bulk_create(twigs).await.unwrap();
    assert_eq!(root.delete(&test.db).await.unwrap().rows, 1_501);
    test.db.create_tables::<(EdgeHen, EdgeEgg)>().await.unwrap();
    let mut hen = EdgeHen::objects(&test.db).create(EdgeHen::default()).await.unwrap();
    let egg = EdgeEgg { laid_by: Some(Fk::from(&hen)), ..Default::default() };
    let egg = EdgeEgg::objects(&test.db).create(egg).await.unwrap();
    hen.hatched_from = Some(Fk::from(&egg));
    hen.save(&test.db).await.unwrap();
    assert_eq!(hen.delete(&test.db).await.unwrap().rows, 2);
}

/// Dispatch 2: closures of one function are different handlers; the one that lost its id disconnects nobody.
#[tokio::test]
async fn closures_have_ids_of_their_own_and_a_second_connection_disconnects_nobody() {
    #[derive(Model, Clone, Debug)]
    struct EdgeHeard {
        id: i64,
        count: i32,
    }
    let test = TestDb::with::<(EdgeHeard,)>().await;
    pre_save::<EdgeHeard>().connect(|event| {
        event.instance.count += 1;
        Box::pin(async { Ok(()) })
    });
    pre_save::<EdgeHeard>().connect(|event| {
        event.instance.count += 10;
        Box::pin(async { Ok(()) })
    });
    let first = pre_save::<EdgeHeard>().dispatch_uid("hundred").connect(|event| {
        event.instance.count += 100;
        Box::pin(async { Ok(()) })
    });
    let second = pre_save::<EdgeHeard>().dispatch_uid("hundred").connect(|_| Box::pin(async { Ok(()) }));
    assert!(!second.disconnect());
    assert_eq!(EdgeHeard::objects(&test.db).create(EdgeHeard::default()).await.unwrap().count, 111);
    assert!(first.disconnect() && !first.disconnect());
}

/// Save 2 and 3: an insert writes every field; an update by a given key leaves the time of the insert alone.
#[tokio::test]
async fn forced_inserts_and_updates_by_key() {
    #[derive(Model, Clone, Debug)]
    struct EdgeDated {
        id: i64,
        text: String,
        #[field(auto_now_add)]
        created_at: chrono::DateTime<chrono::Utc>,
    }
    let test = TestDb::with::<(EdgeDated,)>().await;
    let both = SaveOptions { force_insert: true, update_fields: Some(&["text"]), ..Default::default() };
    let error = EdgeDated::default().instance().save_with(&test.db, both).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot force an insert of this `EdgeDated`: an insert writes every field; force an update, or name fields, or neither");
    let made = EdgeDated::objects(&test.db).create(EdgeDated::default()).await.unwrap();
    let mut again = EdgeDated { id: made.id, text: "again".into(), ..Default::default() }.instance();
    again.save(&test.db).await.unwrap();
    again.refresh(&test.db).await.unwrap();
    assert_eq!((again.text.as_str(), again.created_at), ("again", made.created_at));
    // A stored instance whose row is gone is inserted again where that is forced, which changes every field.
    let journal = Journal::default();
    let seen = journal.clone();
    post_save::<EdgeDated>().connect(move |event| {
        seen.add(format!("{} {}", event.created, event.changes().len()));
        Box::pin(async { Ok(()) })
    });
    EdgeDated::objects(&test.db).delete().await.unwrap();
    assert!(again.save(&test.db).await.unwrap_err().is_not_found());
    let forced = SaveOptions { force_insert: true, ..Default::default() };
    again.save_with(&test.db, forced).await.unwrap();
    assert_eq!(journal.take(), ["true 3"]);
}

/// Transactions 2 and 4: `on_commit` through the pool from a handler, a callback that panics, and one whose caller is
/// gone.
#[tokio::test]
async fn callbacks_after_the_commit_run_whatever_becomes_of_others() {
    #[derive(Model, Clone, Debug)]
    struct EdgeCalled {
        id: i64,
    }
    let test = TestDb::with::<(EdgeCalled,)>().await;
    let journal = Journal::default();
    let note = |db: &Db, line: &'static str| {
        let (db, journal) = (db.clone(), journal.clone());
        async move {
            let callback = move |_| async move {
                tokio::task::yield_now().await;
                assert_ne!(line, "panics");
                journal.add(line);
                Ok::<_, Infallible>(())
            };
            db.on_commit(callback).await
        }
    };
    let three = test.db.transaction(async |tx| {
        for line in ["first", "panics", "last"] {
            note(&tx, line).await?;
        }
        Ok::<_, Error>(())
    });
    three.await.unwrap();
    assert_eq!(journal.take(), ["first", "last"]);
    let pool = test.db.clone();
    let handler = post_save::<EdgeCalled>().connect(move |_| {
        let pool = pool.clone();
        Box::pin(async move { Ok(pool.on_commit(|_| async { Ok::<_, Infallible>(()) }).await?) })
    });
    let error = EdgeCalled::objects(&test.db).create(EdgeCalled::default()).await.unwrap_err();
    assert!(error.to_string().contains("reached for the connection pool"), "{error}");
    handler.disconnect();
}

/// Dispatch 4: an error of a save inside a handler keeps its kind for whoever asks.
#[tokio::test]
async fn refusals_keep_their_kind_one_level_down_and_early_panics_are_errors() {
    #[derive(Model, Clone, Debug)]
    struct EdgeOuter {
        id: i64,
    }
    #[derive(Model, Clone, Debug)]
    struct EdgeInner {
        id: i64,
    }
    let test = TestDb::with::<(EdgeOuter, EdgeInner)>().await;
    pre_save::<EdgeInner>().connect(|_| Box::pin(async { Err(reject("not now")) }));
    let saves = post_save::<EdgeOuter>().connect(|event| {
        Box::pin(
            async move { Ok(EdgeInner::objects(event.db).create(EdgeInner::default()).await.map(drop)?) },
        )
    });
    let error = EdgeOuter::objects(&test.db).create(EdgeOuter::default()).await.unwrap_err();
    assert!(error.is_refusal() && matches!(error, Error::Handler { .. }), "{error}");
    saves.disconnect();
    // Before the future is made.
    post_save::<EdgeOuter>().connect(|_| panic!("early"));
    let error = EdgeOuter::objects(&test.db).create(EdgeOuter::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("it panicked: early"), "{error}");
    assert_eq!(EdgeOuter::objects(&test.db).count().await.unwrap(), 0);
}
