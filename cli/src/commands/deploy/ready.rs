//! What a deployment is carried out with: the artifacts, where it starts, and what it proposes. A whole
//! deployment goes by the project's template and settings; one of the code alone by the stack as it is.

use std::collections::BTreeMap;

use super::cost::Cost;
use super::source::Source;
use super::start::Start;
use super::values::Values;
use super::{ARCHITECTURE, BUCKET, Deployment, build_output, checks, report, warn_of_newer};
use crate::app::handler::Handler;
use crate::app::version::VERSION;
use crate::commands::stack_not_found;
use crate::error::{Failure, Kind};
use crate::package::{Architecture, Artifact, PackageEvent, PackageRequest, package};
use crate::stack::artifacts::{self, ArtifactStore};
use crate::stack::change_set::{ParameterSource, Proposal};
use crate::stack::quota::{self, Networks};
use crate::stack::state::StackState;

/// See the module's documentation.
pub(super) struct Ready {
    pub(super) artifacts: Vec<Artifact>,
    pub(super) start: Start,
    pub(super) store: ArtifactStore,
    pub(super) proposal: Proposal,
    /// None where nothing is known of it, and where it stays as it is.
    pub(super) cost: Option<Cost>,
}

impl Deployment<'_> {
    /// All that the project describes.
    pub(super) async fn whole(&self) -> Result<Ready, Failure> {
        let artifacts = self.package(self.architecture).await?;
        let start = self.start().await?;
        checks::refuse_open_cache(&self.aws, &self.settings, &self.template, start.existing())?;
        self.warn_of_newer(&start);
        let store = self.store(start.existing());
        let preset = self.preset_values(&start);
        let mut proposal = self.proposal(&start, &store, &artifacts, preset);
        let derived = self.derived(&self.values(&start, &proposal)).await?;
        proposal.parameters.extend(derived);
        self.template
            .check_complete(|name| proposal.parameters.contains_key(name))?;
        let values = self.values(&start, &proposal);
        checks::failover(&values)?;
        checks::concurrency(&self.aws, &values).await?;
        let cost = Cost::of(&values, self.aws.region(), &self.settings.domain.plural);
        if let Some(stack) = start.existing() {
            proposal.watch = self.watch(stack).await?;
        }
        Ok(Ready {
            artifacts,
            start,
            store,
            proposal,
            cost,
        })
    }

    /// The code in the stack as it is: its own template, and its own value for every other parameter, so
    /// that the next whole deployment finds nothing of this one to change.
    pub(super) async fn code_alone(&self) -> Result<Ready, Failure> {
        let start = self.start().await?;
        let Some(stack) = start.existing() else {
            return Err(stack_not_found(&self.settings.stack, self.aws.region()));
        };
        let takes_code = |handler: &Handler| {
            let name = handler.code_parameter();
            stack.parameters.contains_key(name)
        };
        self.warn_of_newer(&start);
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
        let mut parameters = previous(&start);
        for artifact in &artifacts {
            let key = artifacts::key(self.settings.stack.as_str(), artifact);
            let name = artifact.handler.code_parameter().to_owned();
            parameters.insert(name, ParameterSource::Value(key));
        }
        let proposal = Proposal {
            stack: self.settings.stack.to_string(),
            create: false,
            template: None,
            parameters,
            tags: None,
            express: self.args.express,
            keep_on_failure: self.args.no_rollback,
            watch: None,
        };
        Ok(Ready {
            artifacts,
            start,
            store,
            proposal,
            cost: None,
        })
    }

    fn warn_of_newer(&self, start: &Start) {
        let deployed_by = start
            .existing()
            .and_then(|stack| stack.deployed_by.as_deref());
        warn_of_newer(&self.settings.stack, deployed_by, self.printer);
    }

    fn values<'a>(&'a self, start: &'a Start, proposal: &'a Proposal) -> Values<'a> {
        Values {
            template: &self.template,
            existing: start.parameters(),
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
        let project = match &self.source {
            Source::Project(folder) => folder.clone(),
            Source::Bundled(bundle) if self.args.prebuilt.is_none() => {
                return Ok(bundle.artifacts(architecture)?);
            }
            Source::Bundled(bundle) => bundle.folder().to_owned(),
        };
        let request = PackageRequest {
            project,
            prebuilt: self.args.prebuilt.clone(),
            builder: self.args.builder,
            architecture,
            output: build_output(self.printer),
        };
        let artifacts = package(request, |event| match event {
            PackageEvent::Building { .. } => self.printer.note(report::packaged(&event)),
            _ => self.printer.detail(report::packaged(&event)),
        })
        .await?;
        Ok(artifacts)
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
    fn preset_values(&self, start: &Start) -> Vec<(&'static str, String)> {
        let Some(preset) = self.settings.preset else {
            return Vec::new();
        };
        let given = &self.settings.parameters;
        let taken = preset.taken(&self.template, given, start.parameters());
        let (printer, name) = (self.printer, preset.name());
        printer.note(format_args!("\n{}", taken.to_string().trim_end()));
        self.show_guards(start.existing().is_none());
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

    fn proposal(
        &self,
        start: &Start,
        store: &ArtifactStore,
        artifacts: &[Artifact],
        preset: Vec<(&'static str, String)>,
    ) -> Proposal {
        let existing = start.existing();
        let mut values = previous(start);
        let mut set = |name: &str, value: &str| {
            values.insert(name.to_owned(), ParameterSource::Value(value.to_owned()));
        };
        for (name, value) in &preset {
            set(name, value);
        }
        for (name, value) in &self.settings.parameters {
            set(name, value);
        }
        set(BUCKET, store.bucket());
        for artifact in artifacts {
            let key = artifacts::key(self.settings.stack.as_str(), artifact);
            set(artifact.handler.code_parameter(), &key);
            set(ARCHITECTURE, artifact.architecture.lambda_name());
        }
        values.retain(|name, _| self.template.parameter(name).is_some());
        let mut tags = existing.map(|stack| stack.tags.clone()).unwrap_or_default();
        let had_tags = !tags.is_empty();
        tags.extend(self.settings.tags.clone());
        tags.retain(|name, _| !self.args.removed_tags.contains(name));
        Proposal {
            stack: self.settings.stack.to_string(),
            create: existing.is_none(),
            template: Some(self.template.body_deployed_by(VERSION)),
            parameters: values,
            tags: (had_tags || !tags.is_empty()).then_some(tags),
            express: self.args.express,
            keep_on_failure: self.args.no_rollback,
            watch: None,
        }
    }
}

/// The parameters that the stack has, each with the value that it has.
fn previous(start: &Start) -> BTreeMap<String, ParameterSource> {
    let names = start.parameters().keys().cloned();
    names
        .map(|name| (name, ParameterSource::Previous))
        .collect()
}
