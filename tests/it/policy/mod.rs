//! `plugins.md`, `plugins.toml`: the policy fails closed, and what it takes away is gone at once.

mod required;
mod taken;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use aksara::prelude::*;
use aksara::{Error, Limits, LoadError, PluginStatus, Plugins, PluginsOptions, Profile, open_plugins};
use aksara_tests::{TestDb, javascript_runner};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
struct Ledger {
    #[field(primary_key)]
    id: i64,
    name: String,
    secret: String,
    seen: String,
}

#[derive(Model, Clone, Debug)]
struct Other {
    #[field(primary_key)]
    id: i64,
    seen: String,
}

/// What it sees of the instance, and of the first row.
const SCRIPT: &str = r#"
plugin({ grants: { models: { Ledger: ["get"] } } });
preSave("Ledger", ({ instance }) => {
  if ("name" in instance && instance.name === "trap") for (;;);
  const first = models("Ledger").get(1);
  instance.seen = `${Object.keys(instance).sort()} ${first ? Object.keys(first).sort() : "none"}`;
}, { name: "look" });
preSave("Other", ({ instance }) => { instance.seen = "other"; }, { name: "other" });
afterCommit("Ledger", () => {}, { name: "after" });
"#;

const HEARD: &str = r#"subscriptions = [
    { signal = "pre_save", sender = "Ledger" },
    { signal = "pre_save", sender = "Other" },
    { signal = "after_commit", sender = "Ledger" },
]
"#;

const GRANTS: &str = "grants = { models = { Ledger = [\"get\"] } }\n";

/// A plugins folder with a script, and the policy beside it.
struct Folder {
    root: TempDir,
    digest: String,
}

impl Folder {
    /// `None` where nothing runs scripts.
    async fn new(policy: &str) -> Option<Folder> {
        javascript_runner()?;
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("plugins")).unwrap();
        let mut folder = Folder { root, digest: String::new() };
        folder.plugin(SCRIPT);
        let plugins = folder.open(Profile::Development).await.unwrap();
        folder.digest = plugins.status()[0].serving.clone().unwrap().digest;
        folder.policy(policy);
        Some(folder)
    }

    fn script(&self) -> PathBuf {
        self.root.path().join("plugins/ledger.js")
    }

    fn plugin(&self, text: &str) {
        replace(&self.script(), text.as_bytes());
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("plugins.toml")
    }

    fn policy(&self, text: &str) {
        replace(&self.path(), text.as_bytes());
    }

    /// The policy that approves of the script, and what else it says of it.
    fn approved(&self, further: &str) -> String {
        let digest = &self.digest;
        format!("[plugins.ledger]\nsha256 = \"{digest}\"\n{further}{HEARD}{GRANTS}end = true\n")
    }

    async fn open(&self, profile: Profile) -> Result<Plugins, LoadError> {
        let limits = Limits { deadline_ms: 1_000, ..Limits::default() };
        let options = PluginsOptions { limits, javascript: javascript_runner(), ..PluginsOptions::default() };
        open_plugins(self.root.path().join("plugins"), options.profile(profile)).await
    }

    async fn serving(&self, profile: Profile) -> (Plugins, TestDb) {
        let plugins = self.open(profile).await.unwrap();
        let alias = Uuid::now_v7().to_string();
        let test = TestDb::opened::<(Ledger, Other)>(|options| options.plugins(&plugins).alias(alias)).await;
        (plugins, test)
    }
}

/// Puts a file there in one step, whatever is there.
fn replace(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, bytes).unwrap();
    if path.is_dir() {
        fs::remove_dir(path).unwrap();
    }
    fs::rename(new, path).unwrap();
}

async fn save(db: &Db) -> Result<String, Error> {
    named(db, "x").await
}

async fn named(db: &Db, name: &str) -> Result<String, Error> {
    let ledger = Ledger { name: name.into(), ..Ledger::default() };
    Ledger::objects(db).create(ledger).await.map(|ledger| ledger.seen.clone())
}

async fn other(db: &Db) -> Result<String, Error> {
    Other::objects(db).create(Other::default()).await.map(|other| other.seen.clone())
}

