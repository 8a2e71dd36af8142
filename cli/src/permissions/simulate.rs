//! Asks IAM what a principal's policies say of some actions, without taking any of them.
//!
//! The answer covers the policies of the user or role, its boundary and the organization's. It
//! cannot know the values of a policy's conditions, nor the policies of a session.

use std::collections::BTreeMap;

use aws_smithy_xml::decode::{ScopedDecoder, XmlDecodeError};

use crate::aws::query::{Form, find, text};
use crate::aws::{Aws, AwsError, Identity};

const VERSION: &str = "2010-05-08";
const SIMULATE: &str = "iam:SimulatePrincipalPolicy";
const GET_ROLE: &str = "iam:GetRole";

/// Whose policies are asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// The account's root user, whom no policy limits.
    Root,
    /// A user's or a role's ARN. A role's may lack its path, which the session's ARN does not have.
    Policies {
        partition: String,
        arn: String,
        role: Option<String>,
    },
    /// Something else, such as a federated user.
    Other,
}

impl Principal {
    pub(crate) fn of(identity: &Identity) -> Self {
        let parts: Vec<&str> = identity.arn.splitn(6, ':').collect();
        let ["arn", partition, service, _, account, resource] = parts.as_slice() else {
            return Self::Other;
        };
        let mut path = resource.split('/');
        match (*service, path.next()) {
            ("iam", Some("root")) => Self::Root,
            ("iam", Some("user" | "role")) => Self::Policies {
                partition: (*partition).to_owned(),
                arn: identity.arn.clone(),
                role: None,
            },
            ("sts", Some("assumed-role")) => match path.next() {
                Some(role) => Self::Policies {
                    partition: (*partition).to_owned(),
                    arn: format!("arn:{partition}:iam::{account}:role/{role}"),
                    role: Some(role.to_owned()),
                },
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// What the policies say of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// It depends on a condition whose value is not known here.
    Depends,
    Denied,
}

/// Asks about all actions on one resource.
pub(crate) async fn simulate(
    aws: &Aws,
    partition: &str,
    principal: &str,
    resource: &str,
    actions: &[&str],
) -> Result<BTreeMap<String, Decision>, AwsError> {
    let mut form = Form::new("SimulatePrincipalPolicy", VERSION);
    form.add("PolicySourceArn", principal);
    form.add("ResourceArns.member.1", resource);
    // All in one answer, where there would else be 100.
    form.add("MaxItems", "1000");
    for (number, action) in actions.iter().enumerate() {
        form.add(format_args!("ActionNames.member.{}", number + 1), action);
    }
    let answer = aws.ask_iam(partition, &form, SIMULATE).await?;
    let decisions = read(&answer).unwrap_or_default();
    if actions.iter().all(|action| decisions.contains_key(*action)) {
        Ok(decisions)
    } else {
        Err(AwsError::incomplete(SIMULATE, "a decision for each action"))
    }
}

/// The whole ARN of a role, with its path.
pub(crate) async fn role_arn(aws: &Aws, partition: &str, role: &str) -> Result<String, AwsError> {
    let mut form = Form::new("GetRole", VERSION);
    form.add("RoleName", role);
    let answer = aws.ask_iam(partition, &form, GET_ROLE).await?;
    let lacking = || AwsError::incomplete(GET_ROLE, "the role's ARN");
    let found = find(&answer, &["GetRoleResult", "Role"], |role| {
        while let Some(mut field) = role.next_tag() {
            if field.start_el().matches("Arn") {
                return text(&mut field).map(Some);
            }
        }
        Ok(None)
    });
    found.ok().flatten().ok_or_else(lacking)
}

/// Reads the decisions; of an action that is decided more than once the worst counts.
fn read(answer: &str) -> Result<BTreeMap<String, Decision>, XmlDecodeError> {
    let mut decisions = BTreeMap::new();
    let path = ["SimulatePrincipalPolicyResult", "EvaluationResults"];
    find(answer, &path, |results| {
        while let Some(mut member) = results.next_tag() {
            let (action, decision) = evaluation(&mut member)?;
            let known = decisions.entry(action).or_insert(decision);
            if *known == Decision::Allowed || decision == Decision::Denied {
                *known = decision;
            }
        }
        Ok(Some(()))
    })?;
    Ok(decisions)
}

fn evaluation(member: &mut ScopedDecoder<'_, '_>) -> Result<(String, Decision), XmlDecodeError> {
    let (mut action, mut decision, mut missing) = (None, None, false);
    while let Some(mut field) = member.next_tag() {
        match field.start_el().local() {
            "EvalActionName" => action = Some(text(&mut field)?),
            "EvalDecision" => decision = Some(text(&mut field)?),
            "MissingContextValues" => missing = field.next_tag().is_some(),
            _ => {}
        }
    }
    let lacking = || XmlDecodeError::custom("an evaluation lacks its action or decision");
    let (action, decision) = (action.ok_or_else(lacking)?, decision.ok_or_else(lacking)?);
    let decision = match decision.as_str() {
        "allowed" => Decision::Allowed,
        "implicitDeny" | "explicitDeny" if missing => Decision::Depends,
        "implicitDeny" | "explicitDeny" => Decision::Denied,
        _ => return Err(XmlDecodeError::custom("a decision has another name")),
    };
    Ok((action, decision))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(arn: &str) -> Principal {
        Principal::of(&Identity {
            account: "123456789012".to_owned(),
            arn: arn.to_owned(),
        })
    }

    fn policies(arn: &str, role: Option<&str>) -> Principal {
        let partition = arn.split(':').nth(1).unwrap();
        Principal::Policies {
            partition: partition.to_owned(),
            arn: arn.to_owned(),
            role: role.map(str::to_owned),
        }
    }

    #[test]
    fn the_policies_are_those_of_the_user_or_of_the_role_behind_the_session() {
        let user = "arn:aws:iam::123456789012:user/team/ann";
        assert_eq!(principal(user), policies(user, None));
        assert_eq!(
            principal("arn:aws-cn:sts::123456789012:assumed-role/Deployer/ann@example.com"),
            policies(
                "arn:aws-cn:iam::123456789012:role/Deployer",
                Some("Deployer")
            )
        );
        assert_eq!(principal("arn:aws:iam::123456789012:root"), Principal::Root);
        for other in ["arn:aws:sts::123456789012:federated-user/ann", "ann", ""] {
            assert_eq!(principal(other), Principal::Other, "{other}");
        }
    }

    fn member(action: &str, decision: &str, missing: &str) -> String {
        format!(
            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>*\
             </EvalResourceName><EvalDecision>{decision}</EvalDecision><MatchedStatements><member>\
             <SourcePolicyId>p</SourcePolicyId></member></MatchedStatements>\
             <MissingContextValues>{missing}</MissingContextValues></member>"
        )
    }

    fn answer(members: &str) -> String {
        format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>\
             {members}</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )
    }

    #[test]
    fn each_action_has_its_decision_and_a_condition_that_is_not_known_is_no_denial() {
        let members = [
            member("s3:PutObject", "allowed", ""),
            member("s3:CreateBucket", "implicitDeny", ""),
            member("iam:CreateRole", "explicitDeny", ""),
            member(
                "iam:PassRole",
                "implicitDeny",
                "<member>iam:PassedToService</member>",
            ),
        ];
        let decisions = read(&answer(&members.concat())).unwrap();
        let expected = [
            ("iam:CreateRole", Decision::Denied),
            ("iam:PassRole", Decision::Depends),
            ("s3:CreateBucket", Decision::Denied),
            ("s3:PutObject", Decision::Allowed),
        ];
        let expected = expected.map(|(action, decision)| (action.to_owned(), decision));
        assert_eq!(decisions, BTreeMap::from(expected));
    }

    #[test]
    fn what_is_no_answer_of_iam_gives_no_decision() {
        for text in [
            "",
            "<html></html>",
            "<SimulatePrincipalPolicyResponse></SimulatePrincipalPolicyResponse>",
            &answer("<member><EvalActionName>a</EvalActionName></member>"),
            &answer(&member("a", "perhaps", "")),
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
