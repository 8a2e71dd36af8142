//! STS's `GetCallerIdentity`: who asks, which here is always the same nobody.

use uuid::Uuid;

use super::respond::{self, Answer, REQUEST_ID, XML};
use crate::definition::ACCOUNT;

/// The action.
pub(super) const ACTION: &str = "GetCallerIdentity";

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers the action.
pub(super) fn answer() -> Answer {
    let id = Uuid::new_v4().to_string();
    let body = format!(
        "<?xml version=\"1.0\"?>\n<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:root</Arn>\
         <UserId>{ACCOUNT}</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
    let mut answer = respond::answer(200, XML, body.into());
    respond::set(&mut answer, REQUEST_ID, &id);
    answer
}
