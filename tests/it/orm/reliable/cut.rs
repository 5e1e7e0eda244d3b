//! A server whose connections are cut in the midst of answers or that ends them itself, and that is away for a moment: nothing acknowledged is lost,
//! nothing is there by halves, and the pool works again. A plugin that asks the database meanwhile is not at fault.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aksara::prelude::*;
use aksara::{Backend, DbOptions, Error, Plugins, PluginsOptions, open_plugins};
use aksara_tests::{Random, TestDb, javascript_runner};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::checked::assert_holds;
use super::work::{Ended, Order, Report, Trace, Worker};

const TASKS: u64 = 6;
const CUTS: u64 = 10;

/// What stands between a pool and its server.
struct Proxy {
    port: u16,
    gate: Arc<Gate>,
}

/// Whether the proxy lets anything through.
struct Gate {
    /// How many bytes of answers are let through before all connections are cut.
    left: AtomicI64,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    /// New connections end at once.
    Closing,
    /// New connections are refused.
    Refusing,
}

impl Proxy {
    async fn to(server: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate = Arc::new(Gate { left: AtomicI64::new(i64::MAX), state: watch::Sender::new(State::Open) });
        tokio::spawn(listen(listener, server, gate.clone()));
        Proxy { port, gate }
    }

    /// Cuts all connections after so many bytes of answers, and lets no new ones through until it is opened.
    async fn cut_after(&self, bytes: u64, then: State) {
        let mut state = self.gate.state.subscribe();
        self.gate.left.store(bytes as i64, Ordering::SeqCst);
        state.wait_for(|state| *state != State::Open).await.unwrap();
        self.gate.state.send_replace(then);
    }

    fn open(&self) {
        self.gate.left.store(i64::MAX, Ordering::SeqCst);
        self.gate.state.send_replace(State::Open);
    }
}

async fn listen(mut listener: TcpListener, server: String, gate: Arc<Gate>) {
    let (address, mut state) = (listener.local_addr().unwrap(), gate.state.subscribe());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => Some(accepted.unwrap().0),
            _ = state.changed() => None,
        };
        let now = *state.borrow_and_update();
        if let (Some(client), State::Open) = (accepted, now) {
            tokio::spawn(carry(client, server.clone(), gate.clone(), state.clone()));
        }
        if now == State::Refusing {
            drop(listener);
            state.wait_for(|state| *state != State::Refusing).await.unwrap();
            listener = loop {
                // Another program may have the port for a moment.
                match TcpListener::bind(address).await {
                    Ok(listener) => break listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            };
        }
    }
}

