//! A process of its own that works on a database until it is killed: this program once more, with one test in it.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aksara::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStderr, Command};

use super::work::{Ended, Report, Worker};

/// What the child works on, and what its names begin with: `PREFIX URL`.
const WORK: &str = "AKSARA_TEST_RELIABLE";
/// How many tasks work at once.
pub(super) const TASKS: u64 = 6;

const ACKNOWLEDGED: &str = "acknowledged ";
const FAILED: &str = "failed ";
const CONFLICT: &str = "conflict ";

pub(super) struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStderr>>,
    /// What was acknowledged so far.
    pub(super) claims: Vec<String>,
    /// Why operations failed so far, but for conflicts with others.
    pub(super) failures: Vec<String>,
}

impl Child {
    /// Starts one; `program` is what runs it, with the arguments before its own.
    pub(super) fn start(program: &mut Command, prefix: &str, url: &str) -> Child {
        let (_, test) = module_path!().split_once("::").unwrap();
        let test = test.replace("child", super::killed::TEST);
        let program = program.args(["--exact", &test, "--nocapture"]).env(WORK, format!("{prefix} {url}"));
        program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = program.spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        Child { process, lines, claims: Vec::new(), failures: Vec::new() }
    }

    /// Waits for the next line.
    ///
    /// # Panics
    /// When the child ends by itself, or nothing happens any more.
    pub(super) async fn hear(&mut self) {
        let line = tokio::time::timeout(Duration::from_secs(60), self.lines.next_line()).await;
        let line = line.expect("an operation ends").unwrap();
        self.note(&line.expect("the child works until it is killed"));
    }

    fn note(&mut self, line: &str) {
        if let Some(claims) = line.strip_prefix(ACKNOWLEDGED) {
            self.claims.push(claims.to_owned());
        } else if let Some(failure) = line.strip_prefix(FAILED) {
            self.failures.push(failure.to_owned());
        } else if !line.starts_with(CONFLICT) {
            panic!("the child said: {line}");
        }
    }

    /// Waits until so many more operations were acknowledged.
    ///
    /// # Panics
    /// When they all fail instead.
    pub(super) async fn acknowledges(&mut self, more: usize) {
        let (enough, too_many) = (self.claims.len() + more, self.failures.len() + 5_000);
        while self.claims.len() < enough {
            self.hear().await;
            assert!(self.failures.len() < too_many, "it goes on to fail: {:?}", self.failures.last());
        }
    }

    /// Kills it, and hears what it has said before it died.
    pub(super) async fn kill(&mut self) -> ExitStatus {
        self.process.start_kill().unwrap();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.note(&line);
        }
        self.process.wait().await.unwrap()
    }
}

/// Works until the end of the process, if it is a child.
pub(super) async fn work_if_child() {
    let Ok(work) = std::env::var(WORK) else { return };
    let (prefix, url) = work.split_once(' ').unwrap();
    // Waiting for other writers is no failure.
    let db = Db::options(url).busy_timeout(Duration::from_secs(60)).connect().await.unwrap();
    let report: Report = Arc::new(|ended| {
        let line = match ended {
            Ended::Acknowledged(claims) => format!("{ACKNOWLEDGED}{claims}\n"),
            Ended::Failed(error) if error.is_conflict() => format!("{CONFLICT}\n"),
            Ended::Failed(error) => format!("{FAILED}{}\n", error.to_string().replace('\n', " ")),
        };
        // In one piece: the parent reads no half of a line.
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    });
    let workers = (0..TASKS).map(|task| Worker::new(&db, format!("{prefix}.{task}"), task, &report));
    let tasks: Vec<_> = workers.map(|worker| tokio::spawn(worker.work())).collect();
    futures_util::future::try_join_all(tasks).await.unwrap();
}
