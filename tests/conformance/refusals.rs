//! How a handler says no, and what its mistakes lead to.

use aksara::Error;
use aksara::prelude::*;

use super::{Conform, Host, command, told};

pub(crate) async fn check(host: &Host) {
    let language = host.language;
    let Error::Rejected { message, signal, sender, .. } = host.refused(told("reject", "closed")).await else {
        panic!("{language}: no refusal");
    };
    assert_eq!((message.as_str(), signal, sender), ("no: closed", "pre_save", "Conform"), "{language}");

    let Error::Validation(errors) = host.refused(command("invalid")).await else {
        panic!("{language}: no validation error");
    };
    assert_eq!(errors.fields["text"], ["is bad", "is worse"], "{language}");

    host.logged.take();
    let raised = host.refused(command("raise")).await.to_string();
    assert!(raised.contains(&format!("conformance-{language}")) && raised.contains("obey"), "{raised}");
    let logged = host.logged.take().join("\n");
    // The author finds the text, and where it came from, in the error or in the log.
    for wanted in ["boom", if matches!(language, "rust" | "c") { "boom" } else { "explode" }] {
        assert!(
            raised.contains(wanted) || logged.contains(wanted),
            "{language}: `{wanted}` is nowhere: {raised}\n{logged}"
        );
    }

    let chain = host.refused(command("chain")).await.to_string();
    assert!(chain.contains("outer") && chain.contains("the real reason"), "{language}: {chain}");
    let cut = host.refused(command("cut")).await.to_string();
    assert!(cut.contains("cut"), "{language}: {cut}");

    let wrong = host.refused(command("wrong")).await.to_string();
    assert!(wrong.contains("integer") && wrong.contains("text"), "{language}: {wrong}");
    let unknown = host.refused(command("unknown")).await.to_string();
    assert!(unknown.contains("nonsense"), "{language}: {unknown}");

    // Nothing of all that is in the database, and the next save works.
    assert_eq!(
        Conform::objects(&host.db)
            .filter(Conform::command.ne("echo"))
            .filter(Conform::command.ne("same"))
            .filter(Conform::command.ne("document"))
            .filter(Conform::command.ne("keep"))
            .filter(Conform::command.ne("nest"))
            .filter(Conform::command.ne("recurse"))
            .filter(Conform::command.ne("unchanged"))
            .count()
            .await
            .unwrap(),
        0
    );
    host.done(command("unchanged")).await;
}
