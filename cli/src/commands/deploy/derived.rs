//! Parameters that the tool sets where the user does not: the zones of the stack's own network, which are
//! chosen once and then kept, and the number of a cache that must be made anew.

use std::collections::{BTreeMap, BTreeSet};

use super::Deployment;
use super::preset::NODE_TYPE;
use super::values::Values;
use crate::error::{Failure, Kind};
use crate::stack::change_set::ParameterSource;
use crate::stack::network;
use crate::stack::template::KMS_KEY;

pub(super) const VPC: &str = "VpcId";
pub(super) const ZONES: [&str; 2] = ["FirstZoneId", "SecondZoneId"];
/// In front of the machine's own type.
const NODE: &str = "cache.";
pub(super) const CACHE_NUMBER: &str = "CacheNumber";
/// What ElastiCache cannot change of a cache that is there.
const FIXED: [&str; 2] = [VPC, KMS_KEY];

type Derived = BTreeMap<String, ParameterSource>;

impl Deployment<'_> {
    /// The parameters that follow from the others. Before a network is made, it is looked whether there
    /// is room for it.
    pub(super) async fn derived(&self, values: &Values<'_>) -> Result<Derived, Failure> {
        if makes_network(values) {
            self.check_network_quota().await?;
        }
        let mut derived = kept_zones(values);
        let mut set = |name: &str, value: String| {
            derived.insert(name.to_owned(), ParameterSource::Value(value));
        };
        if needs_zones(values) {
            let [first, second] = self.zones(values).await?;
            self.printer
                .detail(format_args!("zones {first} and {second}"));
            set(ZONES[0], first);
            set(ZONES[1], second);
        }
        if let Some(number) = next_cache(values) {
            set(CACHE_NUMBER, number.to_string());
        }
        Ok(derived)
    }

    async fn zones(&self, values: &Values<'_>) -> Result<[String; 2], Failure> {
        let node = values.after(NODE_TYPE).unwrap_or_default();
        let machine = node.strip_prefix(NODE).unwrap_or(node);
        let (zones, offering) = tokio::join!(
            network::zones(&self.aws),
            network::zones_with(&self.aws, machine)
        );
        let by_hand = ZONES
            .map(|name| format!("`--parameter {name}=ID`"))
            .join(" ");
        let zones = zones.map_err(|error| {
            Failure::from(error).also_hint(&format!("{by_hand} names the zones without asking"))
        })?;
        // Whoever may not ask, or asks who does not know, goes without.
        choose(&zones, &offering.unwrap_or_default()).ok_or_else(|| {
            let region = self.aws.region();
            let message = format!("{region} has no two zones with {node}");
            Failure::new(Kind::Failed, message).hint(format!(
                "choose another with `--parameter {NODE_TYPE}=TYPE`, or another `--region`; {by_hand} \
                 names two zones all the same"
            ))
        })
    }
}

fn is_empty(value: Option<&str>) -> bool {
    value.is_none_or(str::is_empty)
}

/// Whether the stack makes a network that it does not have yet.
fn makes_network(values: &Values<'_>) -> bool {
    let has_one = !values.existing.is_empty() && is_empty(values.before(VPC));
    !has_one && is_empty(values.after(VPC))
}

/// Whether it has a network of its own, and nobody has said yet where.
fn needs_zones(values: &Values<'_>) -> bool {
    let asked = |name: &&str| values.template.parameter(name).is_some();
    ZONES.iter().all(asked)
        && ZONES.iter().all(|name| is_empty(values.after(name)))
        && is_empty(values.after(VPC))
}

/// The zones that the stack has, said again: a stack whose creation failed may not keep them.
fn kept_zones(values: &Values<'_>) -> Derived {
    let kept = |name: &str| match values.proposed.get(name)? {
        ParameterSource::Previous => {
            let value = values.before(name)?.to_owned();
            Some((name.to_owned(), ParameterSource::Value(value)))
        }
        ParameterSource::Value(_) => None,
    };
    ZONES.into_iter().filter_map(kept).collect()
}

/// The first two zones that offer what is needed; an offer of nowhere is not known.
fn choose(zones: &BTreeSet<String>, offering: &BTreeSet<String>) -> Option<[String; 2]> {
    let offers = |zone: &&String| offering.is_empty() || offering.contains(*zone);
    let mut zones = zones.iter().filter(offers).cloned();
    Some([zones.next()?, zones.next()?])
}

/// The number of the cache that takes the place of the one that is there, if one has to: of two that have
/// the same name, the new one cannot be made.
fn next_cache(values: &Values<'_>) -> Option<u32> {
    values.template.parameter(CACHE_NUMBER)?;
    let deployed = values.before(CACHE_NUMBER)?.parse::<u32>().ok()?;
    let changes = |name: &&str| {
        values.before(name).unwrap_or_default() != values.after(name).unwrap_or_default()
    };
    let said = matches!(
        values.proposed.get(CACHE_NUMBER),
        Some(ParameterSource::Value(_))
    );
    if said || !FIXED.iter().any(changes) {
        return None;
    }
    deployed.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::deploy::values::fixture::with_values;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn number_after(deployed: &[(&str, &str)], given: &[(&str, &str)]) -> Option<u32> {
        let template = "Resources: {T: {Type: T}}\nParameters:\n  CacheNumber: {Type: Number, Default: 1}\n  \
                        VpcId: {Type: String, Default: ''}\n  KmsKeyArn: {Type: String, Default: ''}\n";
        with_values(template, deployed, given, next_cache)
    }

    #[test]
    fn the_first_two_zones_that_have_the_node_type_are_chosen() {
        let zones = set(&["use1-az1", "use1-az2", "use1-az3", "use1-az4"]);
        let chosen = |offering: &[&str]| choose(&zones, &set(offering));
        let pair = |one: &str, two: &str| Some([one.to_owned(), two.to_owned()]);
        assert_eq!(chosen(&[]), pair("use1-az1", "use1-az2"));
        assert_eq!(
            chosen(&["use1-az4", "use1-az1", "use1-az9"]),
            pair("use1-az1", "use1-az4")
        );
        assert_eq!(chosen(&["use1-az2"]), None);
        assert_eq!(choose(&set(&["use1-az1"]), &set(&[])), None);
    }

    #[test]
    fn a_cache_gets_another_number_where_its_key_or_its_network_changes() {
        let next = |given: &[(&str, &str)]| {
            let deployed = [("CacheNumber", "2"), ("KmsKeyArn", ""), ("VpcId", "vpc-1")];
            number_after(&deployed, given)
        };
        assert_eq!(next(&[("KmsKeyArn", "arn:aws:kms:k")]), Some(3));
        assert_eq!(next(&[("VpcId", "vpc-2")]), Some(3));
        assert_eq!(next(&[("VpcId", "")]), Some(3));
        for unchanged in [
            &[][..],
            &[("VpcId", "vpc-1"), ("KmsKeyArn", "")],
            &[("SubnetIds", "subnet-1")],
            // Whoever says the number has counted.
            &[("VpcId", "vpc-2"), ("CacheNumber", "2")],
        ] {
            assert_eq!(next(unchanged), None, "{unchanged:?}");
        }
        // A stack of a template of before has no such number, and none at all where it is new.
        assert_eq!(number_after(&[], &[("VpcId", "vpc-1")]), None);
    }
}
