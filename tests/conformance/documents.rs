//! What a plugin puts into a JSON document has one form in every language; what has none is an error with its place.

use aksara::{Error, Instance};
use chrono::NaiveDate;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Conform, Host, command};

pub(crate) async fn check(host: &Host) {
    for (it, wanted) in [(full(), full_document()), (command(""), empty_document())] {
        let case = |word: &str| Conform { command: word.into(), ..it.clone() };
        let stored = host.done(case("document")).await;
        assert_eq!(stored.json_out, Some(wanted.clone()), "{}", host.language);
        let kept = host.done(case("keep")).await;
        let kept: Json = serde_json::from_str(kept.text_out.as_deref().unwrap()).unwrap();
        assert_eq!(kept, wanted, "{}", host.language);
    }
    for (word, wanted) in
        [("not_a_number", &["json_out.items[1].at"][..]), ("deep", &["json_out", "levels"][..])]
    {
        let error = host.refused(command(word)).await;
        // An exception of the plugin, a patch that the host refuses, or a document that validation refuses.
        assert!(matches!(error, Error::Plugin { .. } | Error::Validation(_)), "{}: {error}", host.language);
        let text = error.to_string();
        assert!(wanted.iter().all(|part| text.contains(part)), "{}: `{word}`: {text}", host.language);
        host.done(command("unchanged")).await;
    }
}

/// An interpreter's own guard comes before the end of WebAssembly's stack, and what has none ends in a trap that says so.
pub(crate) async fn check_depth(host: &Host) {
    let language = host.language;
    let found = |it: Instance<Conform>| it.text_out.clone().unwrap_or_default();
    let nest = found(host.done(command("nest")).await);
    match language {
        "python" => assert_eq!(nest, ["RecursionError"; 8].join(","), "{language}"),
        "javascript" => assert_eq!(nest, "RangeError,RangeError,RangeError,SyntaxError", "{language}"),
        _ => assert_eq!(nest, "error", "{language}"),
    }
    match language {
        "python" | "javascript" => {
            let recurse = found(host.done(command("recurse")).await);
            assert!(!recurse.contains("none") && recurse.contains("Error,"), "{language}: {recurse}");
        }
        _ => {
            let error = host.refused(command("recurse")).await.to_string();
            assert!(error.contains("stack"), "{language}: {error}");
        }
    }
    host.done(command("unchanged")).await;
}

fn full() -> Conform {
    Conform {
        integer: Some((1 << 53) + 1),
        float: Some(2.5),
        boolean: Some(true),
        text: Some("é".into()),
        bytes: Some(vec![0, 255]),
        time: Some("2020-05-01T10:00:00.123456Z".parse().unwrap()),
        date: NaiveDate::from_ymd_opt(2020, 5, 1),
        uuid: Some(Uuid::from_u128(0xabcd)),
        decimal: Some("19.90".parse().unwrap()),
        json: Some(json!({ "a": [1] })),
        ..Conform::default()
    }
}

fn full_document() -> Json {
    let (uuid, time) = ("00000000-0000-0000-0000-00000000abcd", "2020-05-01T10:00:00.123456Z");
    json!({
        "fields": {
            "integer": 9_007_199_254_740_993_i64, "float": 2.5, "boolean": true, "text": "é", "bytes": "00ff",
            "time": time, "date": "2020-05-01", "uuid": uuid, "decimal": "19.90", "json": { "a": [1] },
        },
        "list": [uuid, time, "00ff"],
    })
}

fn empty_document() -> Json {
    json!({
        "fields": {
            "integer": null, "float": null, "boolean": null, "text": null, "bytes": null, "time": null, "date": null,
            "uuid": null, "decimal": null, "json": null,
        },
        "list": [null, null, null],
    })
}
