//! STS's `GetCallerIdentity`: who asks, which here is always the same nobody.

use uuid::Uuid;

use super::respond::{self, Answer, REQUEST_ID, XML};
use crate::definition::ACCOUNT;
use crate::xml::Element;

/// The action.
pub(super) const ACTION: &str = "GetCallerIdentity";

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers the action.
pub(super) fn answer() -> Answer {
    let id = Uuid::new_v4().to_string();
    let mut response = Element::document("GetCallerIdentityResponse", NAMESPACE);
    let mut result = response.child("GetCallerIdentityResult");
    result.text("Arn", &["arn:aws:iam::", ACCOUNT, ":root"].concat());
    result.text("UserId", ACCOUNT);
    result.text("Account", ACCOUNT);
    drop(result);
    response.child("ResponseMetadata").text("RequestId", &id);
    let mut answer = respond::answer(200, XML, response.finish().into());
    respond::set(&mut answer, REQUEST_ID, &id);
    answer
}
