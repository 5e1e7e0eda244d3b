//! Limits end a call, and leave the rest of the world alone.

use super::{Host, command};

pub(crate) async fn check(host: &Host) {
    let language = host.language;
    for (word, wanted) in [("loop", "longer than 2000 ms"), ("memory", "")] {
        let error = host.refused(command(word)).await.to_string();
        assert!(
            error.contains(&format!("conformance-{language}")) && error.contains(wanted),
            "{language}: {error}"
        );
        host.done(command("unchanged")).await;
    }
    let status = host.plugins.status();
    assert!(status[0].faults >= 2 && status[0].serving.is_some(), "{language}: {status:?}");
}
