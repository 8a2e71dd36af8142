//! Why artifacts could not be brought, kept or removed.

use aws_smithy_types::error::operation::BuildError;

use crate::aws::AwsError;
use crate::error::{Explain, Kind};
use crate::package::PackageError;

/// Why the artifacts are not where they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArtifactError {
    /// Use another bucket, or be allowed to use this one; S3 does not say which of the two it is.
    #[error("the bucket `{0}` belongs to another account, or this principal may not use it")]
    ForeignBucket(String),
    /// Make the bucket, or name one that is there.
    #[error("the bucket `{0}` does not exist")]
    NoBucket(String),
    /// Lambda takes code only from its own region.
    #[error("the bucket `{bucket}` is not in {region}, where the stack is")]
    OtherRegion { bucket: String, region: String },
    /// Repeat the command; what stays behind costs next to nothing.
    #[error(
        "{} of the artifacts in `{bucket}` could not be removed, first `{key}`: {message}",
        count
    )]
    NotRemoved {
        bucket: String,
        count: usize,
        key: String,
        message: String,
    },
    /// A call failed; its own error says what to do.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A zip could not be made; its own error says what to do.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A request lacked a member; nothing a user can change.
    #[error("a request to S3 could not be made")]
    Request(#[from] BuildError),
}

impl Explain for ArtifactError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoBucket(_) | Self::OtherRegion { .. } => Kind::Usage,
            Self::Aws(error) => error.kind(),
            Self::Package(error) => error.kind(),
            Self::ForeignBucket(_) | Self::NotRemoved { .. } | Self::Request(_) => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::ForeignBucket(_) => "ForeignBucket".to_owned(),
            Self::NoBucket(_) => "NoBucket".to_owned(),
            Self::OtherRegion { .. } => "BucketInOtherRegion".to_owned(),
            Self::Aws(error) => error.name(),
            Self::Package(error) => error.name(),
            Self::NotRemoved { .. } | Self::Request(_) => Kind::Failed.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ForeignBucket(bucket) => Some(format!(
                "use a bucket of your own with `--artifact-bucket NAME`, or allow s3:ListBucket on \
                 `{bucket}` for this principal"
            )),
            Self::NoBucket(bucket) => Some(format!(
                "make it with `aws s3 mb s3://{bucket}`, or leave `--artifact-bucket` out to have \
                 one made and kept"
            )),
            Self::OtherRegion { region, .. } => Some(format!(
                "name a bucket in {region} with `--artifact-bucket NAME`"
            )),
            Self::NotRemoved { .. } => Some("run `cqrs destroy` again".to_owned()),
            Self::Aws(error) => error.hint(),
            Self::Package(error) => error.hint(),
            Self::Request(_) => None,
        }
    }
}
