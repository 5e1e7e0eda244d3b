//! Plugins without a toolchain: a plain `NAME.js` in the plugins folder.

use std::path::PathBuf;

use aksara::prelude::*;
use aksara::{Limits, Plugins, PluginsOptions, open_plugins};
use aksara_tests::{TestDb, javascript_runner, plugin};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
struct Script {
    #[field(primary_key)]
    id: i64,
    title: String,
    slug: String,
}

/// A folder that scripts are dropped into, and a database that hears them.
struct Scripts {
    folder: TempDir,
    plugins: Plugins,
    test: TestDb,
}

impl Scripts {
    /// `None` where the runner is not built.
    async fn open(runner: Option<PathBuf>) -> Option<Scripts> {
        let javascript = Some(runner?);
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        let limits = Limits { deadline_ms: 1_000, ..Limits::default() };
        let options = PluginsOptions { limits, javascript, ..PluginsOptions::default() };
        let plugins = open_plugins(folder.path().join("plugins"), options).await.unwrap();
        let alias = Uuid::now_v7().to_string();
        let test = TestDb::opened::<(Script,)>(|options| options.plugins(&plugins).alias(alias)).await;
        Some(Scripts { folder, plugins, test })
    }

    async fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("plugins").join(name), text).unwrap();
        self.plugins.rescan().await;
    }

    fn failure(&self) -> Option<String> {
        self.plugins.status()[0].failure.as_ref().map(ToString::to_string)
    }

    /// The slug of a page that is saved; or why it is not.
    async fn slug(&self, title: &str) -> String {
        match Script::objects(&self.test.db).create(Script { title: title.into(), ..Script::default() }).await
        {
            Ok(page) => page.slug.clone(),
            Err(error) => error.to_string(),
        }
    }
}

#[tokio::test]
async fn edit_save_live() {
    let Some(scripts) = Scripts::open(javascript_runner()).await else { return };
    scripts.write("pages.js", "preSave('Script', ({ instance }) => { instance.slug = 'one'; });").await;
    assert_eq!((scripts.failure(), scripts.slug("Hello").await), (None, "one".to_owned()));
    let imported = "
        import { preSave, models as rows } from \"aksara\";

        const wait = async (value) => { await null; return value; };
        class Slugs { async of(title) { return (await wait(title)).toLowerCase(); } }

        async function slug({ instance }) {
            const found = [await new Slugs().of(instance.title), await wait(2)];
            instance.slug = (await Promise.all(found.map(async (it) => await wait(it)))).join('-');
        }
        preSave('Script', slug, { reads: ['title', 'slug'], writes: ['slug'] });
    ";
    scripts.write("pages.js", imported).await;
    assert_eq!((scripts.failure(), scripts.slug("Hello").await), (None, "hello-2".to_owned()));
    std::fs::remove_file(scripts.folder.path().join("plugins/pages.js")).unwrap();
    scripts.plugins.rescan().await;
    assert_eq!(scripts.slug("Hello").await, "");
}

#[tokio::test]
async fn errors_have_line_numbers() {
    let Some(scripts) = Scripts::open(javascript_runner()).await else { return };
    scripts.write("pages.js", "preSave('Script', ({ instance }) => { instance.slug = 'one'; });").await;
    for (script, expected) in [
        ("const a = 1;\nconst b = ;\n", "pages.js:2: Unexpected token"),
        ("\n\nnothere();", "ReferenceError: nothere is not defined\\n    at <anonymous> (pages.js:3)"),
        ("import fs from 'fs';", "pages.js:1: a plain script imports nothing but \"aksara\", found \"fs\""),
        ("await 1;", "pages.js:1: "),
    ] {
        scripts.write("pages.js", script).await;
        let failure = scripts.failure().unwrap();
        assert!(failure.contains(expected), "{script}: {failure}");
        // What served before goes on.
        assert_eq!(scripts.slug("Hello").await, "one", "{script}");
    }
    let raises = "function explode(x) {\n  return x.nothing.more;\n}\npreSave('Script', async () => {\n  explode({});\n});";
    scripts.write("pages.js", raises).await;
    let error = scripts.slug("Hello").await;
    assert!(error.contains("TypeError: cannot read property 'more' of undefined"), "{error}");
    assert!(error.contains("explode (pages.js:2)"), "{error}");
}

