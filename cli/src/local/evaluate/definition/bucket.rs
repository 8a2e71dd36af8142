//! `AWS::S3::Bucket`: a folder of files, which only a mapping writes to.

use host::definition::Bucket;

use super::check_name;
use crate::local::evaluate::fault::Result;
use crate::local::evaluate::property::Properties;
use crate::local::evaluate::resource::Resource;

pub(super) fn read(resource: &Resource, given: &Properties<'_>) -> Result<Bucket> {
    given.text("BucketName")?;
    // Amazon S3 user guide, "General purpose bucket naming rules".
    check_name(resource, 3..=63, "-.")?;
    Ok(Bucket {
        logical_id: resource.id.clone(),
        name: resource.name.clone(),
        expiration_days: expiration(given)?,
    })
}

/// The shortest time after which a rule for all objects lets them go.
fn expiration(given: &Properties<'_>) -> Result<Option<u32>> {
    let Some(lifecycle) = given.section("LifecycleConfiguration")? else {
        return Ok(None);
    };
    let mut shortest = None;
    for rule in lifecycle.sections("Rules")?.unwrap_or_default() {
        let is_on = rule.text("Status")? == Some("Enabled");
        let days = rule.number::<u32>("ExpirationInDays", 1..=36_500)?;
        let of_all = rule.text("Prefix")?.is_none_or(str::is_empty);
        if let Some(days) = days.filter(|_| is_on && of_all) {
            shortest = Some(shortest.map_or(days, |least: u32| least.min(days)));
        }
    }
    Ok(shortest)
}
