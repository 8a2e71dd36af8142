//! A stack that is deployed, on AWS or on this machine, and what its outputs say of it.
//!
//! Where a command needs more than the functions' names, it finds the table, the queue and the
//! mapping here, and from then on speaks AWS's own APIs: this machine answers them too.

use host::bucket::Buckets;

use crate::aws::Aws;
use crate::commands::{local, stack_not_found};
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::models::Models;
use crate::models::table::Table;
use crate::printer::Printer;
use crate::settings::{Settings, StackName, Target};
use crate::stack::Stacks;
use crate::stack::functions::Functions;
use crate::stack::state::{self, Output, Situation};

pub(crate) struct Connected {
    pub(crate) aws: Aws,
    pub(crate) stack: StackName,
    pub(crate) outputs: Vec<Output>,
    /// Of a stack on this machine.
    pub(crate) buckets: Option<Buckets>,
}

impl Connected {
    /// Finds the stack; one on this machine is started where it does not run.
    pub(crate) async fn to(settings: &Settings, printer: &Printer) -> Result<Self, Failure> {
        let stack = settings.stack.clone();
        if settings.target == Target::Local {
            let client = local::attach(settings, printer).await?;
            let outputs = client.describe().await?.outputs;
            return Ok(Self {
                aws: client.aws(),
                stack,
                outputs,
                buckets: Some(client.buckets()),
            });
        }
        let aws = Aws::connect(&settings.aws).await?;
        let stacks = Stacks::new(&aws);
        let described = stacks.describe(stack.as_str()).await?;
        let made = described.filter(|state| state.situation() != Situation::Empty);
        let state = made.ok_or_else(|| stack_not_found(&stack, aws.region()))?;
        stacks.check_ours(&state)?;
        Ok(Self {
            aws,
            stack,
            outputs: state.outputs,
            buckets: None,
        })
    }

    /// The value of an output of the template.
    pub(crate) fn output(&self, name: &str) -> Result<&str, Failure> {
        state::output(&self.outputs, name).ok_or_else(|| self.lacks(name))
    }

    /// The failure of a stack of another template.
    pub(crate) fn lacks(&self, output: &str) -> Failure {
        let stack = &self.stack;
        Failure::new(
            Kind::Failed,
            format!("stack `{stack}` has no output `{output}`"),
        )
        .hint("`cqrs deploy` brings the stack to this version's template")
    }

    /// Both models of the stack.
    pub(crate) fn models(&self, domain: &Domain) -> Result<Models, Failure> {
        let table = self.output("TableName")?;
        Ok(Models {
            table: Table::new(self.aws.dynamodb(), table, &domain.id),
            functions: self.functions(false),
            domain: domain.clone(),
        })
    }

    /// The stack's functions; `verbose` asks for the end of their logs.
    pub(crate) fn functions(&self, verbose: bool) -> Functions {
        Functions::new(&self.aws, self.stack.clone(), verbose)
    }
}
