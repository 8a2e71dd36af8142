//! The way to the stack: found when it is asked for, so that a stack that is deployed, stopped or
//! destroyed meanwhile is seen as what it is.

use std::sync::Arc;

use crate::aws::Aws;
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::local::client::{Client, Folder};
use crate::models::Models;
use crate::models::table::Table;
use crate::observe::{OnAws, OnThisMachine, Source};
use crate::settings::Settings;
use crate::stack::Stacks;
use crate::stack::functions::Functions;
use crate::stack::state::{self, Situation};

/// See the module's documentation. Clones share it.
#[derive(Clone)]
pub(super) struct Reach(Arc<Inner>);

struct Inner {
    settings: Settings,
    way: Way,
    /// The table's name, once it is known.
    table: tokio::sync::Mutex<Option<String>>,
}

enum Way {
    Aws(Box<Aws>),
    Local(Folder),
}

impl Reach {
    /// `folder` is that of a stack on this machine.
    pub(super) async fn new(settings: &Settings, folder: Option<Folder>) -> Result<Self, Failure> {
        let way = match folder {
            None => Way::Aws(Box::new(Aws::connect(&settings.aws).await?)),
            Some(folder) => Way::Local(folder),
        };
        Ok(Self(Arc::new(Inner {
            settings: settings.clone(),
            way,
            table: tokio::sync::Mutex::default(),
        })))
    }

    pub(super) fn region(&self) -> String {
        match &self.0.way {
            Way::Aws(aws) => aws.region().to_owned(),
            Way::Local(folder) => {
                let deployment = folder.deployment().ok().flatten();
                deployment.map_or_else(
                    || self.0.settings.local_region().to_owned(),
                    |deployment| deployment.region,
                )
            }
        }
    }

    /// What looks at the stack's parts.
    pub(super) fn source(&self) -> Source {
        let settings = &self.0.settings;
        match &self.0.way {
            Way::Aws(aws) => Source::Aws(Box::new(OnAws::new(Aws::clone(aws), settings))),
            Way::Local(folder) => Source::Local(OnThisMachine::new(folder.clone(), settings)),
        }
    }

    /// The stack's process, where the stack is on this machine and runs.
    pub(super) async fn process(&self) -> Option<Client> {
        match &self.0.way {
            Way::Aws(_) => None,
            Way::Local(folder) => Client::listening(folder).await.ok().flatten(),
        }
    }

    /// Whether a stack was ever deployed; on AWS only a look tells.
    pub(super) fn may_be_deployed(&self) -> bool {
        match &self.0.way {
            Way::Aws(_) => true,
            Way::Local(folder) => folder.is_deployed(),
        }
    }

    pub(super) async fn functions(&self) -> Result<Functions, Failure> {
        let stack = self.0.settings.stack.clone();
        Ok(Functions::new(&self.aws().await?, stack, false))
    }

    /// Both models of the stack, which is about `domain`.
    pub(super) async fn models(&self, domain: Domain) -> Result<Models, Failure> {
        let aws = self.aws().await?;
        Ok(Models {
            table: Table::new(aws.dynamodb(), &self.table().await?, &domain.id),
            functions: self.functions().await?,
            domain,
        })
    }

    async fn aws(&self) -> Result<Aws, Failure> {
        match &self.0.way {
            Way::Aws(aws) => Ok(Aws::clone(aws)),
            Way::Local(_) => {
                let client = self.process().await.ok_or_else(not_running)?;
                Ok(client.aws())
            }
        }
    }

    async fn table(&self) -> Result<String, Failure> {
        const OUTPUT: &str = "TableName";
        let mut known = self.0.table.lock().await;
        if let Some(table) = &*known {
            return Ok(table.clone());
        }
        let found = match &self.0.way {
            Way::Aws(aws) => {
                let stacks = Stacks::new(aws);
                let described = stacks.describe(self.0.settings.stack.as_str()).await?;
                let state = described.filter(|state| state.situation() != Situation::Empty);
                if let Some(state) = &state {
                    stacks.check_ours(state)?;
                }
                state.and_then(|state| state.output(OUTPUT).map(str::to_owned))
            }
            Way::Local(_) => {
                let client = self.process().await.ok_or_else(not_running)?;
                let outputs = client.describe().await?.outputs;
                state::output(&outputs, OUTPUT).map(str::to_owned)
            }
        };
        let table = found.ok_or_else(|| {
            Failure::new(Kind::NotFound, "there is no such stack, or it has no table")
        })?;
        *known = Some(table.clone());
        Ok(table)
    }
}

fn not_running() -> Failure {
    Failure::new(Kind::Failed, "the stack does not run")
}
