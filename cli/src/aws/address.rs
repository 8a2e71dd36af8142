//! Where AWS's services are, by the SDK's own rules: which partition a region is in, and under
//! which domain, is listed nowhere else.

use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

use super::{Aws, AwsError, Detail};

const SCHEME: &str = "https://";

/// The domain that a region's services share, such as `amazonaws.com`.
async fn domain(region: &str) -> Result<String, AwsError> {
    let unknown = |text: String| AwsError::UnknownRegion {
        region: region.to_owned(),
        source: Detail { code: None, text },
    };
    let params = Params::builder().region(region).build();
    let params = params.map_err(|e| unknown(e.to_string()))?;
    let found = DefaultResolver::new().resolve_endpoint(&params).await;
    let url = found.map_err(|e| unknown(e.to_string()))?.url().to_owned();
    let prefix = format!("{SCHEME}sts.{region}.");
    let domain = url.strip_prefix(&prefix).map(str::to_owned);
    domain.ok_or_else(|| unknown(format!("its address is {url}")))
}

/// The address of a service that each region has, by the service's name in it.
pub(super) async fn regional(service: &str, region: &str) -> Result<String, AwsError> {
    let domain = domain(region).await?;
    Ok(format!("{SCHEME}{service}.{region}.{domain}"))
}

impl Aws {
    /// The address of a service of this region, by the service's name in it.
    pub(crate) async fn regional(&self, service: &str) -> Result<String, AwsError> {
        regional(service, &self.region).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_partition_that_the_sdk_knows_has_its_own_domain() {
        let cases = [
            ("eu-west-1", "https://ec2.eu-west-1.amazonaws.com"),
            (
                "cn-northwest-1",
                "https://ec2.cn-northwest-1.amazonaws.com.cn",
            ),
            ("us-gov-east-1", "https://ec2.us-gov-east-1.amazonaws.com"),
            ("eusc-de-east-1", "https://ec2.eusc-de-east-1.amazonaws.eu"),
        ];
        for (region, url) in cases {
            assert_eq!(regional("ec2", region).await.unwrap(), url);
        }
        let odd = regional("ec2", "no region").await;
        assert!(
            matches!(odd, Err(AwsError::UnknownRegion { .. })),
            "{odd:?}"
        );
    }
}
