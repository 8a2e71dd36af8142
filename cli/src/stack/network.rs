//! The networks of a region, as EC2 knows them: its zones, and the VPCs and subnets in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_smithy_xml::decode::ScopedDecoder;
use host::pause::Pause;

use crate::aws::query::{Form, Protocol, Regional, each, text};
use crate::aws::{Aws, AwsError};

const EC2: Regional = Regional {
    name: "ec2",
    variable: "EC2",
};
const VERSION: &str = "2016-11-15";
/// As many as the SDK's clients make.
const ATTEMPTS: usize = 3;

/// A VPC of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) range: String,
}

/// A subnet of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) zone: String,
    pub(crate) range: String,
    /// Addresses that nobody has.
    pub(crate) free: String,
}

/// The ids of the zones that can be used, in order. An id is the same zone in every account; a zone's
/// name and its place in a list are not.
pub(crate) async fn zones(aws: &Aws) -> Result<BTreeSet<String>, AwsError> {
    const ACTION: &str = "ec2:DescribeAvailabilityZones";
    let mut form = Form::new("DescribeAvailabilityZones", VERSION);
    filter(&mut form, 1, "zone-type", "availability-zone");
    filter(&mut form, 2, "state", "available");
    let zones = ask(aws, &form, "availabilityZoneInfo", ACTION).await?;
    let ids = zones.into_iter().map(|mut zone| zone.remove("zoneId"));
    let ids: Option<BTreeSet<String>> = ids.collect();
    ids.ok_or_else(|| AwsError::incomplete(ACTION, "the ids of zones"))
}

/// The ids of the zones that have machines of this type, such as `t4g.micro`; none where EC2 knows no such
/// type.
pub(crate) async fn zones_with(aws: &Aws, machine: &str) -> Result<BTreeSet<String>, AwsError> {
    const ACTION: &str = "ec2:DescribeInstanceTypeOfferings";
    let mut form = Form::new("DescribeInstanceTypeOfferings", VERSION);
    form.add("LocationType", "availability-zone-id");
    filter(&mut form, 1, "instance-type", machine);
    let offers = ask(aws, &form, "instanceTypeOfferingSet", ACTION).await?;
    let locations = offers
        .into_iter()
        .filter_map(|mut offer| offer.remove("location"));
    Ok(locations.collect())
}

pub(crate) async fn vpcs(aws: &Aws) -> Result<Vec<Vpc>, AwsError> {
    const ACTION: &str = "ec2:DescribeVpcs";
    let form = Form::new("DescribeVpcs", VERSION);
    let vpcs = ask(aws, &form, "vpcSet", ACTION).await?;
    let vpc = |mut vpc: Record| Vpc {
        id: vpc.remove("vpcId").unwrap_or_default(),
        name: vpc.remove(NAME),
        range: vpc.remove("cidrBlock").unwrap_or_default(),
    };
    Ok(vpcs.into_iter().map(vpc).collect())
}

pub(crate) async fn subnets(aws: &Aws, vpc: &str) -> Result<Vec<Subnet>, AwsError> {
    const ACTION: &str = "ec2:DescribeSubnets";
    let mut form = Form::new("DescribeSubnets", VERSION);
    filter(&mut form, 1, "vpc-id", vpc);
    let subnets = ask(aws, &form, "subnetSet", ACTION).await?;
    let subnet = |mut subnet: Record| Subnet {
        id: subnet.remove("subnetId").unwrap_or_default(),
        name: subnet.remove(NAME),
        zone: subnet.remove("availabilityZoneId").unwrap_or_default(),
        range: subnet.remove("cidrBlock").unwrap_or_default(),
        free: subnet.remove("availableIpAddressCount").unwrap_or_default(),
    };
    Ok(subnets.into_iter().map(subnet).collect())
}

fn filter(form: &mut Form, number: usize, name: &str, value: &str) {
    form.add(format_args!("Filter.{number}.Name"), name);
    form.add(format_args!("Filter.{number}.Value.1"), value);
}

/// An element's texts by their names.
type Record = BTreeMap<String, String>;

/// The tag that is a thing's name, among its texts.
const NAME: &str = "Name";

async fn ask(
    aws: &Aws,
    form: &Form,
    set: &'static str,
    action: &'static str,
) -> Result<Vec<Record>, AwsError> {
    let mut pause = Pause::between(Duration::from_millis(200), Duration::from_secs(1));
    let mut attempts = 1;
    let answer = loop {
        let asked = aws.ask_regional(&EC2, form.as_str(), Protocol::Query, action);
        match asked.await {
            Err(AwsError::Unreachable { .. } | AwsError::Throttled { .. })
                if attempts < ATTEMPTS =>
            {
                attempts += 1;
                pause.pass().await;
            }
            answer => break answer?,
        }
    };
    each(&answer, &[set], record).map_err(|_| AwsError::incomplete(action, set))
}

fn record(element: &mut ScopedDecoder<'_, '_>) -> Record {
    let mut record = Record::new();
    while let Some(mut field) = element.next_tag() {
        let name = field.start_el().local().to_owned();
        if name == "tagSet" {
            while let Some(mut tag) = field.next_tag() {
                let mut tag = self::record(&mut tag);
                if tag.get("key").is_some_and(|key| key == NAME) {
                    record.extend(tag.remove("value").map(|value| (NAME.to_owned(), value)));
                }
            }
        } else if let Ok(value) = text(&mut field) {
            record.insert(name, value);
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_become_texts_with_the_name_that_is_a_tag() {
        let answer = "<DescribeVpcsResponse><requestId>r</requestId><vpcSet>\
            <item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockAssociationSet><item>\
            <cidrBlock>10.0.0.0/16</cidrBlock></item></cidrBlockAssociationSet><tagSet><item><key>team</key>\
            <value>a</value></item><item><key>Name</key><value>shop &amp; co</value></item></tagSet></item>\
            <item><vpcId>vpc-2</vpcId></item></vpcSet></DescribeVpcsResponse>";
        let read = each(answer, &["vpcSet"], record).expect("a set");
        let [first, second] = read.as_slice() else {
            panic!("{read:?}");
        };
        assert_eq!(first["vpcId"], "vpc-1");
        assert_eq!(first["cidrBlock"], "10.0.0.0/16");
        assert_eq!(first[NAME], "shop & co");
        assert_eq!(second.len(), 1);
    }
}
