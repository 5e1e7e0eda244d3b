//! Writing: files that are complete or not there, and sizes and times for people.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// Writes a file so that whoever watches the folder sees it complete or not at all.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().with_context(|| format!("`{}` names no file", path.display()))?;
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    // Beside the file, since a rename does not cross file systems; the dot and the end keep a host from loading it.
    let temporary = folder.join(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What is left of it is of no use, and the error that matters is the first.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("`{}` cannot be written", path.display()))
}

/// Prints what is wrong with a plugin, for its author: with the line ends of a stack trace, which the host writes as `\n`.
pub(crate) fn fault(text: &str) {
    eprintln!("error: {}", text.replace("\\n", "\n"));
}

/// `773.4 KB`
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// `1.25 ms`
pub(crate) fn duration(duration: Duration) -> String {
    let microseconds = duration.as_secs_f64() * 1e6;
    match microseconds {
        ..1e3 => format!("{microseconds:.0} us"),
        ..1e6 => format!("{:.2} ms", microseconds / 1e3),
        _ => format!("{:.2} s", microseconds / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!(
            (size(999), size(1_000), size(2_345_678)),
            ("999 B".into(), "1.0 KB".into(), "2.3 MB".into())
        );
        let of = |us| duration(Duration::from_micros(us));
        assert_eq!((of(12), of(1_250), of(2_000_000)), ("12 us".into(), "1.25 ms".into(), "2.00 s".into()));
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/slugify.wasm");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
    }
}
