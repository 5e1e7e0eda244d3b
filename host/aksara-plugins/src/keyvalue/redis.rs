//! Buckets in Redis.

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, RedisError, RedisResult, cmd};

use super::{KeyPage, KeyValue, Stored};

/// Buckets in a Redis server, or one that speaks its protocol, shared by all processes that connect to it.
///
/// The key `k` of the bucket `b` is the string `PREFIXb:k`, in which `%` and `:` of the bucket's name are `%25` and `%3A`:
/// programs can read it, and `maxmemory-policy` evicts key by key. A connection that was lost is opened again, and
/// what failed by that is asked once more.
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
    prefix: String,
}

/// Why there is no connection to Redis.
#[derive(Debug, thiserror::Error)]
pub enum RedisConnectError {
    /// The URL is none of Redis.
    #[error("this is no URL of Redis; write `redis://HOST:PORT/DATABASE`, or `rediss://` for TLS: {0}")]
    Url(#[source] RedisError),
    /// The server cannot be reached, or refuses us.
    #[error(
        "cannot connect to Redis at `{address}`; see whether it runs and whether the password is right: {source}"
    )]
    Unreachable {
        /// Its host and port.
        address: String,
        /// What went wrong.
        source: RedisError,
    },
}

impl RedisStore {
    /// Connects to `redis://:PASSWORD@HOST:PORT/DATABASE`. All keys will begin with the prefix, which keeps programs apart
    /// that share a database; it may be empty.
    ///
    /// # Errors
    /// When the URL is none, or the server cannot be reached within a second.
    pub async fn connect(url: &str, prefix: &str) -> Result<RedisStore, RedisConnectError> {
        let client = Client::open(url).map_err(RedisConnectError::Url)?;
        let address = client.get_connection_info().addr().to_string();
        // A plugin waits no longer than its deadline for a server that is gone.
        let config = ConnectionManagerConfig::new().set_number_of_retries(1);
        match ConnectionManager::new_with_config(client, config).await {
            Ok(connection) => Ok(RedisStore { connection, prefix: prefix.to_owned() }),
            Err(source) => Err(RedisConnectError::Unreachable { address, source }),
        }
    }

    /// Runs a command, all of which may be run twice.
    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, String> {
        let mut connection = self.connection.clone();
        let answer: RedisResult<T> = match command.query_async(&mut connection).await {
            Err(error) if error.is_connection_dropped() => command.query_async(&mut connection).await,
            answer => answer,
        };
        answer.map_err(|error| format!("Redis: {error}"))
    }

    fn key(&self, bucket: &str, key: &str) -> String {
        // Else the bucket `a` would have a part of the bucket `a:b`.
        let bucket = bucket.replace('%', "%25").replace(':', "%3A");
        format!("{}{bucket}:{key}", self.prefix)
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl KeyValue for RedisStore {
    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        Box::pin(async move { self.run(cmd("GET").arg(self.key(bucket, key))).await })
    }

    fn set<'a>(&'a self, bucket: &'a str, key: &'a str, value: Vec<u8>) -> Stored<'a, ()> {
        Box::pin(async move { self.run(cmd("SET").arg(self.key(bucket, key)).arg(value)).await })
    }

    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, ()> {
        Box::pin(async move { self.run(cmd("DEL").arg(self.key(bucket, key))).await })
    }

    fn keys<'a>(&'a self, bucket: &'a str, cursor: u64, count: usize) -> Stored<'a, KeyPage> {
        Box::pin(async move {
            let begin = self.key(bucket, "");
            let pattern = format!("{}*", escaped(&begin));
            let mut cursor = cursor;
            loop {
                let mut scan = cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(count);
                let (next, keys): (u64, Vec<String>) = self.run(&scan).await?;
                // Other keys of the database make for empty pages.
                if keys.is_empty() && next != 0 {
                    cursor = next;
                    continue;
                }
                let keys =
                    keys.iter().filter_map(|key| key.strip_prefix(&begin)).map(str::to_owned).collect();
                return Ok(KeyPage { keys, cursor: (next != 0).then_some(next) });
            }
        })
    }
}

/// A pattern for this text alone.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
