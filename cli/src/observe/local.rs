//! A stack on this machine: its process knows of functions and mapping, the rest answers as on AWS.

use std::path::Path;

use host::{lambda, mapping};
use pattern::timestamp::Timestamp;

use super::{
    Activity, Blind, Counted, Function, Invocations, LAG_LIMIT_MS, Lag, LastError, Mapping,
    PerFunction, Seen, Stack, Unseen, parts,
};
use crate::app::clock;
use crate::domain::Domain;
use crate::local::client::{Client, Folder};
use crate::local::protocol::Status;
use crate::settings::{Settings, StackName};
use crate::stack::functions::Functions;
use crate::stack::state;

/// See the module's documentation. Looking does not start the stack.
#[derive(Debug)]
pub(crate) struct OnThisMachine {
    folder: Folder,
    stack: StackName,
    domain: Domain,
}

impl OnThisMachine {
    pub(crate) fn new(folder: Folder, settings: &Settings) -> Self {
        Self {
            folder,
            stack: settings.stack.clone(),
            domain: settings.domain.clone(),
        }
    }

    pub(super) async fn look(&self) -> Result<Seen, Blind> {
        let client = Client::listening(&self.folder).await?;
        match client {
            Some(client) => self.running(&client).await,
            None if self.folder.is_deployed() => Ok(self.stopped()?),
            None => Err(Blind::NoStack),
        }
    }

    async fn running(&self, client: &Client) -> Result<Seen, Blind> {
        let aws = client.aws();
        let functions = Functions::new(&aws, self.stack.clone(), false);
        let outputs = client.describe().await?.outputs;
        let output = |name| state::output(&outputs, name).ok_or(Unseen::NoOutput(name));
        let buckets = client.buckets();
        let (status, read_model, write_model, failures) = tokio::join!(
            client.status(),
            parts::read_model(&functions, &self.domain),
            async { parts::write_model(&aws, output("TableName")?, &self.domain).await },
            parts::failures(&aws, Some(&buckets), output),
        );
        let status = status?;
        let mappings = &status.mappings;
        let of_stack = output("EventSourceMappingId").and_then(|id| {
            let found = mappings.iter().find(|mapping| mapping.id == id);
            found.ok_or(Unseen::Missing)
        });
        let of = |handler| of(&status, &self.stack.function(handler));
        // It may be deployed anew at this moment; its version is not known then.
        let deployment = self.folder.deployment().ok().flatten();
        let deployed_by = deployment.and_then(|deployment| deployment.version);
        Ok(Seen {
            at: clock::now(),
            stack: Ok(Stack {
                status: "RUNNING".to_owned(),
                changed_at: status.changed_at,
                started_at: Some(status.started_at),
                deployed_by,
                ..Stack::default()
            }),
            functions: PerFunction::of(|handler| of(handler).map(function).ok_or(Unseen::Missing)),
            activity: Ok(Activity {
                functions: PerFunction::of(|handler| {
                    of(handler).map(invocations).unwrap_or_default()
                }),
                lag: of_stack
                    .as_ref()
                    .map_or_else(|_| Lag::default(), |m| here_lag(m)),
                minutes: Vec::new(),
            }),
            mapping: of_stack.map(here_mapping),
            write_model,
            read_model,
            failures,
            alarms: None,
            lag_limit_ms: LAG_LIMIT_MS,
            dashboard: None,
        })
    }

    fn stopped(&self) -> Result<Seen, Unseen> {
        let deployment = self.folder.deployment()?;
        Ok(Seen {
            at: clock::now(),
            stack: Ok(Stack {
                status: "STOPPED".to_owned(),
                changed_at: deployment.as_ref().and_then(|it| it.changed_at),
                deployed_by: deployment.and_then(|it| it.version),
                ..Stack::default()
            }),
            functions: PerFunction::of(|_| Err(Unseen::Stopped)),
            activity: Err(Unseen::Stopped),
            mapping: Err(Unseen::Stopped),
            write_model: Err(Unseen::Stopped),
            read_model: Err(Unseen::Stopped),
            failures: Err(Unseen::Stopped),
            alarms: None,
            lag_limit_ms: LAG_LIMIT_MS,
            dashboard: None,
        })
    }
}

fn of<'a>(status: &'a Status, name: &str) -> Option<&'a lambda::Status> {
    let mut functions = status.functions.iter();
    functions.find(|status| status.function.name == name)
}

fn function(status: &lambda::Status) -> Function {
    let program = &status.function.program;
    // A program lies in a folder with the name of its hash.
    let hash = program.parent().and_then(Path::file_name);
    let stored = program.metadata().and_then(|file| file.modified());
    Function {
        state: if status.cannot_start.is_some() {
            "Failed".to_owned()
        } else {
            "Active".to_owned()
        },
        reason: status.cannot_start.clone(),
        last_update: None,
        memory_mb: Some(status.function.memory_mb),
        code: hash.map(|hash| hash.to_string_lossy().into_owned()),
        changed_at: stored.ok().and_then(|at| clock::timestamp(&at.into())),
        processes: Some(status.processes),
    }
}

fn invocations(status: &lambda::Status) -> Invocations {
    let last_error = status.last_error.as_ref();
    Invocations {
        hour: counted(&status.counted),
        recent: counted(&status.recent),
        p99_ms: None,
        last_error: last_error.map(|error| LastError {
            at: Timestamp::from_millis(error.at_ms),
            error_type: error.error_type.clone(),
            message: error.message.clone(),
        }),
    }
}

fn counted(counted: &lambda::Counted) -> Counted {
    Counted {
        invocations: counted.invocations,
        errors: counted.errors,
        throttles: counted.throttles,
        crashes: Some(counted.crashes),
    }
}

pub(crate) fn here_mapping(status: &mapping::Status) -> Mapping {
    Mapping {
        id: status.id.clone(),
        state: if status.enabled {
            "Enabled"
        } else {
            "Disabled"
        }
        .to_owned(),
        reason: None,
        last_processing_result: Some(status.last_processing_result.clone()),
        given_up: Some(status.given_up),
    }
}

pub(crate) fn here_lag(status: &mapping::Status) -> Lag {
    Lag {
        lag_ms: Some(status.lag_ms),
        measured_at: None,
        behind: Some(status.behind),
    }
}
