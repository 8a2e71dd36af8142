//! What a deployment is carried out with: the artifacts, where it starts, and what it proposes. A whole
//! deployment goes by the project's template and settings; one of the code alone by the stack as it is.

use std::collections::BTreeMap;

use super::cost::Cost;
use super::values::Values;
use super::{ARCHITECTURE, BUCKET, Deployment, checks, warn_of_newer};
use crate::app::handler::Handler;
use crate::app::version::VERSION;
use crate::commands::stack_not_found;
use crate::error::{Failure, Kind};
use crate::package::{Architecture, Artifact};
use crate::stack::artifacts::{self, ArtifactStore};
use crate::stack::change_set::{ParameterSource, Proposal};
use crate::stack::quota::{self, Networks};
use crate::stack::state::StackState;

/// See the module's documentation.
pub(super) struct Ready {
    pub(super) artifacts: Vec<Artifact>,
    /// The stack that is updated; none where it is created.
    pub(super) existing: Option<StackState>,
    pub(super) store: ArtifactStore,
    pub(super) proposal: Proposal,
    /// None where nothing is known of it, and where it stays as it is.
    pub(super) cost: Option<Cost>,
}

impl Ready {
    /// The parameters that the stack has.
    pub(super) fn parameters(&self) -> &BTreeMap<String, String> {
        parameters(self.existing.as_ref())
    }
}

fn parameters(existing: Option<&StackState>) -> &BTreeMap<String, String> {
    const NONE: &BTreeMap<String, String> = &BTreeMap::new();
    existing.map_or(NONE, |stack| &stack.parameters)
}

