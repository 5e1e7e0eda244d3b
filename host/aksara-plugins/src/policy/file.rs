//! The file of the policy: read when it is stable, through links, without waiting for a writer. One that cannot be used
//! leaves the policy before it in force.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Policy, Profile, path};
use crate::error::LoadError;
use crate::folder::{STABLE, Stamp};
use crate::options::PluginsOptions;

/// The longest policy, and the longest secret.
const BYTES_MAX: u64 = 1 << 20;

/// How often a file that changes still is looked at before something else is done.
const LOOKS_MAX: u32 = 40;

/// The policy of a folder, and the file that it comes from.
pub(crate) struct PolicyFile {
    path: PathBuf,
    options: PluginsOptions,
    /// What was there when it was last read.
    seen: State,
    /// What was there when it was last good.
    good: State,
    policy: Arc<Policy>,
    failure: Option<LoadError>,
}

/// What is at the path of the policy, or where a link there leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Nothing,
    /// A folder, a pipe, a device, or what cannot be looked at.
    Other,
    File(Stamp),
}

/// What became of a look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looked {
    /// All is as before.
    Same,
    /// Whether the file can be used has changed, and the policy has not.
    Failure,
    /// There is a new policy.
    Policy,
}

impl PolicyFile {
    /// Reads the policy of a folder for the first time. In development there does not have to be one.
    ///
    /// # Errors
    /// [`LoadError::Policy`].
    pub(crate) async fn open(folder: &Path, options: PluginsOptions) -> Result<PolicyFile, LoadError> {
        let mut file = PolicyFile {
            path: path(folder),
            policy: Arc::new(Policy { profile: options.profile, is_blank: true, ..Policy::default() }),
            options,
            seen: State::Nothing,
            good: State::Nothing,
            failure: None,
        };
        let is_read = file.look().await != Looked::Same;
        if !is_read && State::of(&file.path) != State::Nothing {
            file.failure = Some(file.refuse("it changes all the time".to_owned()));
        } else if !is_read && file.options.profile == Profile::Production {
            let reason = "there is none, and in production no plugin serves that it does not name; \
                          `aksara allow NAME.wasm` writes it, or let it have the one line `end = true` to have no plugin";
            file.failure = Some(file.refuse(reason.to_owned()));
        }
        match file.failure {
            Some(failure) => Err(failure),
            None => Ok(file),
        }
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Why the file that is there now cannot be used.
    pub(crate) fn failure(&self) -> Option<&LoadError> {
        self.failure.as_ref()
    }

    /// Reads the file again when it has changed.
    pub(crate) async fn look(&mut self) -> Looked {
        let mut now = State::of(&self.path);
        for _ in 0..LOOKS_MAX {
            if now == self.seen {
                return Looked::Same;
            }
            tokio::time::sleep(STABLE).await;
            let before = std::mem::replace(&mut now, State::of(&self.path));
            if before != now {
                continue;
            }
            let text = match now {
                State::Nothing => Ok(None),
                State::Other => Err("it is not a file that can be read".to_owned()),
                State::File(_) => read(&self.path),
            };
            if State::of(&self.path) == now {
                self.seen = now;
                return self.take(text);
            }
        }
        // It changes still; the next look brings us back.
        Looked::Same
    }

    /// Puts a text into force, or says why not.
    fn take(&mut self, text: Result<Option<String>, String>) -> Looked {
        if self.seen == self.good && self.failure.take().is_some() {
            tracing::info!(policy = %self.path.display(), "the policy is back as it was");
            return Looked::Failure;
        }
        match text.and_then(|text| self.next(text)) {
            Ok(policy) => {
                (self.good, self.failure, self.policy) = (self.seen, None, Arc::new(policy));
                Looked::Policy
            }
            Err(reason) => {
                let failure = self.refuse(reason);
                tracing::error!(error = %failure, "the policy is refused; the one before it holds on");
                self.failure = Some(failure);
                Looked::Failure
            }
        }
    }

    /// The policy of a text that comes after the one in force.
    fn next(&self, text: Option<String>) -> Result<Policy, String> {
        let (before, is_gone) = (&self.policy, text.is_none());
        let holds = |what: &str| Err(format!("it {what}, and what it said before holds on; write it anew"));
        if is_gone && !before.is_blank {
            return holds("is gone");
        }
        let policy = match text {
            Some(text) if text.trim().is_empty() && !before.is_blank => return holds("is empty"),
            text => Policy::parse(&text.unwrap_or_default(), &self.path, &self.options)?,
        };
        if policy.is_blank && !before.is_blank {
            return holds("says nothing any more");
        }
        if policy.profile < before.profile {
            return Err(
                "it does not say `profile = \"production\"` any more; that takes a restart".to_owned()
            );
        }
        Ok(policy)
    }

    fn refuse(&self, reason: String) -> LoadError {
        LoadError::Policy { path: self.path.display().to_string(), reason }
    }
}

impl State {
    fn of(path: &Path) -> State {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => State::File(Stamp::of(&metadata)),
            Err(error) if error.kind() == ErrorKind::NotFound => State::Nothing,
            _ => State::Other,
        }
    }
}

/// Reads a regular file, or one that a link leads to: never more than the limit, and without waiting for a writer. `None`
/// where there is none.
///
/// # Errors
/// Why it cannot be read, in words.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is not a file that can be read".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(format!("it has more than {} KiB", BYTES_MAX >> 10));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| "it is not UTF-8 text".to_owned())
}
