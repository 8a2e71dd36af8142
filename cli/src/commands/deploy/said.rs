//! What the functions of an existing stack say of themselves, asked while CloudFormation makes the
//! change set and the zips are made.

use pattern::description::Description;

use super::complete::is_complete;
use super::domain;
use crate::domain::FILE;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::Functions;

/// See the module's documentation. Nothing is known of a new stack's functions.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) description: Option<Description>,
    /// Whether the read model is complete; asked only where the functions stay as they are.
    pub(super) is_complete: Option<bool>,
}

impl Said {
    /// Asks no more than what the deployment goes by: functions that stay as they are say nothing new of
    /// their domain, and those that are replaced do not tell what their successors will find.
    pub(super) async fn ask(
        functions: &Functions,
        stay: bool,
        settings: &Settings,
        printer: &Printer,
    ) -> Self {
        let project = settings.project.as_deref();
        let is_described = project.is_some_and(|project| project.join(FILE).is_file());
        let describing = async {
            if stay && !is_described {
                return None;
            }
            domain::description(functions, printer).await
        };
        let pinging = async {
            if stay {
                is_complete(functions).await
            } else {
                None
            }
        };
        let (description, is_complete) = tokio::join!(describing, pinging);
        Self {
            description,
            is_complete,
        }
    }
}