impl Deployment<'_> {
    /// All that the project describes.
    pub(super) async fn whole(&self) -> Result<Ready, Failure> {
        let artifacts = self.package(self.architecture).await?;
        let existing = self.existing().await?;
        let stack = existing.as_ref();
        checks::refuse_open_cache(&self.aws, &self.settings, &self.template, stack)?;
        self.warn_of_newer(stack);
        let store = self.store(stack);
        let preset = self.preset_values(stack);
        let parameters = self.parameters(stack, &store, &artifacts, preset);
        let mut proposal = self.proposal(stack, parameters);
        proposal.template = Some(self.template.body_deployed_by(VERSION));
        proposal.tags = self.tags(stack);
        let derived = self.derived(&self.values(stack, &proposal)).await?;
        proposal.parameters.extend(derived);
        self.template
            .check_complete(|name| proposal.parameters.contains_key(name))?;
        let values = self.values(stack, &proposal);
        checks::failover(&values)?;
        checks::concurrency(&self.aws, &values).await?;
        let cost = Cost::of(&values, self.aws.region(), &self.settings.domain.plural);
        if let Some(stack) = stack {
            proposal.watch = self.watch(stack).await?;
        }
        Ok(Ready {
            artifacts,
            existing,
            store,
            proposal,
            cost,
        })
    }

    /// The code in the stack as it is: its own template, and its own value for every other parameter, so
    /// that the next whole deployment finds nothing of this one to change.
    pub(super) async fn code_alone(&self) -> Result<Ready, Failure> {
        let existing = self.existing().await?;
        let Some(stack) = &existing else {
            return Err(stack_not_found(&self.settings.stack, self.aws.region()));
        };
        let takes_code = |handler: &Handler| {
            let name = handler.code_parameter();
            stack.parameters.contains_key(name)
        };
        self.warn_of_newer(Some(stack));
        if !Handler::ALL.iter().all(takes_code) || !stack.parameters.contains_key(BUCKET) {
            let message = format!(
                "stack `{}` takes no code by its parameters",
                self.settings.stack
            );
            return Err(Failure::new(Kind::Failed, message)
                .hint("deploy the whole of it: `cqrs deploy` without `--code-only`"));
        }
        let architecture = stack.parameters.get(ARCHITECTURE);
        let architecture = architecture.and_then(|name| Architecture::from_lambda_name(name));
        let artifacts = self
            .package(architecture.unwrap_or(self.architecture))
            .await?;
        let bucket = stack.parameters.get(BUCKET).cloned();
        let store = ArtifactStore::new(&self.aws, &self.identity.account, bucket);
        let mut parameters = previous(Some(stack));
        parameters.extend(self.code(&artifacts));
        let proposal = self.proposal(Some(stack), parameters);
        Ok(Ready {
            artifacts,
            existing,
            store,
            proposal,
            cost: None,
        })
    }

    fn warn_of_newer(&self, existing: Option<&StackState>) {
        let deployed_by = existing.and_then(|stack| stack.deployed_by.as_deref());
        warn_of_newer(&self.settings.stack, deployed_by, self.printer);
    }

    fn values<'a>(
        &'a self,
        existing: Option<&'a StackState>,
        proposal: &'a Proposal,
    ) -> Values<'a> {
        Values {
            template: &self.template,
            existing: parameters(existing),
            proposed: &proposal.parameters,
        }
    }

    /// Another network has to fit in, which CloudFormation finds out only after some minutes.
    pub(super) async fn check_network_quota(&self) -> Result<(), Failure> {
        let networks = self.template.count("AWS::EC2::VPC");
        if networks == 0 {
            return Ok(());
        }
        match quota::networks(&self.aws).await {
            Some(Networks { used, limit }) if used + networks > limit => {
                let region = self.aws.region();
                let message = format!("{region} has {used} of at most {limit} networks (VPCs)");
                Err(Failure::new(Kind::Failed, message).hint(
                    "take one that is there with `--parameter VpcId=ID` `--parameter \
                     SubnetIds=ID,ID`, delete one that is not needed, choose another `--region`, or ask \
                     for more in Service Quotas (`VPCs per Region`)",
                ))
            }
            _ => Ok(()),
        }
    }

    async fn package(&self, architecture: Architecture) -> Result<Vec<Artifact>, Failure> {
        self.source
            .artifacts(&self.args, architecture, self.printer)
            .await
    }

    /// The bucket given, else the one that the stack uses already, else the managed one.
    fn store(&self, existing: Option<&StackState>) -> ArtifactStore {
        let given = self
            .args
            .artifact_bucket
            .as_ref()
            .or(self.settings.artifact_bucket.as_ref());
        let used = existing.and_then(|stack| stack.parameters.get(BUCKET));
        ArtifactStore::new(&self.aws, &self.identity.account, given.or(used).cloned())
    }

    /// The preset's own values, which are said before they are taken.
    fn preset_values(&self, existing: Option<&StackState>) -> Vec<(&'static str, String)> {
        let Some(preset) = self.settings.preset else {
            return Vec::new();
        };
        let given = &self.settings.parameters;
        let taken = preset.taken(&self.template, given, parameters(existing));
        let (printer, name) = (self.printer, preset.name());
        printer.note(format_args!("\n{}", taken.to_string().trim_end()));
        self.show_guards(existing.is_none());
        let unknown = taken.unknown();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            printer.warn(format_args!(
                "the template has no {unknown}, which the preset {name} sets"
            ));
        }
        let values = taken.values();
        values
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    }

    /// What the stack has, under what the preset, the settings and the code say.
    fn parameters(
        &self,
        existing: Option<&StackState>,
        store: &ArtifactStore,
        artifacts: &[Artifact],
        preset: Vec<(&'static str, String)>,
    ) -> BTreeMap<String, ParameterSource> {
        let mut parameters = previous(existing);
        let mut set = |name: &str, value: &str| {
            parameters.insert(name.to_owned(), ParameterSource::Value(value.to_owned()));
        };
        for (name, value) in &preset {
            set(name, value);
        }
        for (name, value) in &self.settings.parameters {
            set(name, value);
        }
        set(BUCKET, store.bucket());
        for artifact in artifacts {
            set(ARCHITECTURE, artifact.architecture.lambda_name());
        }
        parameters.extend(self.code(artifacts));
        parameters.retain(|name, _| self.template.parameter(name).is_some());
        parameters
    }

    /// The parameters that say where the code is.
    fn code(&self, artifacts: &[Artifact]) -> impl Iterator<Item = (String, ParameterSource)> {
        let stack = self.settings.stack.as_str();
        artifacts.iter().map(move |artifact| {
            let key = ParameterSource::Value(artifacts::key(stack, artifact));
            (artifact.handler.code_parameter().to_owned(), key)
        })
    }

    /// Those that the stack has and is to have; none where it neither has nor gets one.
    fn tags(&self, existing: Option<&StackState>) -> Option<BTreeMap<String, String>> {
        let mut tags = existing.map(|stack| stack.tags.clone()).unwrap_or_default();
        let had_tags = !tags.is_empty();
        tags.extend(self.settings.tags.clone());
        tags.retain(|name, _| !self.args.removed_tags.contains(name));
        (had_tags || !tags.is_empty()).then_some(tags)
    }

    /// These parameters, and all else as the stack has it.
    fn proposal(
        &self,
        existing: Option<&StackState>,
        parameters: BTreeMap<String, ParameterSource>,
    ) -> Proposal {
        Proposal {
            stack: self.settings.stack.to_string(),
            create: existing.is_none(),
            template: None,
            parameters,
            tags: None,
            express: self.args.express,
            keep_on_failure: self.args.no_rollback,
            watch: None,
        }
    }
}

/// The parameters that the stack has, each with the value that it has.
fn previous(existing: Option<&StackState>) -> BTreeMap<String, ParameterSource> {
    let names = parameters(existing).keys().cloned();
    names
        .map(|name| (name, ParameterSource::Previous))
        .collect()
}