#[tokio::test]
async fn scripts_have_the_grants_and_limits_of_any_plugin() {
    let Some(scripts) = Scripts::open(javascript_runner()).await else { return };
    let counts = "preSave('Script', ({ instance }) => { instance.slug = `${models('Script').count()}`; });";
    scripts.write("pages.js", counts).await;
    let denied = scripts.slug("Hello").await;
    assert!(denied.contains("`count` on the model `Script` is not granted"), "{denied}");
    let granted =
        format!("plugin({{ version: '2.0.0', grants: {{ models: {{ Script: ['count'] }} }} }});\n{counts}");
    scripts.write("pages.js", &granted).await;
    assert_eq!((scripts.failure(), scripts.slug("Hello").await), (None, "0".to_owned()));
    assert_eq!(scripts.plugins.set().all().next().unwrap().revision().version(), "2.0.0");
    scripts.write("pages.js", "preSave('Script', () => { for (;;); });").await;
    let slow = scripts.slug("Hello").await;
    assert!(slow.contains("ran longer than 1000 ms"), "{slow}");
    let policy = scripts.folder.path().join("plugins.toml");
    std::fs::write(policy, "profile = \"production\"\nend = true\n").unwrap();
    scripts.plugins.rescan().await;
    assert!(scripts.failure().unwrap().contains("nobody has approved of it"), "{:?}", scripts.failure());
}

#[tokio::test]
async fn scripts_send_http_requests_where_that_is_granted() {
    let Some(scripts) = Scripts::open(javascript_runner()).await else { return };
    let server = crate::http::echo().await;
    let fetches = format!(
        "preSave('Script', async ({{ instance }}) => {{
            const response = await fetch('http://{server}/missing');
            instance.slug = `${{response.status}} ${{await response.text()}}`;
        }});"
    );
    scripts.write("pages.js", &fetches).await;
    let denied = scripts.slug("Hello").await;
    assert!(denied.contains("the host and port are not granted"), "{denied}");
    scripts.write("pages.js", &format!("plugin({{ grants: {{ http: ['{server}'] }} }});\n{fetches}")).await;
    assert_eq!((scripts.failure(), scripts.slug("Hello").await), (None, "404 there is none".to_owned()));
}

#[tokio::test]
async fn two_files_with_one_name_are_one_plugin_too_many() {
    let Some(scripts) = Scripts::open(javascript_runner()).await else { return };
    std::fs::copy(plugin("slugify"), scripts.folder.path().join("plugins/slugify.wasm")).unwrap();
    scripts.write("slugify.js", "preSave('Script', () => {});").await;
    let failure = scripts.failure().unwrap();
    assert!(failure.contains("slugify.js`, which is not used; remove one of them"), "{failure}");
    assert_eq!(scripts.plugins.set().all().next().unwrap().id(), "slugify/generate_slug");
    std::fs::remove_file(scripts.folder.path().join("plugins/slugify.js")).unwrap();
    scripts.plugins.rescan().await;
    assert_eq!(scripts.failure(), None);
}

#[tokio::test]
async fn without_a_runner_the_error_says_how_to_get_one() {
    let nowhere = PathBuf::from("/nowhere/javascript.wasm");
    let scripts = Scripts::open(Some(nowhere)).await.unwrap();
    scripts.write("pages.js", "preSave('Script', () => {});").await;
    let failure = scripts.failure().unwrap();
    assert!(
        failure.contains("`/nowhere/javascript.wasm`") && failure.contains("AKSARA_JAVASCRIPT"),
        "{failure}"
    );
}

/// A script that hears nothing is a part of one, or none.
#[tokio::test]
async fn a_script_without_handlers_takes_the_place_of_nothing() {
    let Some(runner) = aksara_tests::javascript_runner() else { return };
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("shout.js");
    std::fs::write(&path, "preSave('Note', () => {});\n").unwrap();
    let limits = Limits { deadline_ms: 1_000, ..Limits::default() };
    let options = PluginsOptions { limits, javascript: Some(runner), ..PluginsOptions::default() };
    let plugins = aksara::open_plugins(folder.path(), options).await.unwrap();
    let serving = plugins.status()[0].serving.clone();
    assert!(serving.is_some(), "{:?}", plugins.status());
    for text in ["", "\n", "// preSave('Note', () => {});\n", "const a = 1;\n"] {
        std::fs::write(&path, text).unwrap();
        plugins.rescan().await;
        let status = plugins.status().remove(0);
        assert_eq!(status.serving, serving, "{text}");
        assert_eq!(
            status.failure.unwrap().to_string(),
            "it has no handlers; a plugin that hears nothing does not take the place of one that serves"
        );
    }
}
