//! The import `wasi:http`, in WebAssembly: one request from its first header to the last byte of the response.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use aksara_wire::RequestError;

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, Scheme};
use crate::bindings::wasi::io::streams::StreamError;
use crate::http::{Request, Response, shown};

/// What the host takes at once.
const PIECE: usize = 4_096;

/// What is read at once.
const READ: u64 = 64 << 10;

pub(crate) fn send(
    request: &Request,
    scheme: &str,
    authority: &str,
    path: &str,
) -> Result<Response, RequestError> {
    let wrong = |what: &str| RequestError::new(format!("`{}`: {what}", shown(&request.url)));
    let headers = Fields::from_list(&request.headers)
        .map_err(|error| wrong(&format!("a header is refused: {error:?}")))?;
    let outgoing = OutgoingRequest::new(headers);
    outgoing.set_method(&method(&request.method)).map_err(|()| wrong("the method is none"))?;
    outgoing.set_scheme(Some(&self::scheme(scheme))).map_err(|()| wrong("the scheme is none"))?;
    outgoing.set_authority(Some(authority)).map_err(|()| wrong("the host is none"))?;
    outgoing.set_path_with_query(Some(path)).map_err(|()| wrong("the path is none"))?;
    let body = outgoing.body().map_err(|()| wrong("it has no body to write to"))?;
    let failed = |error: ErrorCode| match error {
        ErrorCode::HttpRequestDenied => wrong(
            "the host and port are not granted; ask for them by `http` in `plugin!`, and let the operator grant them",
        ),
        error => wrong(&format!("there is no response: {error}")),
    };
    let future = outgoing_handler::handle(outgoing, None).map_err(failed)?;
    write(body, &request.body).map_err(|error| wrong(&error))?;
    future.subscribe().block();
    let response =
        future.get().and_then(Result::ok).ok_or_else(|| wrong("there is no response"))?.map_err(failed)?;
    let headers = response.headers().entries();
    let body = response.consume().map_err(|()| wrong("the response has no body"))?;
    let stream = body.stream().map_err(|()| wrong("the response has no body"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => return Err(wrong(&error.to_debug_string())),
        }
    }
    Ok(Response { status: response.status(), headers, body: bytes })
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), String> {
    let stream = body.write().map_err(|()| "the body cannot be written".to_owned())?;
    for piece in bytes.chunks(PIECE) {
        stream
            .blocking_write_and_flush(piece)
            .map_err(|error| format!("the body cannot be written: {error}"))?;
    }
    // Before the body, of which it is a part.
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|error| error.to_string())
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn scheme(name: &str) -> Scheme {
    match name {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    }
}
