//! What there is to choose from for the network: the region's VPCs, their subnets, its zones.

use std::collections::BTreeMap;

use super::{Guide, interrupted};
use crate::aws::{Aws, AwsError};
use crate::commands::deploy::derived::{VPC, ZONES};
use crate::commands::table::table;
use crate::error::Failure;
use crate::stack::network::{self, Subnet, Vpc};

impl Guide<'_> {
    /// Lists what a parameter may be, where AWS knows and tells. Else the answer is typed all the same.
    pub(super) async fn offer(
        &self,
        parameter: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let Some(aws) = &self.aws else { return Ok(()) };
        let listing = choices(aws, parameter, values);
        match self.interrupt.unless(listing, interrupted).await? {
            Ok(Some(choices)) => self.printer.note(indented(&choices)),
            Ok(None) => {}
            Err(error) => {
                let style = self.printer.style();
                let said =
                    format!("  What there is cannot be listed ({error}): type what you know.");
                self.printer.note(style.dim(said));
            }
        }
        Ok(())
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("    {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The choices as a table; none where there are none to show.
async fn choices(
    aws: &Aws,
    parameter: &str,
    values: &BTreeMap<String, String>,
) -> Result<Option<String>, AwsError> {
    let vpc = values.get(VPC).filter(|vpc| !vpc.is_empty());
    let text = match (parameter, vpc) {
        (VPC, _) => of_vpcs(network::vpcs(aws).await?),
        ("SubnetIds", Some(vpc)) => of_subnets(network::subnets(aws, vpc).await?),
        (zone, None) if zone == ZONES[0] => {
            let zones = network::zones(aws).await?.into_iter();
            table(&["Zone"], zones.map(|zone| vec![zone]))
        }
        _ => return Ok(None),
    };
    Ok(Some(text))
}

fn of_vpcs(vpcs: Vec<Vpc>) -> String {
    let row = |vpc: Vpc| vec![vpc.id, vpc.range, vpc.name.unwrap_or_default()];
    table(&["VPC", "Addresses", "Name"], vpcs.into_iter().map(row))
}

fn of_subnets(mut subnets: Vec<Subnet>) -> String {
    subnets.sort_by(|a, b| (&a.zone, &a.id).cmp(&(&b.zone, &b.id)));
    let row = |subnet: Subnet| {
        vec![
            subnet.id,
            subnet.zone,
            subnet.range,
            subnet.free,
            subnet.name.unwrap_or_default(),
        ]
    };
    let header = ["Subnet", "Zone", "Addresses", "Free", "Name"];
    table(&header, subnets.into_iter().map(row))
}
