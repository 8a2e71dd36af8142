//! Where the cache is and how to be let in, from the handler's environment.

use crate::settings::{self, Credentials, InvalidSetting, Source};

const URL: &str = "CACHE_URL";
const NAME: &str = "CACHE_NAME";
const USER: &str = "CACHE_USER";
const CA_FILE: &str = "CACHE_CA_FILE";

/// Where the cache is and how to be let in.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    pub(super) iam: Option<Iam>,
}

/// Encryption, for `rediss://`.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    /// PEM of a private authority to trust instead of the public ones.
    pub(super) authority: Option<Vec<u8>>,
}

/// What signs a connection in with IAM.
#[derive(Debug, Clone)]
pub(super) struct Iam {
    pub(super) cache: String,
    pub(super) user: String,
    pub(super) region: String,
    pub(super) credentials: Credentials,
}

impl CacheSettings {
    /// Host and port.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Reads `CACHE_URL` (`redis://host:port`, or `rediss://host:port` with TLS), for IAM
    /// `CACHE_NAME` and `CACHE_USER` (the ids of the replication group and of the user), and for a
    /// server of one's own `CACHE_CA_FILE` (PEM of the authority that signed its certificate).
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn from_env(source: Source<'_>) -> Result<Self, InvalidSetting> {
        let (tls, host, port) = parse_url(&settings::required(source, URL)?)?;
        let authority = authority(source)?;
        if authority.is_some() && !tls {
            return Err(needs_tls(CA_FILE));
        }
        let iam = iam(source)?;
        if iam.is_some() && !tls {
            // The token would cross the network in clear.
            return Err(needs_tls(USER));
        }
        Ok(Self {
            host,
            port,
            tls: tls.then_some(Tls { authority }),
            iam,
        })
    }
}

fn needs_tls(name: &'static str) -> InvalidSetting {
    InvalidSetting::new(
        name,
        format!("needs TLS, so {URL} must begin with rediss://"),
    )
}

fn parse_url(url: &str) -> Result<(bool, String, u16), InvalidSetting> {
    let malformed = || {
        // Not the value: a password may have been put in it.
        InvalidSetting::new(URL, "must be redis://host:port or rediss://host:port")
    };
    let (scheme, address) = url.split_once("://").ok_or_else(malformed)?;
    let tls = match scheme {
        "redis" => false,
        "rediss" => true,
        _ => return Err(malformed()),
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
    let host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
        Some(inner) => inner.ok_or_else(malformed)?,
        None if host.contains(':') => return Err(malformed()),
        None => host,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    let port = port.parse().map_err(|_| malformed())?;
    if host.is_empty() || !host.chars().all(plain) || port == 0 {
        return Err(malformed());
    }
    Ok((tls, host.to_owned(), port))
}

fn authority(source: Source<'_>) -> Result<Option<Vec<u8>>, InvalidSetting> {
    let Some(path) = settings::optional(source, CA_FILE) else {
        return Ok(None);
    };
    std::fs::read(&path)
        .map(Some)
        .map_err(|error| InvalidSetting::new(CA_FILE, format!("cannot be read: {path}: {error}")))
}

fn iam(source: Source<'_>) -> Result<Option<Iam>, InvalidSetting> {
    let cache = settings::optional(source, NAME);
    let user = settings::optional(source, USER);
    let (cache, user) = match (cache, user) {
        (None, None) => return Ok(None),
        (Some(cache), Some(user)) => (cache, user),
        (None, Some(_)) => {
            return Err(InvalidSetting::new(NAME, format!("must go with {USER}")));
        }
        (Some(_), None) => {
            return Err(InvalidSetting::new(USER, format!("must go with {NAME}")));
        }
    };
    for (name, id) in [(NAME, &cache), (USER, &user)] {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !id.bytes().all(plain) {
            let rule = "must have lower-case letters, digits and hyphens only";
            return Err(InvalidSetting::new(name, rule));
        }
    }
    Ok(Some(Iam {
        cache,
        user,
        region: settings::region(source)?,
        credentials: settings::credentials(source)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<CacheSettings, InvalidSetting> {
        CacheSettings::from_env(&|name| {
            pairs
                .iter()
                .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
        })
    }

    #[test]
    fn a_url_says_host_port_and_whether_to_encrypt() {
        for (url, host, port, tls) in [
            ("redis://127.0.0.1:6379", "127.0.0.1", 6379, false),
            (
                "rediss://master.my-cache.abc.euw1.cache.example:6380",
                "master.my-cache.abc.euw1.cache.example",
                6380,
                true,
            ),
            ("redis://[::1]:7000", "::1", 7000, false),
        ] {
            let settings = read(&[("CACHE_URL", url)]).unwrap();
            assert_eq!((settings.host.as_str(), settings.port), (host, port));
            assert_eq!(settings.tls.is_some(), tls);
            assert!(settings.iam.is_none());
        }
    }

    #[test]
    fn a_missing_or_malformed_variable_is_named() {
        assert_eq!(
            read(&[]).unwrap_err().to_string(),
            "the environment variable CACHE_URL is missing"
        );
        for url in [
            "127.0.0.1:6379",
            "http://host:1",
            "redis://host",
            "redis://:1",
            "redis://host:port",
            "redis://host:0",
            "redis://::1:6379",
            "redis://host:6379/0",
            "redis://user:secret@host:6379",
        ] {
            let error = read(&[("CACHE_URL", url)]).unwrap_err();
            assert_eq!(error.name, "CACHE_URL", "{url}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn iam_needs_both_names_tls_a_region_and_credentials() {
        let all = [
            ("CACHE_URL", "rediss://h:1"),
            ("CACHE_NAME", "cqrs-cache"),
            ("CACHE_USER", "cqrs-query"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "A"),
            ("AWS_SECRET_ACCESS_KEY", "S"),
        ];
        assert!(read(&all).unwrap().iam.is_some());
        for missing in [
            "CACHE_NAME",
            "CACHE_USER",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            let rest: Vec<_> = all.into_iter().filter(|(key, _)| *key != missing).collect();
            assert_eq!(read(&rest).unwrap_err().name, missing);
        }
        let with = |name: &'static str, value: &'static str| {
            let swap = move |pair: (&'static str, &'static str)| match pair {
                (key, _) if key == name => (name, value),
                pair => pair,
            };
            read(&all.map(swap)).unwrap_err().name
        };
        assert_eq!(with("CACHE_URL", "redis://h:1"), "CACHE_USER");
        assert_eq!(with("CACHE_USER", "Query&Action=x"), "CACHE_USER");
    }

    #[test]
    fn an_authority_that_cannot_be_read_is_named() {
        let error = read(&[
            ("CACHE_URL", "rediss://h:1"),
            ("CACHE_CA_FILE", "/nowhere.pem"),
        ])
        .unwrap_err();
        assert_eq!(error.name, "CACHE_CA_FILE");
    }
}