/// Carries bytes both ways until one side ends or all is cut.
async fn carry(
    mut client: TcpStream,
    server: String,
    gate: Arc<Gate>,
    mut state: watch::Receiver<State>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            _ = state.changed() => return Ok(()),
            read = client.read(&mut asked) => match read? {
                0 => return Ok(()),
                read => server.write_all(&asked[..read]).await?,
            },
            read = server.read(&mut answered) => {
                let read = read?;
                let left = gate.left.fetch_sub(read as i64, Ordering::SeqCst).clamp(0, read as i64) as usize;
                client.write_all(&answered[..left]).await?;
                if left < read {
                    gate.state.send_replace(State::Closing);
                }
                if left == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// Has the server itself end all connections to the database, as it does before it stops.
async fn end_sessions(test: &TestDb) {
    if test.backend() == Backend::Postgres {
        let mut server = PgConnection::connect(&test.url()).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        server.execute(end).await.unwrap();
        return;
    }
    let mut server = MySqlConnection::connect(&test.url()).await.unwrap();
    let others = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
                  WHERE db = DATABASE() AND id <> CONNECTION_ID()";
    for id in sqlx::query_scalar::<_, i64>(others).fetch_all(&mut server).await.unwrap() {
        // One may have ended by itself.
        let _ = server.execute(AssertSqlSafe(format!("KILL {id}"))).await;
    }
}

/// A proxy to this server, the URL through it, and what no text may show of that.
async fn behind_proxy(url: &str) -> (Proxy, String, String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, place) = rest.split_once('@').unwrap();
    let (server, database) = place.split_once('/').unwrap();
    let proxy = Proxy::to(server.to_owned()).await;
    // PostgreSQL asks for no password here, so that it can be one that is found in any text.
    let (user, secret) = match user.split_once(':') {
        Some((_, password)) => (user.to_owned(), format!(":{password}@")),
        None => (format!("{user}:correct-horse"), "correct-horse".to_owned()),
    };
    let url = format!("{scheme}://{user}@127.0.0.1:{}/{database}", proxy.port);
    (proxy, url, secret)
}

/// Cuts all connections, in one of three ways.
async fn interrupt(test: &TestDb, proxy: &Proxy, random: &mut Random) {
    let then = match random.below(3) {
        0 => State::Closing,
        1 => State::Refusing,
        _ => return end_sessions(test).await,
    };
    proxy.cut_after(random.below(3_000), then).await;
    tokio::time::sleep(Duration::from_millis(random.below(40))).await;
    proxy.open();
}

/// Whether it says that the database failed, by itself or in a handler that passes it on.
fn is_of_the_database(error: &Error) -> bool {
    match error {
        Error::Database { .. } | Error::Aborted { .. } => true,
        Error::Handler { source, .. } => source.downcast_ref::<Error>().is_some_and(is_of_the_database),
        _ => false,
    }
}

/// A plugin that writes a trace of each save as well, where plain JavaScript runs.
async fn tracing_plugin() -> Option<(Plugins, TempDir)> {
    let javascript = Some(javascript_runner()?);
    let folder = TempDir::new().unwrap();
    let script = "
        plugin({ version: '1.0.0', grants: { models: { 'reliable.Trace': ['create'] } } });
        const trace = ({ name, version }) => models('reliable.Trace').create({ text: `plugin ${name} ${version}` });
        postSave('reliable.Order', ({ instance }) => trace(instance));
        postBulkCreate('reliable.Order', ({ instances }) => instances.forEach(trace));
    ";
    std::fs::write(folder.path().join("tracing.js"), script).unwrap();
    let options = PluginsOptions { javascript, ..PluginsOptions::default() };
    let plugins = open_plugins(folder.path(), options).await.unwrap();
    assert!(plugins.status()[0].failure.is_none(), "{:?}", plugins.status());
    Some((plugins, folder))
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_and_a_server_that_is_away_lose_nothing_and_blame_no_handler() {
    let plugins = tracing_plugin().await;
    let connect = |options: DbOptions| match &plugins {
        Some((plugins, _)) => options.plugins(plugins),
        None => options,
    };
    let test = TestDb::opened::<(Order, Trace)>(connect).await;
    if test.backend() == Backend::Sqlite {
        // It has no connections that could be cut.
        return;
    }
    let (proxy, url, secret) = behind_proxy(&test.url()).await;
    let db = connect(Db::options(url).connections_max(4)).connect().await.unwrap();

    let (acknowledged, mut heard) = mpsc::unbounded_channel();
    let failures: Arc<Mutex<Vec<(bool, String)>>> = Arc::default();
    let failed = failures.clone();
    let report: Report = Arc::new(move |ended| match ended {
        Ended::Acknowledged(claims) => drop(acknowledged.send(claims.to_owned())),
        Ended::Failed(error) => {
            failed.lock().unwrap().push((is_of_the_database(error), format!("{error} {error:?}")));
        }
    });
    let workers = (0..TASKS).map(|task| Worker::new(&db, format!("task{task}"), task, &report));
    let tasks: Vec<_> = workers.map(|worker| tokio::spawn(worker.work())).collect();
    let mut claims = Vec::new();
    let mut random = Random::new(Uuid::new_v4().as_u64_pair().0);
    println!("{random:?}");
    for cut in 0..=CUTS {
        for _ in 0..2 * TASKS + random.below(20) {
            let claim = tokio::time::timeout(Duration::from_secs(60), heard.recv()).await;
            claims.push(claim.expect("an operation succeeds").unwrap());
        }
        if cut < CUTS {
            interrupt(&test, &proxy, &mut random).await;
        }
    }
    for task in tasks {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    while let Ok(claim) = heard.try_recv() {
        claims.push(claim);
    }
    db.close().await;
    let failures = std::mem::take(&mut *failures.lock().unwrap());
    println!("{} acknowledged, {} failed", claims.len(), failures.len());
    assert!(!failures.is_empty());
    for (is_of_the_database, text) in failures {
        assert!(is_of_the_database && !text.contains(&secret), "{text}");
    }
    let signals = if plugins.is_some() { &["before", "after", "plugin"][..] } else { &["before", "after"] };
    assert_holds(&test.db, &test.url(), &claims, signals).await;
}
