//! The template's outputs.

use super::call::View;
use super::evaluator::Evaluator;
use super::fault::{Fault, Result};
use crate::local::protocol::OutputValue;
use crate::stack::template::{Entry, Node};

/// The outputs whose condition holds, in the template's order.
pub(super) fn read<'t>(
    evaluator: &mut Evaluator<'t>,
    entries: &'t [Entry],
) -> Result<Vec<OutputValue>> {
    let mut outputs = Vec::with_capacity(entries.len());
    for entry in entries {
        let output =
            output(evaluator, entry).map_err(|fault| fault.within("output", &entry.key))?;
        outputs.extend(output);
    }
    Ok(outputs)
}

fn output<'t>(evaluator: &mut Evaluator<'t>, entry: &'t Entry) -> Result<Option<OutputValue>> {
    let node = &entry.value;
    if View::from(node).mapping().is_none() {
        return Err(Fault::new(node.at, "an output is a mapping with a `Value`"));
    }
    let value = node
        .get("Value")
        .ok_or_else(|| Fault::new(entry.at, "there is no `Value`"))?;
    if !evaluator.condition_of(node)? {
        evaluator.check_unused(value.into())?;
        return Ok(None);
    }
    let value = evaluator
        .value(value, "an output")?
        .into_text("an output")?;
    Ok(Some(OutputValue {
        name: entry.key.clone(),
        value: value.into_owned(),
        description: node
            .get("Description")
            .and_then(Node::text)
            .map(str::to_owned),
    }))
}
