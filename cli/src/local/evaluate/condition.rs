//! Conditions and rules: what holds and what does not.

use super::call::{Call, Function, View};
use super::evaluator::Evaluator;
use super::fault::{Fault, Result, suggestion};
use crate::stack::template::{Entry, Node, Position};

impl<'t> Evaluator<'t> {
    /// Whether the condition of this name holds.
    pub(super) fn condition(&mut self, name: &'t str, at: Position) -> Result<bool> {
        let Some(slot) = self.conditions.get(name) else {
            return Err(self.unknown_condition(name, at));
        };
        if let Some(holds) = slot.answer {
            return Ok(holds);
        }
        let entry = slot.entry;
        let holds = self.once(name, at, |evaluator| {
            let holds = evaluator.holds(&entry.value);
            holds.map_err(|fault| fault.within("condition", name))
        })?;
        if let Some(slot) = self.conditions.get_mut(name) {
            slot.answer = Some(holds);
        }
        Ok(holds)
    }

    pub(super) fn check_condition(&self, name: &str, at: Position) -> Result<()> {
        if self.conditions.contains_key(name) {
            Ok(())
        } else {
            Err(self.unknown_condition(name, at))
        }
    }

    fn unknown_condition(&self, name: &str, at: Position) -> Fault {
        let near = suggestion(name, self.conditions.keys().copied());
        Fault::new(at, format!("there is no condition `{name}`{near}"))
    }

    /// Whether the condition of a resource or an output holds; without one, it does.
    pub(super) fn condition_of(&mut self, node: &'t Node) -> Result<bool> {
        let Some(condition) = node.get("Condition") else {
            return Ok(true);
        };
        let name = condition
            .text()
            .ok_or_else(|| Fault::new(condition.at, "`Condition` is the name of a condition"))?;
        self.condition(name, condition.at)
    }

    /// Whether what stands there holds: a function of conditions.
    fn holds(&mut self, view: impl Into<View<'t>>) -> Result<bool> {
        let view = view.into();
        if let Some([entry]) = view.mapping()
            && entry.key == "Condition"
        {
            let name = entry.value.text().ok_or_else(|| not_a_condition(view.at))?;
            return self.condition(name, entry.value.at);
        }
        let Some(call) = view.call()? else {
            return Err(not_a_condition(view.at));
        };
        match call.function {
            Function::Condition => {
                let name = call.argument.text().ok_or_else(|| call.misshapen())?;
                self.condition(name, call.at)
            }
            Function::And => Ok(self.each(&call)?.into_iter().all(|holds| holds)),
            Function::Or => Ok(self.each(&call)?.into_iter().any(|holds| holds)),
            Function::Not => {
                let [condition] = call.arguments()?;
                self.holds(condition).map(|holds| !holds)
            }
            Function::Equals => {
                let [one, two] = call.arguments()?;
                let one = self.value(one, &call.name())?;
                let two = self.value(two, &call.name())?;
                Ok(one.to_json() == two.to_json())
            }
            _ => Err(not_a_condition(call.at)),
        }
    }

    /// All are evaluated, so that a mistake in one does not depend on the others.
    fn each(&mut self, call: &Call<'t>) -> Result<Vec<bool>> {
        let conditions = call.list()?;
        if !(2..=10).contains(&conditions.len()) {
            return Err(call.misshapen());
        }
        conditions
            .iter()
            .map(|condition| self.holds(condition))
            .collect()
    }

    /// Whether the values of the parameters keep the rule of this entry of `Rules`.
    pub(super) fn rule(&mut self, entry: &'t Entry) -> Result<()> {
        self.assertions(&entry.value, entry.at)
            .map_err(|fault| fault.within("rule", &entry.key))
    }

    fn assertions(&mut self, rule: &'t Node, at: Position) -> Result<()> {
        if let Some(condition) = rule.get("RuleCondition")
            && !self.holds(condition)?
        {
            return Ok(());
        }
        let assertions = rule
            .get("Assertions")
            .and_then(|assertions| View::from(assertions).list())
            .ok_or_else(|| Fault::new(at, "a rule has a list of `Assertions`"))?;
        for assertion in assertions {
            let Some(assert) = assertion.get("Assert") else {
                return Err(Fault::new(assertion.at, "there is no `Assert`"));
            };
            if !self.holds(assert)? {
                let description = assertion.get("AssertDescription").and_then(Node::text);
                let what = description.unwrap_or("the parameters do not keep it");
                return Err(Fault::new(assert.at, what));
            }
        }
        Ok(())
    }
}

fn not_a_condition(at: Position) -> Fault {
    let what = "a condition is one of `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not` and `Condition`";
    Fault::new(at, what)
}
