//! One request of AWS's Query protocol, for what no SDK client of this tool does: an unsigned one,
//! which tells whether a service is reached, and those of services whose clients would be compiled
//! and linked for a call or two.
//!
//! A request is sent once: whoever looks for a fault wants to see it.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::{DateTime, Format};
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use serde::Deserialize;
use tokio::time::timeout;

use super::{Aws, AwsError, CONNECT_TIMEOUT, Detail, deepest_texts};
use crate::app::clock;

/// For the whole of a request, and for credentials to come.
const LIMIT: Duration = Duration::from_secs(8);
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/x-amz-json-1.1";

/// A service that each region has for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regional {
    /// In addresses and signatures.
    pub(crate) name: &'static str,
    /// In the variable that says another address, after `AWS_ENDPOINT_URL_`.
    pub(crate) variable: &'static str,
}

/// The form of a request's body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Query,
    Json { target: &'static str },
}

/// What a signature is valid for.
#[derive(Clone, Copy, Debug)]
struct Signing<'a> {
    service: &'static str,
    region: &'a str,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// AWS's time when it answered, to the second.
    pub(crate) date: Option<SystemTime>,
    pub(crate) body: String,
}

/// A request's fields, in order.
#[derive(Clone, Debug)]
pub(crate) struct Form(String);

