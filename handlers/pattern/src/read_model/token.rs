//! Signs the password with which IAM lets a connection into ElastiCache.
//!
//! The password is a presigned request to connect, without its scheme, good for 15 minutes.
//! Signing is local and takes microseconds, so each connection gets a fresh one.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;

use super::settings::Iam;
use crate::error::BoxError;

const VALID_FOR: Duration = Duration::from_secs(900);

/// The password for a connection made at `now`.
pub(super) fn token(iam: &Iam, now: SystemTime) -> Result<String, BoxError> {
    let Iam { cache, user, .. } = iam;
    // The settings allow no character here that would need an escape.
    presign(
        format!("http://{cache}/?Action=connect&User={user}"),
        iam,
        now,
    )
}

fn presign(url: String, iam: &Iam, now: SystemTime) -> Result<String, BoxError> {
    let identity = Credentials::new(
        &iam.credentials.access_key_id,
        &iam.credentials.secret_access_key,
        iam.credentials.session_token.clone(),
        None,
        "environment",
    )
    .into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(VALID_FOR);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&iam.region)
        .name("elasticache")
        .time(now)
        .settings(settings)
        .build()?
        .into();
    // An empty body, not an unsigned one: the service checks the hash of nothing.
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &params)?.into_parts();
    let mut request = http::Request::get(&url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    let signed = request.uri().to_string();
    Ok(match signed.strip_prefix("http://") {
        Some(rest) => rest.to_owned(),
        None => signed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;
    use std::collections::BTreeSet;

    fn iam() -> Iam {
        Iam {
            cache: "my-cache".into(),
            user: "iam-user-01".into(),
            region: "eu-west-1".into(),
            credentials: settings::Credentials {
                access_key_id: "AKIDEXAMPLE".into(),
                secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
                session_token: Some("tok/en+with=odd chars==".into()),
            },
        }
    }

    /// 20231114T221320Z
    fn then() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    #[test]
    fn the_signature_is_the_one_that_botocore_makes() {
        let url = "http://my-cache/?Action=connect&User=iam-user-01&ResourceType=ServerlessCache";
        let token = presign(url.into(), &iam(), then()).unwrap();
        let (host, query) = token.split_once("/?").unwrap();
        assert_eq!(host, "my-cache");
        let expected = BTreeSet::from([
            "Action=connect",
            "User=iam-user-01",
            "ResourceType=ServerlessCache",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIDEXAMPLE%2F20231114%2Feu-west-1%2Felasticache%2Faws4_request",
            "X-Amz-Date=20231114T221320Z",
            "X-Amz-Expires=900",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Security-Token=tok%2Fen%2Bwith%3Dodd%20chars%3D%3D",
            "X-Amz-Signature=16592227e2a64988c9f649b1be5a6d7a24e8fc90e3b3ed60b3ed89775d959de2",
        ]);
        assert_eq!(query.split('&').collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn a_token_names_the_cache_and_the_user_and_has_no_scheme() {
        let token = token(&iam(), then()).unwrap();
        assert!(
            token.starts_with("my-cache/?Action=connect&User=iam-user-01&X-Amz-"),
            "{token}"
        );
    }
}
