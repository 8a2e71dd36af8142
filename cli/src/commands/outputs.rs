//! `cqrs outputs`: what the stack offers.

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::aws::Aws;
use crate::commands::table::table;
use crate::commands::{local, stack_not_found};
use crate::error::Failure;
use crate::local::protocol::OutputValue;
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::stack::Stacks;
use crate::stack::state::Output;

pub(crate) async fn run(settings: Settings, printer: &Printer) -> Result<(), Failure> {
    if settings.target == Target::Local {
        let client = local::attach(&settings, printer).await?;
        let outputs = client.describe().await?.outputs;
        return printer.data(&Outputs(outputs.into_iter().map(Output::from).collect()));
    }
    let aws = Aws::connect(&settings.aws).await?;
    let stack = Stacks::new(&aws)
        .describe(settings.stack.as_str())
        .await?
        .ok_or_else(|| stack_not_found(&settings.stack, aws.region()))?;
    printer.data(&Outputs(stack.outputs))
}

impl From<OutputValue> for Output {
    fn from(output: OutputValue) -> Self {
        Self {
            name: output.name,
            value: output.value,
            description: output.description,
        }
    }
}

/// The outputs by name: a table as text, one object as JSON.
#[derive(Debug)]
pub(crate) struct Outputs(pub(crate) Vec<Output>);

impl Serialize for Outputs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for output in &self.0 {
            map.serialize_entry(&output.name, &output.value)?;
        }
        map.end()
    }
}

impl fmt::Display for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self
            .0
            .iter()
            .map(|output| vec![output.name.clone(), output.value.clone()]);
        f.write_str(&table(&[], rows))
    }
}
