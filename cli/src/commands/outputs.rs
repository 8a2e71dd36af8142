//! `cqrs outputs`: what the stack offers.

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::commands::connected::Connected;
use crate::commands::table::table;
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::state::Output;

pub(crate) async fn run(settings: Settings, printer: &Printer) -> Result<(), Failure> {
    let stack = Connected::to(&settings, printer).await?;
    printer.data(&Outputs(stack.outputs))
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
