//! PostgreSQL, MariaDB and Redis for the tests: those named in the environment, or temporary ones in folders of their own.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// A server to test against, and how to get one.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The variable of the environment that names a running server.
    pub(crate) variable: &'static str,
    /// Debian's package.
    pub(crate) package: &'static str,
    binaries: &'static [&'static str],
    /// Users that may run it in place of root.
    users: [&'static str; 2],
    start: fn(&Setup) -> Result<Command>,
    is_ready: fn(&Setup) -> Command,
    url: fn(u16) -> String,
}

/// Those that the ORM is tested on, besides SQLite.
pub(crate) const DATABASES: [Kind; 2] = [
    Kind {
        name: "PostgreSQL",
        variable: "AKSARA_TEST_POSTGRES_URL",
        package: "postgresql",
        binaries: &["initdb", "postgres", "pg_isready"],
        users: ["postgres", "nobody"],
        start: postgres,
        is_ready: |setup| {
            let mut command = setup.command("pg_isready");
            command.args(["--quiet", "--host", "127.0.0.1", "--port"]).arg(setup.port.to_string());
            command
        },
        url: |port| format!("postgres://aksara@127.0.0.1:{port}/postgres"),
    },
    Kind {
        name: "MariaDB",
        variable: "AKSARA_TEST_MYSQL_URL",
        package: "mariadb-server",
        binaries: &["mariadb-install-db", "mariadbd", "mariadb-admin"],
        users: ["mysql", "nobody"],
        start: mariadb,
        is_ready: |setup| {
            let mut command = setup.command("mariadb-admin");
            command.args(["--no-defaults", "--host=127.0.0.1", "--user=aksara", "--password=aksara"]);
            command.arg(format!("--port={}", setup.port)).arg("ping");
            command
        },
        url: |port| format!("mysql://aksara:aksara@127.0.0.1:{port}/mysql"),
    },
];

/// That in which plugins keep their cache.
pub(crate) const REDIS: Kind = Kind {
    name: "Redis",
    variable: "AKSARA_TEST_REDIS_URL",
    package: "redis-server",
    binaries: &["redis-server", "redis-cli"],
    users: ["redis", "nobody"],
    start: |setup| {
        let mut server = setup.command("redis-server");
        server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        server.args(["--port", &setup.port.to_string()]);
        Ok(server)
    },
    is_ready: |setup| {
        let mut command = setup.command("redis-cli");
        // It exits with 0 whatever the answer, once there is one.
        command.args(["-h", "127.0.0.1", "-p", &setup.port.to_string(), "ping"]);
        command
    },
    url: |port| format!("redis://127.0.0.1:{port}/0"),
};

impl Kind {
    /// Whether its programs are installed, or a running server is named.
    pub(crate) fn is_there(&self) -> bool {
        std::env::var_os(self.variable).is_some() || self.binaries.iter().all(|name| find(name).is_some())
    }

    /// The server to test against; `None` where it is not installed, which it says.
    ///
    /// # Errors
    /// When it does not start, and under CI when it is not installed.
    pub(crate) fn server(&'static self) -> Result<Option<Server>> {
        if let Ok(url) = std::env::var(self.variable) {
            return Ok(Some(Server { url, running: None }));
        }
        if !self.is_there() {
            let Kind { name, package, variable, .. } = self;
            let how = format!("install the package `{package}`, or name a server in `{variable}`");
            if std::env::var_os("CI").is_some() {
                bail!("{name} is not installed; {how}");
            }
            println!("\nNOT TESTED: {name} is not installed; {how}\n");
            return Ok(None);
        }
        let running = Running::start(self).with_context(|| format!("starting {}", self.name))?;
        Ok(Some(Server { url: (self.url)(running.setup.port), running: Some(running) }))
    }
}

/// A server that runs; one that was started here ends when this is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    #[expect(dead_code, reason = "kept for its drop")]
    running: Option<Running>,
}

struct Running {
    process: Child,
    setup: Setup,
}

/// Where a temporary server lives, and as whom.
struct Setup {
    folder: TempDir,
    port: u16,
    /// The servers of databases do not run as root.
    user: Option<(u32, u32)>,
}

impl Setup {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(find(name).unwrap_or_else(|| name.into()));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Running {
    fn start(kind: &Kind) -> Result<Running> {
        let folder = TempDir::with_prefix("aksara-test-")?;
        let user = unprivileged(kind.users)?;
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let setup = Setup { folder, port, user };
        let log = setup.folder.path().join("log");
        let mut command = (kind.start)(&setup)?;
        let process = command.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let mut running = Running { process, setup };
        let start = Instant::now();
        while !succeeds(&mut (kind.is_ready)(&running.setup))? {
            let ended = running.process.try_wait()?.is_some();
            if ended || start.elapsed() > START {
                bail!("it did not start; its log ends with:\n{}", tail(&log));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing in it is needed any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn postgres(setup: &Setup) -> Result<Command> {
    let mut init = setup.command("initdb");
    init.arg("--pgdata").arg(setup.data());
    init.args(["--username=aksara", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    prepare(init)?;
    let mut server = setup.command("postgres");
    server
        .arg("-D")
        .arg(setup.data())
        .arg("-k")
        .arg(setup.folder.path())
        .args(["-p", &setup.port.to_string()]);
    for option in ["listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "max_connections=300"] {
        server.args(["-c", option]);
    }
    Ok(server)
}

fn mariadb(setup: &Setup) -> Result<Command> {
    let mut init = setup.command("mariadb-install-db");
    init.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
    init.arg(format!("--datadir={}", setup.data().display()));
    prepare(init)?;
    let users = setup.folder.path().join("users.sql");
    let grants = "CREATE USER 'aksara'@'%' IDENTIFIED BY 'aksara';\nGRANT ALL ON *.* TO 'aksara'@'%';\n";
    std::fs::write(&users, grants)?;
    let mut server = setup.command("mariadbd");
    server.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
    server.args(["--innodb-flush-log-at-trx-commit=0", "--max-connections=300"]);
    server.arg(format!("--datadir={}", setup.data().display())).arg(format!("--port={}", setup.port));
    server.arg(format!("--socket={}", setup.folder.path().join("socket").display()));
    server.arg(format!("--init-file={}", users.display()));
    Ok(server)
}

fn prepare(mut command: Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("cannot prepare its folder: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn succeeds(command: &mut Command) -> Result<bool> {
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}

/// The user and group to run a server as; none when we are not root.
fn unprivileged(users: [&str; 2]) -> Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2);
        Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
    };
    match users.into_iter().find_map(ids) {
        Some(ids) => Ok(Some(ids)),
        None => {
            bail!("it does not run as root, and there is neither a user `{}` nor `{}`", users[0], users[1])
        }
    }
}

/// A program in the PATH, or where Debian keeps those of PostgreSQL.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
