//! A folder of things that can be made again: private, and bounded.

use std::io;
use std::path::Path;

#[cfg(unix)]
use self::unix::Handle;

/// What nobody has asked for as long as this is dropped: 30 days.
#[cfg(unix)]
const UNUSED: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 60 * 60);

/// A folder of files that can be made again. It is used only if it belongs to this user alone, and keeps within a size: what
/// was not used for the longest time is dropped first, and what was not used for 30 days in any case.
#[derive(Debug)]
pub struct CacheFolder {
    #[cfg(unix)]
    handle: Handle,
    #[cfg(unix)]
    bytes_max: u64,
}

#[cfg(not(unix))]
impl CacheFolder {
    /// Fails: nothing tells here whose folder it is.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`].
    pub fn open(_: &Path, _: u64) -> io::Result<CacheFolder> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "nothing is cached on this system"))
    }

    /// Returns nothing.
    pub fn get(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    /// Keeps nothing.
    ///
    /// # Errors
    /// None.
    pub fn put(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
impl CacheFolder {
    /// Opens the folder, which is made where there is none. What is there already is never changed.
    ///
    /// # Errors
    /// When it is a link, belongs to another user, or others may write into it; the text says what to do.
    pub fn open(path: &Path, bytes_max: u64) -> io::Result<CacheFolder> {
        Ok(CacheFolder { handle: Handle::open(path)?, bytes_max })
    }

    /// Returns what is kept under a name, which counts as used by that.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.handle.read(name).ok()
    }

    /// Keeps bytes under a name, in the place of those before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.handle.write(name, bytes)?;
        self.trim(name)
    }

    /// Drops what was not used for long, and what is too much.
    fn trim(&self, kept: &str) -> io::Result<()> {
        let mut files = self.handle.files()?;
        // What was just put there stays, however large it is.
        files.sort_by_key(|file| (file.name != kept, std::cmp::Reverse(file.used)));
        let now = std::time::SystemTime::now();
        let mut total = 0;
        for file in files {
            total += file.bytes;
            let is_old = now.duration_since(file.used).is_ok_and(|unused| unused > UNUSED);
            if file.name != kept && (is_old || total > self.bytes_max) {
                total -= file.bytes;
                self.handle.remove(&file.name);
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::SystemTime;

    use rustix::fs::{AtFlags, Dir, Mode, OFlags};

    /// The folder itself, whatever takes its place meanwhile.
    #[derive(Debug)]
    pub(super) struct Handle(OwnedFd);

    /// A file in the folder.
    pub(super) struct Kept {
        pub(super) name: String,
        pub(super) bytes: u64,
        pub(super) used: SystemTime,
    }

    impl Handle {
        pub(super) fn open(path: &Path) -> io::Result<Handle> {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
                rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR => {
                    refused("it is a link; name the folder itself")
                }
                error => error.into(),
            })?;
            let folder = File::from(folder);
            check(&folder.metadata()?)?;
            Ok(Handle(folder.into()))
        }

        fn open_file(&self, name: &str, flags: OFlags) -> io::Result<File> {
            let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?.into())
        }

        pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
            let mut file = self.open_file(name, OFlags::RDONLY)?;
            let metadata = file.metadata()?;
            check(&metadata)?;
            if !metadata.is_file() {
                return Err(refused("it is not a file"));
            }
            let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
            file.read_to_end(&mut bytes)?;
            // It is read all the same where its time cannot be set.
            let _ = file.set_modified(SystemTime::now());
            Ok(bytes)
        }

        pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
            static WRITTEN: AtomicU64 = AtomicU64::new(0);
            let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
            let new = format!("{name}.{}-{number}.new", std::process::id());
            let mut file = self.open_file(&new, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
            let written =
                file.write_all(bytes).and_then(|()| Ok(rustix::fs::renameat(&self.0, &new, &self.0, name)?));
            written.inspect_err(|_| self.remove(&new))
        }

        pub(super) fn files(&self) -> io::Result<Vec<Kept>> {
            let mut files = Vec::new();
            for entry in Dir::read_from(&self.0)? {
                let Ok(name) = entry?.file_name().to_owned().into_string() else { continue };
                // What vanishes meanwhile is not there.
                let Ok(file) = self.open_file(&name, OFlags::RDONLY) else { continue };
                let metadata = file.metadata()?;
                if metadata.is_file() {
                    files.push(Kept { name, bytes: metadata.len(), used: metadata.modified()? });
                }
            }
            Ok(files)
        }

        pub(super) fn remove(&self, name: &str) {
            // Another process has removed it, too.
            let _ = rustix::fs::unlinkat(&self.0, name, AtFlags::empty());
        }
    }

    /// Whether nobody else can have put it there.
    fn check(metadata: &std::fs::Metadata) -> io::Result<()> {
        let user = rustix::process::geteuid().as_raw();
        if metadata.uid() != user {
            let owner = metadata.uid();
            let reason = format!("it belongs to user {owner}, and this is user {user}; name another folder");
            return Err(refused(&reason));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(refused("others may write there; empty it, and take that from them (`chmod go-w`)"));
        }
        Ok(())
    }

    fn refused(reason: &str) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, reason.to_owned())
    }
}
