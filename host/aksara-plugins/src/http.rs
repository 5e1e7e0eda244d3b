//! The import `wasi:http`: requests that go out, to hosts and ports that were granted.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::uri::{Scheme, Uri};
use http::{Request, Response};
use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::add_only_http_to_linker_async;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::addresses::is_public;
use crate::allowance::Allowance;
use crate::revision::Standing;
use crate::state::State;

/// What the names of the import begin with.
pub(crate) const INTERFACES: &str = "wasi:http/";

/// What a call of a plugin that imports HTTP has besides its state.
pub(crate) struct Http {
    context: WasiHttpCtx,
    gate: Gate,
}

/// Lets through what is granted.
struct Gate {
    plugin: Arc<str>,
    standing: Arc<ArcSwap<Standing>>,
    requests: u32,
}

impl Http {
    pub(crate) fn new(plugin: Arc<str>, standing: Arc<ArcSwap<Standing>>) -> Self {
        Http { context: WasiHttpCtx::new(), gate: Gate { plugin, standing, requests: 0 } }
    }

    /// Whether this call has sent any.
    pub(crate) fn has_requested(&self) -> bool {
        self.gate.requests > 0
    }

    /// What calls before have sent does not count.
    pub(crate) fn begin_again(&mut self) {
        self.gate.requests = 0;
    }
}

/// Links the import.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    add_only_http_to_linker_async(linker)
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        match &mut self.wasi {
            Some(wasi) => WasiHttpCtxView {
                hooks: &mut wasi.http.gate,
                table: &mut wasi.table,
                ctx: &mut wasi.http.context,
            },
            None => unreachable!("a plugin that imports WASI is given it"),
        }
    }
}

type Sending<T> = Box<dyn Future<Output = T> + Send>;
type Sent = wasmtime_wasi_http::Result<(Response<WasiBody>, Sending<Result<(), Error>>)>;

impl WasiHttpHooks for Gate {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Sending<Result<(), Error>>,
    ) -> Sending<Sent> {
        let checked = self.check(request.uri());
        let (plugin, allowance) = (self.plugin.clone(), self.standing.load().allowance.clone());
        Box::new(async move {
            checked?;
            let request = resolved(request, &plugin, &allowance).await?;
            let (response, connection) = wasmtime_wasi_http::default_send_request(request, options).await?;
            let response = response.map(http_body_util::BodyExt::boxed_unsync);
            Ok((response, Box::new(connection) as Sending<_>))
        })
    }
}

impl Gate {
    fn check(&mut self, uri: &Uri) -> Result<(), Error> {
        let plugin = &*self.plugin;
        self.requests += 1;
        let standing = self.standing.load();
        let host_calls_max = standing.allowance.limits.host_calls_max;
        if self.requests > host_calls_max {
            tracing::warn!(plugin, host_calls_max, "it sends too many requests; further ones are denied");
            return Err(Error::HttpRequestDenied);
        }
        let target = target(uri).ok_or(Error::HttpRequestUriInvalid)?;
        if !standing.allowance.grants.http.contains(&target) {
            tracing::warn!(plugin, "a request to `{target}` is not granted; `http` in `plugins.toml` would");
            return Err(Error::HttpRequestDenied);
        }
        Ok(())
    }
}

/// The request, to an address that may be connected to. A name leads to one of the internet, unless the address itself is
/// granted too: who runs the name's server says what it leads to, and may say something else the next time.
async fn resolved(
    mut request: Request<WasiBody>,
    plugin: &str,
    allowance: &Allowance,
) -> Result<Request<WasiBody>, Error> {
    let target = target(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    let host = target.rsplit_once(':').map_or(target.as_str(), |(host, _)| host);
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    // Both say by themselves where they lead to.
    if is_address || host == "localhost" {
        return Ok(request);
    }
    let mut addresses = tokio::net::lookup_host(&target).await.map_err(|_| no_such_name())?;
    let address = addresses.next().ok_or_else(no_such_name)?;
    if !is_public(address.ip()) && !allowance.grants.http.contains(&address.to_string()) {
        tracing::warn!(
            plugin,
            "a request to `{target}` is denied: the name leads to `{address}`, which is not on the internet; grant the \
             address itself, if it is meant"
        );
        return Err(Error::HttpRequestDenied);
    }
    // With TLS, the certificate says whether the server is the one that was meant. Without, it is connected to what was checked.
    if request.uri().scheme() == Some(&Scheme::HTTP) {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.authority = address.to_string().parse().ok();
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
    }
    Ok(request)
}

fn no_such_name() -> Error {
    Error::DestinationNotFound
}

/// Host and port of a request: `api.example.com:443`.
fn target(uri: &Uri) -> Option<String> {
    // A name before the host is no part of it, and is easily taken for it.
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let usual = if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
    let port = authority.port_u16().unwrap_or(usual);
    Some(format!("{}:{port}", authority.host().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_host_and_port() {
        let check = |uri: &str, expected: Option<&str>| {
            assert_eq!(target(&uri.parse().unwrap()).as_deref(), expected, "{uri}");
        };
        check("https://API.example.com/a?b", Some("api.example.com:443"));
        check("http://api.example.com", Some("api.example.com:80"));
        check("http://api.example.com:8080/", Some("api.example.com:8080"));
        check("https://[::1]/", Some("[::1]:443"));
        check("https://api.example.com@evil.example/", None);
        check("/path", None);
    }
}
