//! No text tells a reader to install a package of a registry that is not ours: what is not published is installed from this
//! repository, and what is foreign is named with its version.

use std::process::Command;

use aksara_tests::workspace;

/// What installs a package of a registry, up to the package's name.
const COMMANDS: [&str; 12] = [
    "pip install ",
    "pip3 install ",
    "pipx install ",
    "uv add ",
    "npm install ",
    "npm i ",
    "npx ",
    "yarn add ",
    "pnpm add ",
    "cargo add ",
    "cargo install ",
    "go get ",
];

/// Whether the first word behind a command is a path, an option of a command that takes one, a pinned version, or nothing.
fn is_harmless(behind: &str) -> bool {
    let words = behind
        .split_whitespace()
        .map(|word| word.trim_matches(['`', '\'', '"', ',', '.', ';', ')', '{', '}']));
    let mut words = words.filter(|word| !word.is_empty() && !word.starts_with("--"));
    let Some(first) = words.next() else { return true };
    let is_path = first.contains('/') && !first.starts_with('@');
    let is_pinned = first.contains("==") || first.trim_start_matches('@').contains('@');
    // The text goes on after the command, as in "run `npm install` in the folder"; or the name is a pinned constant.
    behind.starts_with(['`', '"']) || first == "_COMPILER" || is_path || is_pinned
}

fn wrong_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| {
        COMMANDS.iter().any(|command| {
            // With the backtick that ends a command right behind its name, there is no package.
            let bare = command.trim_end();
            line.match_indices(bare).any(|(at, _)| {
                let begins = line[..at]
                    .chars()
                    .next_back()
                    .is_none_or(|before| !before.is_alphanumeric() && before != '-');
                let behind = &line[at + bare.len()..];
                begins && behind.starts_with(' ') && !is_harmless(&behind[1..])
            })
        })
    })
}

#[test]
fn no_text_names_a_package_of_a_registry_that_is_not_ours() {
    let listed = Command::new("git").arg("-C").arg(workspace()).args(["ls-files", "-z"]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let files = String::from_utf8(listed.stdout).unwrap();
    let mut wrong = Vec::new();
    for file in files.split('\0').filter(|file| !file.is_empty() && *file != "tests/it/packages.rs") {
        // Some are no text.
        let Ok(text) = std::fs::read_to_string(workspace().join(file)) else { continue };
        wrong.extend(wrong_lines(&text).map(|line| format!("{file}: {}", line.trim())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_foreign_package_is_found_and_a_path_or_a_pinned_version_is_not() {
    let wrong = [
        "pip install aksara",
        "run `npm install aksara` in it",
        "`pip install 'aksara[build]'`",
        "cargo add aksara",
    ];
    let right = [
        "run `npm install` in the folder",
        "pip install './guest-sdk/python[build]'",
        "`pip install componentize-py==0.25.1`",
        "cargo install --locked --path host/aksara-cli",
        "the pip installed it",
    ];
    for line in wrong {
        assert_eq!(wrong_lines(line).count(), 1, "{line}");
    }
    for line in right {
        assert_eq!(wrong_lines(line).count(), 0, "{line}");
    }
}
