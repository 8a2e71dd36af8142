//! What the cache runs on. CloudFormation reports success also where ElastiCache refused to take a
//! smaller node type.

use aws_smithy_xml::decode::{ScopedDecoder, XmlDecodeError};

use super::Part;
use crate::aws::query::{Form, Protocol, Regional, find, text};
use crate::aws::{Aws, AwsError};

const ACTION: &str = "elasticache:DescribeReplicationGroups";
const ELASTICACHE: Regional = Regional {
    name: "elasticache",
    variable: "ELASTICACHE",
};

/// The node type of a replication group.
pub(super) async fn node_type(aws: &Aws, group: &str) -> Part<String> {
    let mut form = Form::new("DescribeReplicationGroups", "2015-02-02");
    form.add("ReplicationGroupId", group);
    let answer = aws
        .ask_regional(&ELASTICACHE, form.as_str(), Protocol::Query, ACTION)
        .await?;
    let path = [
        "DescribeReplicationGroupsResult",
        "ReplicationGroups",
        "ReplicationGroup",
    ];
    let found = find(&answer, &path, own_node_type).ok().flatten();
    Ok(found.ok_or_else(|| AwsError::incomplete(ACTION, "a node type"))?)
}

fn own_node_type(group: &mut ScopedDecoder<'_, '_>) -> Result<Option<String>, XmlDecodeError> {
    while let Some(mut field) = group.next_tag() {
        if field.start_el().matches("CacheNodeType") {
            return text(&mut field).map(Some);
        }
    }
    Ok(None)
}
