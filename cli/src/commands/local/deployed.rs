//! The stack on this machine as it was deployed last, read without asking its process.

use std::collections::BTreeMap;

use host::cache::{Address, Choice};

use crate::error::Failure;
use crate::local::evaluate::{Context, Evaluated, evaluate};
use crate::local::protocol::Deployment;
use crate::stack::template::Template;

/// Stands for a port that is not known before the stack runs.
const SOME_PORT: u16 = 65_535;

/// The stack that the deployment describes.
pub(in crate::commands) fn evaluated(deployment: &Deployment) -> Result<Evaluated, Failure> {
    let template = Template::from_text(&deployment.template_path, deployment.template.clone())?;
    let context = Context {
        stack: deployment.stack.clone(),
        region: deployment.region.clone(),
        parameters: deployment.parameters.clone(),
        programs: deployment.programs.clone(),
        endpoint: endpoint(Some(deployment)),
        cache: cache_address(Some(deployment)),
        streams: BTreeMap::new(),
    };
    Ok(evaluate(&template, &context)?)
}

/// Where the stack is, or some address of the same form.
pub(in crate::commands) fn endpoint(deployment: Option<&Deployment>) -> String {
    let port = deployment.map_or(SOME_PORT, |deployment| deployment.port);
    format!("http://127.0.0.1:{port}")
}

/// Where its cache is, or some address of the same form.
pub(in crate::commands) fn cache_address(deployment: Option<&Deployment>) -> Address {
    let other = deployment.and_then(|deployment| match &deployment.cache {
        Choice::Url(url) => Address::parse(url).ok(),
        Choice::Program(_) => None,
    });
    other.unwrap_or_else(|| Address {
        host: "127.0.0.1".to_owned(),
        port: deployment.and_then(|d| d.cache_port).unwrap_or(SOME_PORT),
    })
}
