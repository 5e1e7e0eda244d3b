//! `plugins.md`, "Reload": plugins change while the database is in use.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aksara::prelude::*;
use aksara::{Limits, Plugins, open_plugins};
use aksara_tests::{TestDb, plugin, plugins_folder};

#[derive(Model, Clone, Debug)]
struct Marked {
    #[field(primary_key)]
    id: i64,
    first: String,
    second: String,
}

/// The plugin `marker` with another number in it.
fn revision(number: usize) -> Vec<u8> {
    let mut bytes = std::fs::read(plugin("marker")).unwrap();
    let (from, to) = (b"REVISION-0000", format!("REVISION-{number:04}"));
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|place| bytes[*place..].starts_with(from)).collect();
    assert!(!places.is_empty(), "the marker is in the file");
    for place in places {
        bytes[place..place + from.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// Puts a file into the folder in one step.
fn put(folder: &Path, bytes: &[u8]) {
    let new = folder.join("marker.new");
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(new, folder.join("marker.wasm")).unwrap();
}

async fn mark(db: &Db) -> (String, String) {
    let marked = Marked::objects(db).create(Marked::default()).await.unwrap();
    (marked.first.clone(), marked.second.clone())
}

fn both(number: usize) -> (String, String) {
    (format!("REVISION-{number:04}"), format!("REVISION-{number:04}"))
}

/// Waits until the state of the plugins is as wanted.
async fn wait_for(plugins: &Plugins, wanted: impl Fn(&Plugins) -> bool) {
    let mut generation = plugins.subscribe();
    let wait = async {
        while !wanted(plugins) {
            generation.changed().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
    assert!(waited.is_ok(), "{:?}", plugins.status());
}

fn serving(plugins: &Plugins) -> Option<String> {
    plugins.status().first()?.serving.as_ref().map(|serving| serving.digest.clone())
}

async fn watched() -> (TestDb, Plugins, tempfile::TempDir) {
    let folder = plugins_folder(&[]);
    let plugins = open_plugins(folder.path(), Limits::default()).await.unwrap();
    let test = TestDb::opened::<(Marked,)>(|options| options.plugins(&plugins)).await;
    (test, plugins, folder)
}

#[tokio::test]
async fn a_file_added_replaced_and_removed_is_live_on_the_next_save() {
    let (test, plugins, folder) = watched().await;
    assert_eq!(mark(&test.db).await, Default::default());
    put(folder.path(), &revision(1));
    wait_for(&plugins, |plugins| serving(plugins).is_some()).await;
    assert_eq!(mark(&test.db).await, both(1));
    let before = serving(&plugins);
    put(folder.path(), &revision(2));
    wait_for(&plugins, |plugins| serving(plugins) != before).await;
    assert_eq!(mark(&test.db).await, both(2));
    std::fs::remove_file(folder.path().join("marker.wasm")).unwrap();
    wait_for(&plugins, |plugins| plugins.status().is_empty()).await;
    assert_eq!(mark(&test.db).await, Default::default());
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_revision_serving_and_says_why() {
    let (test, plugins, folder) = watched().await;
    put(folder.path(), &revision(1));
    wait_for(&plugins, |plugins| serving(plugins).is_some()).await;
    let whole = revision(2);
    let broken: [&[u8]; 4] = [b"", b"not wasm", &whole[..whole.len() / 2], b"\0asm\x01\0\0\0"];
    for bytes in broken {
        put(folder.path(), b"something else in between");
        plugins.rescan().await;
        put(folder.path(), bytes);
        plugins.rescan().await;
        let status = plugins.status().remove(0);
        assert!(status.serving.is_some() && status.failure.is_some(), "{status:?}");
        assert_eq!(mark(&test.db).await, both(1));
    }
    insta::assert_snapshot!(plugins.status()[0].failure.clone().unwrap(), @"the file is no WebAssembly component: it is a core module; `aksara build` makes it a component");
    put(folder.path(), &whole);
    wait_for(&plugins, |plugins| plugins.status()[0].failure.is_none()).await;
    assert_eq!(mark(&test.db).await, both(2));
}

#[tokio::test]
async fn a_half_written_file_counts_when_it_is_complete() {
    let (test, plugins, folder) = watched().await;
    put(folder.path(), &revision(1));
    wait_for(&plugins, |plugins| serving(plugins).is_some()).await;
    let before = serving(&plugins);
    let bytes = revision(2);
    let path = folder.path().join("marker.wasm");
    // Written in place and slowly, as a copy over a network is.
    let mut file = std::fs::File::create(&path).unwrap();
    for part in bytes.chunks(bytes.len() / 5) {
        std::io::Write::write_all(&mut file, part).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        let marked = mark(&test.db).await;
        assert!(marked == both(1) || marked == both(2), "{marked:?}");
    }
    wait_for(&plugins, |plugins| serving(plugins) != before && plugins.status()[0].failure.is_none()).await;
    assert_eq!(mark(&test.db).await, both(2));
}

#[cfg(unix)]
#[tokio::test]
async fn what_looks_like_a_plugin_and_is_left_out_is_told() {
    let (_test, plugins, folder) = watched().await;
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(plugin("marker"), path("marker.wasm")).unwrap();
    std::fs::create_dir(path("folder.wasm")).unwrap();
    std::fs::copy(plugin("marker"), path("folder.wasm/marker.wasm")).unwrap();
    for name in ["a.mjs", "b.ts", "C.JS", "notes.txt", "README.md"] {
        std::fs::write(path(name), "on").unwrap();
    }
    plugins.rescan().await;
    let told = || {
        let failures = plugins.status().into_iter().map(|status| {
            assert_eq!(status.serving, None);
            status.failure.unwrap().to_string()
        });
        failures.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(), @r"
    `C.JS` is left out: its ending has capital letters; rename it to `.wasm` or `.js`
    `a.mjs` is left out: a script is `NAME.js`; rename it
    `b.ts` is left out: it is a source; build it with `aksara build`, and put the `.wasm` there
    `folder.wasm` is left out: it is not a file
    `marker.wasm` is left out: it is a link; put the file itself there
    ");
    // Put right, it is loaded, and no more said of it.
    std::fs::remove_file(path("marker.wasm")).unwrap();
    put(folder.path(), &revision(1));
    std::fs::remove_dir_all(path("folder.wasm")).unwrap();
    for name in ["a.mjs", "b.ts", "C.JS"] {
        std::fs::remove_file(path(name)).unwrap();
    }
    wait_for(&plugins, |plugins| plugins.status().len() == 1 && serving(plugins).is_some()).await;
    assert_eq!(plugins.status()[0].failure, None);
}

#[tokio::test]
async fn a_plugin_under_another_name_is_refused() {
    let (_test, plugins, folder) = watched().await;
    std::fs::copy(plugin("marker"), folder.path().join("other.wasm")).unwrap();
    plugins.rescan().await;
    let failure = plugins.status()[0].failure.clone().unwrap();
    insta::assert_snapshot!(failure, @"the plugin is called `marker`, and its file `other.wasm`; rename the file to `marker.wasm`");
}

/// Dispatch 3: a transaction keeps the plugins that it began with.
#[tokio::test]
async fn a_transaction_keeps_the_plugins_that_it_began_with() {
    let (test, plugins, folder) = watched().await;
    put(folder.path(), &revision(1));
    wait_for(&plugins, |plugins| serving(plugins).is_some()).await;
    let before = serving(&plugins);
    let inside: Result<(), aksara::Error> = test
        .db
        .transaction(async |tx| {
            assert_eq!(mark(&tx).await, both(1));
            put(folder.path(), &revision(2));
            wait_for(&plugins, |plugins| serving(plugins) != before).await;
            assert_eq!(mark(&tx).await, both(1));
            Ok(())
        })
        .await;
    inside.unwrap();
    assert_eq!(mark(&test.db).await, both(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_replacements_under_load_lose_no_call_and_mix_no_revisions() {
    let (test, plugins, folder) = watched().await;
    put(folder.path(), &revision(0));
    wait_for(&plugins, |plugins| serving(plugins).is_some()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let savers = (0..3).map(|_| {
        let (db, stop) = (test.db.clone(), stop.clone());
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let (first, second) = mark(&db).await;
                assert_eq!(first, second, "one save is served by one revision");
                assert!(first.starts_with("REVISION-"), "no save goes unserved");
                seen.push(first);
            }
            seen
        })
    });
    let savers: Vec<_> = savers.collect();
    for number in 1..=50 {
        let before = serving(&plugins);
        put(folder.path(), &revision(number));
        wait_for(&plugins, |plugins| serving(plugins) != before).await;
        // What is saved from now on is served by the new revision.
        assert_eq!(mark(&test.db).await, both(number));
    }
    stop.store(true, Ordering::Relaxed);
    let mut saved = 51 - 1;
    for saver in savers {
        let seen = saver.await.unwrap();
        assert!(seen.is_sorted(), "no save goes back to an older revision");
        saved += seen.len();
    }
    assert_eq!(Marked::objects(&test.db).count().await.unwrap(), saved as u64);
    let calls = plugins.status()[0].calls;
    assert_eq!(calls, 2 * saved as u64, "each save is two calls");
}

/// A file that is empty, or hears nothing, or is not closed yet, is refused, and what served goes on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_is_not_closed_takes_the_place_of_nothing() {
    let (test, plugins, folder) = watched().await;
    put(folder.path(), &revision(1));
    wait_for(&plugins, |plugins| serving(plugins).is_some()).await;
    let before = serving(&plugins);
    let path = folder.path().join("marker.wasm");
    let mut file = std::fs::File::create(&path).unwrap();
    // The whole revision, and not closed: more may come.
    std::io::Write::write_all(&mut file, &revision(2)).unwrap();
    wait_for(&plugins, |plugins| plugins.status()[0].failure.is_some()).await;
    let failure = plugins.status()[0].failure.clone().unwrap();
    insta::assert_snapshot!(failure, @"the file is still being written; it is loaded when it is closed");
    assert_eq!((serving(&plugins), mark(&test.db).await), (before, both(1)));
    drop(file);
    wait_for(&plugins, |plugins| plugins.status()[0].failure.is_none()).await;
    assert_eq!(mark(&test.db).await, both(2));
    std::fs::write(&path, "").unwrap();
    wait_for(&plugins, |plugins| plugins.status()[0].failure.is_some()).await;
    assert_eq!(mark(&test.db).await, both(2));
}

/// The watch is on what is at the path, not on the folder that was there first.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_in_the_place_of_the_one_before_is_watched() {
    let parent = tempfile::TempDir::new().unwrap();
    let (folder, away) = (parent.path().join("plugins"), parent.path().join("away"));
    std::fs::create_dir(&folder).unwrap();
    let plugins = open_plugins(&folder, Limits::default()).await.unwrap();
    let ways: [&dyn Fn(); 4] = [
        &|| {
            std::fs::rename(&folder, &away).unwrap();
            std::fs::rename(&away, &folder).unwrap();
        },
        &|| {
            std::fs::remove_dir_all(&folder).unwrap();
            std::fs::create_dir(&folder).unwrap();
        },
        &|| {
            std::fs::create_dir(&away).unwrap();
            std::fs::rename(&folder, parent.path().join("old")).unwrap();
            std::fs::rename(&away, &folder).unwrap();
        },
        &|| {
            std::fs::rename(&folder, &away).unwrap();
            std::fs::create_dir(&folder).unwrap();
        },
    ];
    for (number, replace) in ways.into_iter().enumerate() {
        replace();
        // Twice: the watch that was renewed once has to be heard again.
        for part in [1, 2] {
            let before = serving(&plugins);
            put(&folder, &revision(10 * number + part));
            wait_for(&plugins, |plugins| serving(plugins).is_some() && serving(plugins) != before).await;
        }
    }
}
