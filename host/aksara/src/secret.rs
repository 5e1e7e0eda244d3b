//! What may be shown of a URL that holds secrets: user names and places, never passwords, tokens or keys.

use std::fmt;

/// A URL that is shown without its secrets.
#[derive(Clone)]
pub(crate) struct SecretUrl(String);

impl SecretUrl {
    pub(crate) fn new(url: String) -> Self {
        SecretUrl(url)
    }

    /// Returns the URL as it was given, for the driver alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns a text of a driver, without what it repeats of the secrets.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        // Of two secrets, one may be a part of the other.
        let mut secrets = self.secrets();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// The secrets, as they are written and as a driver decodes them.
    fn secrets(&self) -> Vec<String> {
        let (_, credentials, _, query) = self.parts();
        let password = credentials
            .map(|credentials| credentials.split_once(':').map_or(credentials, |(_, password)| password));
        let pairs = query.into_iter().flat_map(|query| query.split('&'));
        // What has no name is shown as little as what has an unknown one.
        let values = pairs.map(|pair| pair.split_once('=').unwrap_or(("", pair)));
        let values = values.filter(|(key, _)| !is_harmless(key)).map(|(_, value)| value);
        let written = password.into_iter().chain(values).filter(|secret| !secret.is_empty());
        written.flat_map(|secret| [secret.to_owned(), decoded(secret)]).collect()
    }

    /// Scheme with its separator, credentials, place, and query. A password may hold any character: it ends at the last `@`.
    fn parts(&self) -> (&str, Option<&str>, &str, Option<&str>) {
        let begin =
            self.0.find("://").map(|at| at + 3).or_else(|| self.0.find(':').map(|at| at + 1)).unwrap_or(0);
        let (scheme, rest) = self.0.split_at(begin);
        let (credentials, rest) = match rest.rsplit_once('@') {
            // A file's name, or a value of the query, may hold one as well.
            Some(_) if scheme.starts_with("sqlite") => (None, rest),
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        match rest.split_once('?') {
            Some((place, query)) => (scheme, credentials, place, Some(query)),
            None => (scheme, credentials, rest, None),
        }
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, credentials, place, query) = self.parts();
        f.write_str(scheme)?;
        match credentials.map(|credentials| credentials.split_once(':')) {
            Some(Some((user, _))) => write!(f, "{user}:***@")?,
            Some(None) => f.write_str("***@")?,
            None => {}
        }
        f.write_str(place)?;
        for (index, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            match pair.split_once('=') {
                Some((key, _)) if !is_harmless(key) => write!(f, "{separator}{key}=***")?,
                Some(_) => write!(f, "{separator}{pair}")?,
                None => write!(f, "{separator}***")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Whether a parameter holds a setting that may be shown. Any other may be a secret, also one that is misspelt.
fn is_harmless(key: &str) -> bool {
    let key = decoded(key).to_ascii_lowercase();
    let harmless = [
        "mode",
        "cache",
        "immutable",
        "vfs",
        "sslmode",
        "ssl-mode",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "charset",
        "collation",
        "timezone",
        "socket",
        "application_name",
        "statement-cache-capacity",
    ];
    harmless.contains(&key.as_str())
}

/// The text without percent-encoding.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
