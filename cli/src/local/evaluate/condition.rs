//! Conditions and rules: what holds and what does not.

use super::call::{Call, Function, View};
use super::evaluator::{Evaluator, State};
use super::fault::{Fault, Result, suggestion};
use crate::stack::template::{Entry, Node, Position};

/// Conditions, or resources, that refer to one another in a row: more than any sensible template has.
const MAX_CHAIN: usize = 60;

impl<'t> Evaluator<'t> {
    /// Whether the condition of this name holds.
    pub(super) fn condition(&mut self, name: &'t str, at: Position) -> Result<bool> {
        self.check_condition(name, at)?;
        let Some(slot) = self.conditions.get_mut(name) else {
            return Ok(false);
        };
        match slot.state {
            State::Known(holds) => return Ok(holds),
            State::InProgress => return Err(self.cycle(name, at)),
            State::Unknown | State::Absent => slot.state = State::InProgress,
        }
        let entry = slot.entry;
        self.enter(&entry.key, at)?;
        let holds = self
            .holds(&entry.value)
            .map_err(|fault| fault.within("condition", name))?;
        self.path.pop();
        if let Some(slot) = self.conditions.get_mut(name) {
            slot.state = State::Known(holds);
        }
        Ok(holds)
    }

    pub(super) fn check_condition(&self, name: &str, at: Position) -> Result<()> {
        if self.conditions.contains_key(name) {
            return Ok(());
        }
        let near = suggestion(name, self.conditions.keys().copied());
        Err(Fault::new(
            at,
            format!("there is no condition `{name}`{near}"),
        ))
    }

    /// Notes that this condition or resource is in progress.
    pub(super) fn enter(&mut self, name: &'t str, at: Position) -> Result<()> {
        if self.path.len() == MAX_CHAIN {
            return Err(Fault::new(at, "this leads too deep to be evaluated"));
        }
        self.path.push(name);
        Ok(())
    }

    /// What leads back to itself, as `A -> B -> A`.
    pub(super) fn cycle(&self, name: &str, at: Position) -> Fault {
        let from = self.path.iter().position(|known| *known == name);
        let mut circle = self
            .path
            .get(from.unwrap_or(0)..)
            .unwrap_or(&[])
            .join(" -> ");
        circle.push_str(" -> ");
        circle.push_str(name);
        Fault::new(at, format!("this is a circle: {circle}"))
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
            Function::And => {
                let all = self.each(&call)?;
                Ok(all.into_iter().all(|holds| holds))
            }
            Function::Or => {
                let any = self.each(&call)?;
                Ok(any.into_iter().any(|holds| holds))
            }
            Function::Not => {
                let [condition] = call.arguments()?;
                self.holds(condition).map(|holds| !holds)
            }
            Function::Equals => {
                let [one, two] = call.arguments()?;
                let one = self.value(one, &call.name())?;
                let two = self.value(two, &call.name())?;
                Ok(one.equals(&two))
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
        if View::from(rule).mapping().is_none() {
            return Err(Fault::new(rule.at, "a rule is a mapping with `Assertions`"));
        }
        if let Some(condition) = rule.get("RuleCondition")
            && !self.holds(condition)?
        {
            return Ok(());
        }
        let assertions = rule
            .get("Assertions")
            .ok_or_else(|| Fault::new(at, "there are no `Assertions`"))?;
        let Some(assertions) = View::from(assertions).list() else {
            return Err(Fault::new(assertions.at, "`Assertions` is a list"));
        };
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
