//! A process that is killed at any point: nothing acknowledged is lost, nothing is there by halves, and the database opens and
//! goes on without repair.

use std::sync::{Arc, Mutex};

use aksara::prelude::*;
use aksara_tests::{Random, TestDb};
use tokio::process::Command;
use uuid::Uuid;

use super::checked::assert_holds;
use super::child::{self, Child};
use super::work::{Ended, Order, Report, Trace, Worker};

/// The path of the test that children run, in this module's parent.
pub(super) const TEST: &str = "killed::a_killed_process_leaves_what_was_acknowledged_and_nothing_by_halves";

const KILLS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_leaves_what_was_acknowledged_and_nothing_by_halves() {
    child::work_if_child().await;
    let test = TestDb::with::<(Order, Trace)>().await;
    let url = test.url();
    // Only the child has the file of SQLite open.
    test.db.close().await;
    let mut random = Random::new(Uuid::new_v4().as_u64_pair().0);
    println!("{random:?}");
    let claims = Arc::new(Mutex::new(Vec::new()));
    for kill in 0..KILLS {
        let program = std::env::current_exe().unwrap();
        let mut child = Child::start(&mut Command::new(program), &format!("child{kill}"), &url);
        child.acknowledges(1 + random.below(150) as usize).await;
        let status = child.kill().await;
        assert!(status.code().is_none(), "it was killed: {status}");
        assert!(child.failures.is_empty(), "{:?}", child.failures);
        claims.lock().unwrap().append(&mut child.claims);

        let db = Db::connect(&url).await.unwrap();
        let heard = claims.clone();
        let report: Report = Arc::new(move |ended| match ended {
            Ended::Acknowledged(claims) => heard.lock().unwrap().push(claims.to_owned()),
            Ended::Failed(error) => panic!("{error}"),
        });
        let mut next = Worker::new(&db, format!("next{kill}"), kill, &report);
        for _ in 0..10 {
            next.step().await;
        }
        let claims = claims.lock().unwrap().clone();
        assert_holds(&db, &url, &claims, &["before", "after"]).await;
        db.close().await;
    }
}