fn policy_status(plugins: &Plugins) -> Option<PluginStatus> {
    plugins.status().pop().filter(|status| status.name == "plugins.toml")
}

/// What is wrong with the policy.
fn failure(plugins: &Plugins) -> String {
    policy_status(plugins)
        .and_then(|status| status.failure)
        .map(|error| error.to_string())
        .unwrap_or_default()
}

fn refused(saved: Result<String, Error>, expected: &str) {
    let error = saved.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}, not {expected}");
}

const ALL: &str = "id,name,secret,seen";

#[tokio::test]
async fn production_is_chosen_by_the_program_and_needs_a_whole_policy() {
    let Some(folder) = Folder::new("").await else { return };
    let cases = [
        (None, "`aksara allow NAME.wasm` writes it"),
        (Some(""), "its last line is not `end = true`"),
        (Some("profile = \"production\"\n"), "its last line is not `end = true`"),
        (Some("# a\nprofile = \"development\"\nend = true\n"), "line 2: the program has chosen production"),
        (Some("end = true\n[plugins.ledger]\n"), "`end = true` is the last line"),
        (Some("end = true\n[plugins.ledger]\nend = true\n"), "line 1: unknown field `end`"),
    ];
    for (policy, expected) in cases {
        match policy {
            Some(policy) => folder.policy(policy),
            None => fs::remove_file(folder.path()).unwrap(),
        }
        let error = folder.open(Profile::Production).await.unwrap_err().to_string();
        assert!(error.contains("plugins.toml` cannot be used") && error.contains(expected), "{error}");
    }
    // What the file says is a choice of the operator, and can be stricter.
    folder.policy("profile = \"production\"\n");
    let error = folder.open(Profile::Development).await.unwrap_err().to_string();
    assert!(error.contains("its last line is not `end = true`"), "{error}");
    let cases = [
        (Profile::Production, "end = true"),
        (Profile::Production, "profile = \"production\"\r\nend=true\r\n\r\n"),
        (Profile::Development, "profile = \"production\"\nend = true\n"),
    ];
    for (profile, policy) in cases {
        folder.policy(policy);
        let plugins = folder.open(profile).await.unwrap();
        let failure = plugins.status()[0].failure.clone().unwrap().to_string();
        assert!(failure.starts_with("nobody has approved of it"), "{policy}: {failure}");
    }
    folder.policy(&folder.approved(""));
    let (plugins, test) = folder.serving(Profile::Production).await;
    assert_eq!(plugins.status()[0].failure, None);
    assert_eq!(save(&test.db).await.unwrap(), format!("{ALL} none"));
}

/// What it is, what it does to the file, and what is said of that.
type Way<'a> = (&'a str, Box<dyn Fn() + 'a>, &'a str);

