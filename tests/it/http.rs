//! `plugins.md`, imports: HTTP requests go to hosts and ports that were granted, and nowhere else.

use aksara::prelude::*;
use aksara::{Limits, open_plugins};
use aksara_tests::{TestDb, plugin};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Model, Clone, Debug)]
struct Fetch {
    #[field(primary_key)]
    id: i64,
    method: String,
    url: String,
    body: String,
    answer: String,
}

/// The same plugin in each language.
const FETCHERS: [&str; 5] = ["fetcher", "fetcher-c", "fetcher-go", "fetcher-javascript", "fetcher-python"];

/// A server that answers with what it was asked; its address.
pub(crate) async fn echo() -> String {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = server.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        (!chunked || body.ends_with("0\r\n\r\n")).then(|| (head.to_owned(), body.to_owned()))
    };
    let (head, body) = loop {
        if let Some(whole) = whole(&request) {
            break whole;
        }
        assert!(stream.read_buf(&mut request).await.unwrap() > 0, "the request is not whole");
    };
    let line = head.lines().next().unwrap_or_default().to_owned();
    let named = head.to_lowercase().contains("x-plugin: fetcher");
    let (status, text) = match line.contains("/missing") {
        true => ("404 Not Found", "there is none".to_owned()),
        false => ("200 OK", format!("{line}; {named}; {}", body.replace("\r\n", " ").trim())),
    };
    let length = text.len();
    let response =
        format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{text}");
    stream.write_all(response.as_bytes()).await.unwrap();
}

/// A host whose operator grants a plugin requests to these.
async fn with_grants(fetcher: &str, hosts: &str) -> (TestDb, aksara::Plugins, TempDir) {
    let folder = TempDir::new().unwrap();
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    std::fs::copy(plugin(fetcher), plugins.join(format!("{fetcher}.wasm"))).unwrap();
    let policy = format!(
        "[plugins.{fetcher}]\ngrants = {{ http = [{hosts}] }}\nlimits = {{ deadline_ms = 2000, own_wait_ms = 60000 }}\n"
    );
    std::fs::write(folder.path().join("plugins.toml"), policy).unwrap();
    let plugins = open_plugins(plugins, Limits::default()).await.unwrap();
    let test = TestDb::opened::<(Fetch,)>(|options| options.plugins(&plugins)).await;
    (test, plugins, folder)
}

#[tokio::test]
async fn requests_go_where_they_are_granted() {
    for fetcher in FETCHERS {
        eprintln!("{fetcher}:");
        requests_of(fetcher).await;
    }
}

async fn requests_of(fetcher: &str) {
    let (granted, other) = (echo().await, echo().await);
    let (test, plugins, _folder) = with_grants(fetcher, &format!("\"localhost:9\", \"{granted}\"")).await;
    assert!(plugins.status()[0].failure.is_none(), "{:?}", plugins.status());
    let fetch = async |method: &str, url: String, body: &str| {
        let it = Fetch { method: method.into(), url, body: body.into(), ..Fetch::default() };
        match Fetch::objects(&test.db).create(it).await {
            Ok(saved) => saved.answer.clone(),
            Err(error) => error.to_string(),
        }
    };
    let get = |url: String| fetch("GET", url, "");
    assert_eq!(
        get(format!("http://{granted}/posts?page=2")).await,
        "200 text/plain: GET /posts?page=2 HTTP/1.1; true; "
    );
    assert_eq!(get(format!("http://{granted}?q")).await, "200 text/plain: GET /?q HTTP/1.1; true; ");
    assert_eq!(get(format!("http://{granted}/missing")).await, "404 text/plain: there is none");
    let long = "z".repeat(10_000);
    let posted = fetch("POST", format!("http://{granted}/"), &long).await;
    assert!(posted.starts_with("200 text/plain: POST / HTTP/1.1; true;"), "{posted}");
    assert_eq!(posted.matches('z').count(), 10_000);
    // The query and the user may be secrets: errors show the rest.
    for (url, shown, expected) in [
        (format!("http://{other}/a?token=hunter2"), format!("`http://{other}/a`"), "not granted"),
        (format!("http://ann:hunter2@{other}/"), format!("`http://{other}/`"), "there is no response"),
        (format!("http://{granted}@{other}/"), format!("`http://{other}/`"), "there is no response"),
        ("http:///?hunter2".to_owned(), "`http:///`".to_owned(), "names no host"),
        ("mail?key=hunter2".to_owned(), "`mail`".to_owned(), "has no `http://` or `https://`"),
    ] {
        let error = get(url.clone()).await;
        assert!(error.contains(expected) && error.contains(&shown), "`{url}`: {error}");
        assert!(!error.contains("hunter2"), "`{url}`: {error}");
    }
}

#[tokio::test]
async fn a_plugin_that_asks_for_more_than_is_granted_is_refused() {
    for fetcher in FETCHERS {
        let (_test, plugins, _folder) = with_grants(fetcher, "").await;
        let failure = plugins.status()[0].failure.clone().unwrap().to_string();
        assert!(failure.contains("the host `localhost:9`, which is not granted"), "{fetcher}: {failure}");
    }
}

/// Who runs the server of a name says where it leads to: not to this machine, unless that address is granted.
#[tokio::test]
async fn a_name_that_leads_to_this_machine_needs_a_grant_that_names_the_address() {
    let address = echo().await;
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    // Is no address in its usual form, and is resolved to the one of this machine.
    let name = format!("127.1:{port}");
    if tokio::net::lookup_host(&name).await.is_err() {
        return;
    }
    for (more, is_granted) in [(String::new(), false), (format!(", \"{address}\""), true)] {
        let grants = format!("\"localhost:9\", \"{name}\"{more}");
        let (test, plugins, _folder) = with_grants("fetcher", &grants).await;
        assert!(plugins.status()[0].failure.is_none(), "{:?}", plugins.status());
        let it = Fetch { method: "GET".into(), url: format!("http://{name}/posts"), ..Fetch::default() };
        let answer = match Fetch::objects(&test.db).create(it).await {
            Ok(saved) => saved.answer.clone(),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            answer.starts_with("200 text/plain: GET /posts HTTP/1.1"),
            is_granted,
            "{grants}: {answer}"
        );
    }
}
