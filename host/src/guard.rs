//! Keeps web pages out.
//!
//! A port is open to every program of this machine, and that includes browsers, which run the code
//! of any page. Two rules shut pages out:
//!
//! - The `Host` must be a loopback name: `127.0.0.1`, `localhost` or `[::1]`. A page whose own name
//!   was made to resolve to 127.0.0.1 (DNS rebinding) is of the same origin as this port, but its
//!   requests carry that name.
//! - A request that a browser marks as another site's is refused: an `Origin` other than this
//!   server's, or a `Sec-Fetch-Site` other than `none` or `same-origin`. Without this rule any page
//!   could post here, since for a plain form a browser asks no leave first.
//!
//! Clients that are no browsers send neither of the marks.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Uri};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns the host and the port by which the client reached this server, or the reason to refuse.
///
/// # Errors
/// The reason, for whoever sent it.
pub fn check<'a>(uri: &Uri, headers: &'a HeaderMap) -> Result<&'a str, &'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Err("The request must have one Host header."),
    };
    let absolute = uri.authority();
    if !is_loopback(host) || absolute.is_some_and(|authority| !is_loopback(authority.as_str())) {
        return Err(
            "The Host must be 127.0.0.1, localhost or [::1]: other names could be a web page's.",
        );
    }
    let own = |origin: &str| origin.strip_prefix("http://") == Some(host);
    let foreign = headers
        .get_all(ORIGIN)
        .iter()
        .any(|origin| !origin.to_str().is_ok_and(own));
    let cross = headers
        .get_all(SEC_FETCH_SITE)
        .iter()
        .any(|site| site != "none" && site != "same-origin");
    if foreign || cross {
        return Err("Requests of other sites' web pages are refused.");
    }
    Ok(host)
}

/// Whether `authority` is a loopback name, with or without a port.
fn is_loopback(authority: &str) -> bool {
    let (name, port) = if authority.starts_with('[') {
        match authority.split_once(']') {
            Some((name, "")) => (name, None),
            Some((name, rest)) => match rest.strip_prefix(':') {
                Some(port) => (name, Some(port)),
                None => return false,
            },
            None => return false,
        }
    } else {
        match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        }
    };
    port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
        && (name == "127.0.0.1" || name == "[::1" || name.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(uri: &str, headers: &[(&'static str, &str)]) -> Result<String, &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        check(&uri.parse().unwrap(), &map).map(str::to_owned)
    }

    #[test]
    fn loopback_names_are_let_in() {
        for host in [
            "127.0.0.1:4000",
            "localhost",
            "LOCALHOST:1",
            "[::1]:4000",
            "[::1]",
        ] {
            assert_eq!(checked("/", &[("host", host)]).as_deref(), Ok(host));
        }
    }

    #[test]
    fn other_names_are_refused() {
        let names = [
            "evil.example",
            "evil.example:4000",
            "localhost.evil.example",
            "a.localhost",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "127.0.0.1:80@evil.example",
            "[::1]evil.example",
            "[::1].evil.example:80",
            "[::2]",
            "0.0.0.0",
            "",
        ];
        for host in names {
            assert!(checked("/", &[("host", host)]).is_err(), "{host}");
        }
        let target = "http://evil.example/";
        assert!(checked(target, &[("host", "localhost")]).is_err());
    }

    #[test]
    fn a_request_without_one_host_is_refused() {
        assert!(checked("/", &[]).is_err());
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert!(checked("/", &twice).is_err());
    }

    #[test]
    fn other_sites_pages_are_refused() {
        let host = ("host", "localhost:4000");
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:3000",
            "localhost:4000",
        ] {
            assert!(
                checked("/", &[host, ("origin", origin)]).is_err(),
                "{origin}"
            );
        }
        for site in ["cross-site", "same-site"] {
            assert!(
                checked("/", &[host, ("sec-fetch-site", site)]).is_err(),
                "{site}"
            );
        }
    }

    #[test]
    fn a_page_of_this_server_and_a_typed_address_are_let_in() {
        let host = ("host", "localhost:4000");
        let own = ("origin", "http://localhost:4000");
        assert!(checked("/", &[host, own, ("sec-fetch-site", "same-origin")]).is_ok());
        assert!(checked("/", &[host, ("sec-fetch-site", "none")]).is_ok());
    }
}