/// Whatever becomes of its file, the last good policy is in force, and the state of the plugins says what is wrong.
#[tokio::test]
async fn a_policy_that_cannot_be_used_leaves_the_one_before_in_force() {
    let Some(folder) = Folder::new("").await else { return };
    let whole = folder.approved("fields = { Ledger = { reads = [\"id\", \"name\"] } }\n");
    folder.policy(&whole);
    let (plugins, test) = folder.serving(Profile::Production).await;
    save(&test.db).await.unwrap();
    let path = folder.path();
    let remove = || fs::remove_file(&path).unwrap();
    let huge = "# ".repeat(1 << 20);
    let ways: Vec<Way> = vec![
        ("gone", Box::new(remove), "it is gone"),
        ("empty", Box::new(|| folder.policy("")), "it is empty"),
        ("blank", Box::new(|| fs::write(&path, "\n \n").unwrap()), "it is empty"),
        ("wrong", Box::new(|| folder.policy("[plugin.ledger]\nend = true\n")), "did you mean `plugins`?"),
        ("no TOML", Box::new(|| folder.policy("[plugins\nend = true\n")), "line 1: "),
        (
            "taken back",
            Box::new(|| folder.policy("profile = \"development\"\nend = true\n")),
            "chosen production",
        ),
        ("no text", Box::new(|| replace(&path, b"\xff\nend = true\n")), "it is not UTF-8 text"),
        ("huge", Box::new(|| folder.policy(&format!("{huge}\nend = true\n"))), "it has more than 1024 KiB"),
        (
            "folder",
            Box::new(|| {
                remove();
                fs::create_dir(&path).unwrap();
            }),
            "it is not a file",
        ),
    ];
    let check = async |what: &str, expected: &str| {
        plugins.rescan().await;
        let (failure, status) = (failure(&plugins), plugins.status());
        assert!(failure.contains(expected), "{what}: {failure}");
        assert_eq!((status[0].failure.clone(), status.len()), (None, 2), "{what}");
        assert_eq!(save(&test.db).await.unwrap(), "id,name id,name", "{what}");
        folder.policy(&whole);
        plugins.rescan().await;
        assert!(policy_status(&plugins).is_none(), "{what}: {:?}", policy_status(&plugins));
    };
    for (what, way, expected) in ways {
        way();
        check(what, expected).await;
    }
    for cut in whole.lines().scan(0, |end, line| Some(std::mem::replace(end, *end + line.len() + 1))).skip(1)
    {
        folder.policy(&whole[..cut]);
        check(&whole[..cut], "cannot be used").await;
    }
    #[cfg(unix)]
    {
        remove();
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        check("pipe", "it is not a file").await;
        remove();
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        check("dangling link", "it is gone").await;
    }
}

/// In development as well, what was said holds until something else is said.
#[tokio::test]
async fn a_policy_that_is_gone_gives_nothing_back_in_development() {
    let Some(folder) = Folder::new("[plugins.ledger]\nfields = { Ledger = { reads = [\"id\"] } }\n").await
    else {
        return;
    };
    let (plugins, test) = folder.serving(Profile::Development).await;
    for (what, expected) in
        [("", "it is empty"), ("# all\n", "it says nothing any more"), ("-", "it is gone")]
    {
        match what {
            "-" => fs::remove_file(folder.path()).unwrap(),
            text => folder.policy(text),
        }
        plugins.rescan().await;
        assert!(failure(&plugins).contains(expected), "{what}: {}", failure(&plugins));
        assert!(save(&test.db).await.unwrap().starts_with("id "), "{what}");
    }
    folder.policy("profile = \"development\"\n");
    plugins.rescan().await;
    assert_eq!(failure(&plugins), "");
    assert_eq!(save(&test.db).await.unwrap(), format!("{ALL} {ALL}"));
    // What is stricter holds from then on.
    folder.policy("profile = \"production\"\nend = true\n");
    plugins.rescan().await;
    folder.policy("profile = \"development\"\n");
    plugins.rescan().await;
    assert!(failure(&plugins).contains("any more; that takes a restart"), "{}", failure(&plugins));
}

/// As Kubernetes replaces what it mounts.
#[cfg(unix)]
#[tokio::test]
async fn a_policy_behind_links_is_read_when_a_link_moves() {
    use std::os::unix::fs::symlink;
    let Some(folder) = Folder::new("").await else { return };
    let at = |name: &str| folder.root.path().join(name);
    for (version, reads) in [("v1", "\"id\""), ("v2", "\"id\", \"name\"")] {
        fs::create_dir(at(version)).unwrap();
        let policy = folder.approved(&format!("fields = {{ Ledger = {{ reads = [{reads}] }} }}\n"));
        fs::write(at(version).join("plugins.toml"), policy).unwrap();
    }
    fs::remove_file(folder.path()).unwrap();
    symlink("v1", at("..data")).unwrap();
    symlink("..data/plugins.toml", folder.path()).unwrap();
    let (plugins, test) = folder.serving(Profile::Production).await;
    assert!(save(&test.db).await.unwrap().starts_with("id "));
    symlink("v2", at("..new")).unwrap();
    fs::rename(at("..new"), at("..data")).unwrap();
    plugins.rescan().await;
    assert!(save(&test.db).await.unwrap().starts_with("id,name "));
}