impl Form {
    pub(crate) fn new(action: &str, version: &str) -> Self {
        Self(format!("Action={action}&Version={version}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn add(&mut self, name: impl fmt::Display, value: &str) {
        self.0.push_str(&format!("&{name}="));
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                self.0.push(char::from(byte));
            } else {
                self.0.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}

impl Aws {
    /// Sends `form` to `url`, without a signature.
    pub(crate) async fn ask_unsigned(
        &self,
        url: &str,
        form: &Form,
        action: &'static str,
    ) -> Result<Answer, AwsError> {
        let request = http::Request::post(url)
            .header("content-type", FORM)
            .body(form.0.clone());
        let request = request.map_err(|error| unreachable(action, error.to_string()))?;
        self.send(request, action).await
    }

    /// Asks a service of this region, whose errors come back as errors.
    pub(crate) async fn ask_regional(
        &self,
        service: &Regional,
        body: &str,
        protocol: Protocol,
        action: &'static str,
    ) -> Result<String, AwsError> {
        let url = match self.endpoint(service.variable) {
            Some(url) => url,
            None => self.regional(service.name).await?,
        };
        let signing = Signing {
            service: service.name,
            region: &self.region,
        };
        self.ask_signed(&url, signing, body, protocol, action).await
    }

    async fn ask_signed(
        &self,
        url: &str,
        signing: Signing<'_>,
        body: &str,
        protocol: Protocol,
        action: &'static str,
    ) -> Result<String, AwsError> {
        let credentials = self.credentials().await?;
        let request = signed(url, body, protocol, signing, &credentials)
            .map_err(|error| unreachable(action, error.to_string()))?;
        let answer = self.send(request, action).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        Err(match read_error(&answer.body) {
            Some((code, message)) => AwsError::from_service(action, code, message),
            None => {
                let status = answer.status;
                unreachable(
                    action,
                    format!("the answer, HTTP status {status}, is not one of AWS's"),
                )
            }
        })
    }

    /// Where all services are, if that is another address than AWS's own.
    pub(crate) fn endpoint_url(&self) -> Option<&str> {
        self.config.endpoint_url()
    }

    /// The credentials, from wherever they come.
    pub(crate) async fn credentials(&self) -> Result<Credentials, AwsError> {
        let none = || AwsError::from_credentials("no provider of credentials is set".to_owned());
        let provider = self.config.credentials_provider().ok_or_else(none)?;
        let late = |_| {
            let seconds = LIMIT.as_secs();
            AwsError::from_credentials(format!("their source gave none within {seconds} s"))
        };
        let provided = timeout(LIMIT, provider.provide_credentials()).await;
        provided
            .map_err(late)?
            .map_err(|error| AwsError::from_credentials(deepest_texts(&error)))
    }

    async fn send(
        &self,
        request: http::Request<String>,
        action: &'static str,
    ) -> Result<Answer, AwsError> {
        let lost = |text: String| unreachable(action, text);
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .build();
        let connector = self.way.connector(Some(settings), None);
        let request: HttpRequest = request
            .map(SdkBody::from)
            .try_into()
            .map_err(|_| lost("the request has no valid form".to_owned()))?;
        let exchange = async {
            let answer = connector.call(request).await;
            let answer = answer.map_err(|error| lost(deepest_texts(&error)))?;
            let date = answer.headers().get("date").and_then(read_date);
            let status = answer.status().as_u16();
            let body = ByteStream::new(answer.into_body()).collect().await;
            let body = body.map_err(|error| lost(deepest_texts(&error)))?;
            Ok(Answer {
                status,
                date,
                body: String::from_utf8_lossy(&body.into_bytes()).into_owned(),
            })
        };
        let late = |_| lost(format!("nothing came back within {} s", LIMIT.as_secs()));
        timeout(LIMIT, exchange).await.map_err(late)?
    }
}

fn signed(
    url: &str,
    body: &str,
    protocol: Protocol,
    signing: Signing<'_>,
    credentials: &Credentials,
) -> Result<http::Request<String>, Box<dyn std::error::Error + Send + Sync>> {
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(signing.region)
        .name(signing.service)
        .time(clock::system())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let mut headers = vec![("content-type", FORM)];
    if let Protocol::Json { target } = protocol {
        headers = vec![("content-type", JSON), ("x-amz-target", target)];
    }
    let signable = SignableRequest::new(
        "POST",
        url,
        headers.iter().copied(),
        SignableBody::Bytes(body.as_bytes()),
    )?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let mut request = http::Request::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut request = request.body(body.to_owned())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

fn unreachable(action: &'static str, text: String) -> AwsError {
    AwsError::Unreachable {
        action,
        source: Detail { code: None, text },
    }
}

/// The HTTP date of an answer.
fn read_date(text: &str) -> Option<SystemTime> {
    let date = DateTime::from_str(text, Format::HttpDate).ok()?;
    date.try_into().ok()
}

/// Code and message of an error, in any of the forms that services have.
fn read_error(body: &str) -> Option<(String, String)> {
    json_error(body).or_else(|| xml_error(body))
}

fn json_error(body: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Error {
        #[serde(rename = "__type")]
        code: String,
        #[serde(default, alias = "Message")]
        message: String,
    }
    let error: Error = serde_json::from_str(body).ok()?;
    // In front of the code there may be a name space.
    let code = error.code.rsplit('#').next()?.to_owned();
    Some((code, error.message))
}

/// The Query protocol's error document; EC2 has one of its own.
fn xml_error(body: &str) -> Option<(String, String)> {
    let mut document = Document::new(body);
    let mut root = document.root_element().ok()?;
    let path: &[&str] = match root.start_el().local() {
        "ErrorResponse" => &["Error"],
        "Response" => &["Errors", "Error"],
        _ => return None,
    };
    let read = |error: &mut ScopedDecoder<'_, '_>| {
        let (mut code, mut message) = (None, String::new());
        while let Some(mut field) = error.next_tag() {
            match field.start_el().local() {
                "Code" => code = text(&mut field).ok(),
                "Message" => message = text(&mut field).unwrap_or_default(),
                _ => {}
            }
        }
        Ok(code.map(|code| (code, message)))
    };
    descend(&mut root, path, read).ok()?
}

/// The text inside an element that holds nothing else.
pub(crate) fn text(element: &mut ScopedDecoder<'_, '_>) -> Result<String, XmlDecodeError> {
    Ok(try_data(element)?.trim().to_owned())
}

/// The elements below `path`, each as `read` has it.
pub(crate) fn each<T>(
    answer: &str,
    path: &[&str],
    read: impl Fn(&mut ScopedDecoder<'_, '_>) -> T,
) -> Result<Vec<T>, XmlDecodeError> {
    let found = find(answer, path, |list| {
        let mut elements = Vec::new();
        while let Some(mut element) = list.next_tag() {
            elements.push(read(&mut element));
        }
        Ok(Some(elements))
    })?;
    Ok(found.unwrap_or_default())
}

/// Goes down `path` from the document's root, and gives the element there to `read`.
pub(crate) fn find<T>(
    answer: &str,
    path: &[&str],
    read: impl FnOnce(&mut ScopedDecoder<'_, '_>) -> Result<Option<T>, XmlDecodeError>,
) -> Result<Option<T>, XmlDecodeError> {
    let mut document = Document::new(answer);
    let mut root = document.root_element()?;
    descend(&mut root, path, read)
}

fn descend<T>(
    element: &mut ScopedDecoder<'_, '_>,
    path: &[&str],
    read: impl FnOnce(&mut ScopedDecoder<'_, '_>) -> Result<Option<T>, XmlDecodeError>,
) -> Result<Option<T>, XmlDecodeError> {
    let Some((name, rest)) = path.split_first() else {
        return read(element);
    };
    while let Some(mut child) = element.next_tag() {
        if child.start_el().matches(name) {
            return descend(&mut child, rest, read);
        }
    }
    Err(XmlDecodeError::custom(format!("there is no {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_escapes_what_is_not_plain() {
        let mut form = Form::new("Act", "2010-05-08");
        form.add("Name.member.1", "arn:aws:iam::1:user/a b&c=ä");
        assert_eq!(
            form.0,
            "Action=Act&Version=2010-05-08&Name.member.1=arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fa%20b%26c%3D%C3%A4"
        );
    }

    #[test]
    fn an_error_of_the_service_differs_from_a_page_of_another_server() {
        let body = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>\
                    <Type>Sender</Type><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp; c</Message>\
                    </Error><RequestId>r</RequestId></ErrorResponse>";
        let expected = ("AccessDenied".to_owned(), "a <b> & c".to_owned());
        assert_eq!(read_error(body), Some(expected));
        let of_ec2 = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message>\
                      </Error></Errors><RequestID>r</RequestID></Response>";
        let expected = ("UnauthorizedOperation".to_owned(), "no".to_owned());
        assert_eq!(read_error(of_ec2), Some(expected));
        let of_kms = r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no key"}"#;
        let expected = ("NotFoundException".to_owned(), "no key".to_owned());
        assert_eq!(read_error(of_kms), Some(expected));
        assert_eq!(read_error("<html><body>Error</body></html>"), None);
        assert_eq!(read_error(""), None);
    }

    #[test]
    fn the_time_of_an_answer_is_read() {
        let date = read_date("Tue, 14 Nov 2023 22:13:20 GMT").unwrap();
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(date, expected);
        assert_eq!(read_date("yesterday"), None);
    }

    #[test]
    fn a_signed_request_names_service_region_and_session() {
        let credentials = Credentials::new("AKID", "secret", Some("session".to_owned()), None, "t");
        let form = Form::new("GetRole", "2010-05-08");
        let signing = Signing {
            service: "iam",
            region: "us-east-1",
        };
        let url = "https://iam.amazonaws.com";
        let request = signed(url, &form.0, Protocol::Query, signing, &credentials).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert!(header("authorization").contains("/us-east-1/iam/aws4_request"));
        assert!(
            header("authorization").contains("content-type;host;x-amz-date;x-amz-security-token")
        );
        assert_eq!(header("x-amz-security-token"), "session");
    }
}
