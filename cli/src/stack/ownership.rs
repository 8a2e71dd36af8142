//! Whether a stack is one of this tool's, which it may change, or somebody else's, which it may not.
//!
//! The mark are the parameters that say where the functions' code is: whatever is deployed by this
//! tool has them, in every state and since its first version, and no other template does.

use crate::app::handler::Handler;
use crate::aws::AwsError;
use crate::error::{Explain, Kind};
use crate::stack::change_set::stack_name;
use crate::stack::state::{Situation, StackState};
use crate::stack::{Stacks, is_own_name};

/// A stack that this tool did not make.
#[derive(Debug, thiserror::Error)]
#[error(
    "stack `{name}` in {region} was not made by this tool{}",
    described(description)
)]
pub(crate) struct NotOurs {
    name: String,
    region: String,
    description: Option<String>,
}

fn described(description: &Option<String>) -> String {
    let text = description.as_ref();
    text.map(|text| format!(": its template is described as `{text}`"))
        .unwrap_or_default()
}

impl Explain for NotOurs {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn name(&self) -> String {
        "NotOurs".to_owned()
    }

    fn hint(&self) -> Option<String> {
        Some("nothing of it is touched; choose another name with `--stack`".to_owned())
    }
}

impl StackState {
    /// Whether this tool made it. One that was never made has no mark yet.
    pub(crate) fn is_ours(&self) -> bool {
        let mut marks = Handler::ALL.into_iter().map(Handler::code_parameter);
        self.situation() == Situation::Empty || marks.any(|name| self.parameters.contains_key(name))
    }
}

impl Stacks {
    /// Refuses a stack of another owner's.
    pub(crate) fn check_ours(&self, state: &StackState) -> Result<(), NotOurs> {
        if state.is_ours() {
            return Ok(());
        }
        Err(self.not_ours(state))
    }

    /// The same before something is changed: a stack that was never made is whose its previews are.
    pub(crate) async fn check_may_change(
        &self,
        state: &StackState,
    ) -> Result<Result<(), NotOurs>, AwsError> {
        if state.situation() == Situation::Empty {
            let previews = self.change_sets(&state.id).await?;
            if !previews.iter().all(|name| is_own_name(name)) {
                return Ok(Err(self.not_ours(state)));
            }
        }
        Ok(self.check_ours(state))
    }

    fn not_ours(&self, state: &StackState) -> NotOurs {
        NotOurs {
            name: stack_name(&state.id),
            region: self.region.clone(),
            description: state.description.clone(),
        }
    }
}
