//! The example `flights` as a program: its data, its second run, its death, its bad input.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use aksara_tests::{plugins_folder, workspace};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A run of `flights` on a database and a copy of the data of its own.
struct Demo {
    folder: TempDir,
    plugins: TempDir,
}

impl Demo {
    fn new() -> Demo {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        for entry in std::fs::read_dir(workspace().join("examples/flights/data")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, data.join(path.file_name().unwrap())).unwrap();
        }
        Demo { folder, plugins: plugins_folder(&["flight-delay", "plane-check"]) }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("flights.db")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program("flights"));
        command.arg("--data").arg(self.data("")).arg("--database").arg(self.database());
        command.arg("--plugins").arg(self.plugins.path()).stdin(Stdio::null());
        command
    }

    fn fails_with(&self, line: &str) {
        assert_fails(&self.command().output().unwrap(), line);
    }

    async fn query(&self, sql: &'static str) -> Vec<String> {
        let url = format!("sqlite://{}", self.database().display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
    }

    async fn assert_sound(&self) {
        assert_eq!(self.query("PRAGMA integrity_check").await, ["ok"]);
        assert_eq!(self.query("SELECT \"table\" FROM pragma_foreign_key_check").await, [] as [&str; 0]);
    }
}

fn assert_fails(output: &Output, line: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{stderr}");
    assert!(stderr.contains(line), "expected `{line}` in:\n{stderr}");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("error")).count(), 1, "{stderr}");
}

/// A program of this workspace, beside the one of the tests.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().and_then(Path::parent).unwrap().join(name);
    assert!(path.is_file(), "`{}` is not built; run `cargo build --workspace`", path.display());
    path
}

#[tokio::test]
async fn killed_at_any_time_the_database_is_sound_and_the_next_runs_complete_it_once() {
    let demo = Demo::new();
    for milliseconds in [200, 700, 1500] {
        let mut child = demo.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if demo.database().exists() {
            demo.assert_sound().await;
        }
    }
    let output = demo.command().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    demo.assert_sound().await;
    let facts = "
        SELECT 'flights ' || count(*) FROM flight UNION ALL
        SELECT 'planes ' || count(*) FROM plane UNION ALL
        SELECT 'airports ' || count(*) FROM airport UNION ALL
        SELECT 'airlines ' || count(*) FROM airline UNION ALL
        SELECT 'without a class ' || count(*) FROM flight WHERE delay_class IS NULL UNION ALL
        SELECT delay_class || ' ' || count(*) FROM flight GROUP BY delay_class UNION ALL
        SELECT 'of no known plane ' || count(*) FROM flight WHERE tailnum IS NOT NULL AND plane_id IS NULL UNION ALL
        SELECT 'of a plane ' || count(*) FROM flight WHERE plane_id = tailnum UNION ALL
        SELECT 'from an airport ' || count(*) FROM flight WHERE origin_id = origin UNION ALL
        SELECT 'to no known airport ' || count(*) FROM flight WHERE dest_id IS NULL UNION ALL
        SELECT 'of an airline ' || count(*) FROM flight WHERE carrier_id = carrier";
    let facts_now = demo.query(facts).await;
    insta::assert_snapshot!(facts_now.join("\n"));
    let ids = "SELECT group_concat(id) FROM flight";
    let before = demo.query(ids).await;
    let output = demo.command().output().unwrap();
    assert!(output.status.success());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("all 27004 flights are there already"), "{stdout}");
    assert!(stdout.contains("very_late") && !stdout.contains("rows per second"), "{stdout}");
    assert_eq!(stderr, "", "no log line, and no code of a terminal");
    assert_eq!(demo.query(ids).await, before, "a second run writes nothing");
}

#[test]
fn bad_input_gives_one_clear_line_and_nothing_is_written() {
    let demo = Demo::new();
    let planes = std::fs::read_to_string(demo.data("planes.csv")).unwrap();
    std::fs::write(demo.data("planes.csv"), planes.replacen(",55,", ",many,", 1)).unwrap();
    demo.fails_with("line 2, column `seats`: invalid digit found in string");
    std::fs::remove_file(demo.data("planes.csv")).unwrap();
    demo.fails_with("cannot open `");
    std::fs::write(demo.data("planes.csv"), planes).unwrap();
    std::fs::write(demo.data("flights-2013-01.csv.gz"), "not gzip").unwrap();
    demo.fails_with("cannot read `");
    assert!(!demo.database().exists());
}

#[test]
fn wrong_flags_and_missing_plugins_give_one_clear_line() {
    let output = Command::new(program("flights")).arg("--no-such-flag").output().unwrap();
    assert_fails(&output, "unexpected argument '--no-such-flag'");
    let demo = Demo::new();
    std::fs::remove_file(demo.plugins.path().join("plane-check.wasm")).unwrap();
    demo.fails_with("has no `plane-check.wasm`; build it with `cargo xtask plugins`");
    std::fs::write(demo.plugins.path().join("plane-check.wasm"), "no component").unwrap();
    demo.fails_with("plugin `plane-check` cannot be used: ");
    assert!(!demo.database().exists());
}

/// A file that may grow no further stands for a full disk: the write fails the same way.
#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_gives_one_clear_line_and_whole_rows() {
    let demo = Demo::new();
    let flights = demo.command();
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$@\"", "bash"]);
    command.arg(flights.get_program()).args(flights.get_args());
    assert_fails(&command.output().unwrap(), "error: ");
    demo.assert_sound().await;
}
