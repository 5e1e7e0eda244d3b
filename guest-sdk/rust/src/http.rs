//! HTTP requests. Each host needs its grant, with its port: `plugin! { .., grants: { http: ["api.example.com:443"] } }`.
//!
//! A request takes of the time that the event may wait, 5 s in all unless the operator says otherwise: send it from
//! `after_commit` where you can. Redirects are not followed.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use aksara_wire::RequestError;

use crate::host;

/// A request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing is sent until `send`"]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// `https://api.example.com/posts?page=2`
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What is sent with it; nothing unless given.
    pub body: Vec<u8>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// 200, 404 and so on.
    pub status: u16,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What came with it.
    pub body: Vec<u8>,
}

/// A GET request.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A POST request with this body.
pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    Request { body: body.into(), ..Request::new("POST", url) }
}

impl Request {
    /// A request by any method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Request { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it, and waits for the whole response.
    ///
    /// # Errors
    /// [`RequestError`]: the URL is none, the grant is missing, or there was no response.
    pub fn send(&self) -> Result<Response, RequestError> {
        let wrong = |what: &str| RequestError::new(format!("`{}` {what}", shown(&self.url)));
        let (scheme, rest) =
            self.url.split_once("://").ok_or_else(|| wrong("has no `http://` or `https://`"))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err(wrong("names no host"));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        host::http(self, scheme, authority, &path)
    }
}

impl Response {
    /// The body as text.
    ///
    /// # Errors
    /// [`RequestError`] when it is not UTF-8.
    pub fn text(&self) -> Result<&str, RequestError> {
        core::str::from_utf8(&self.body)
            .map_err(|_| RequestError::new("the response is no UTF-8 text".to_owned()))
    }

    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        core::str::from_utf8(&found?.1).ok()
    }
}

/// A URL as errors show it: without its query and its user, which may be secrets.
pub(crate) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}{host}{path}")
}
