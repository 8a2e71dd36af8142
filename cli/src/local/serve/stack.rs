//! One stack's services, and how they become what a deployment says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::bucket::Buckets;
use host::cache::{Address, Cache};
use host::definition::Definition;
use host::faults::{Fault, FaultError};
use host::journal::Journal;
use host::lambda::{self, Functions};
use host::mapping::Mappings;
use host::offspring::Offspring;
use host::queue::Queues;
use host::store::{Store, TableChange};
use pattern::timestamp::Timestamp;
use tokio::sync::Mutex;

use super::error::ServeError;
use super::log::log;
use super::rebuild::Keeper;
use super::write_beside;
use crate::app::clock;
use crate::local::difference;
use crate::local::evaluate::{Context, Evaluated, evaluate};
use crate::local::protocol::BUCKETS;
use crate::local::protocol::{Deployed, Deployment, Description, Live as Watched, Status};
use crate::stack::change_set::ResourceChanged;
use crate::stack::template::Template;

/// See the module's documentation.
pub(super) struct Stack {
    state: PathBuf,
    endpoint: String,
    port: u16,
    offspring: Offspring,
    store: Store,
    queues: Queues,
    buckets: Buckets,
    functions: Functions,
    mappings: Mappings,
    started_at: Timestamp,
    /// Held while a deployment is under way, so that there is one at a time.
    live: Mutex<Option<Live>>,
}

/// What a deployment came to.
struct Made {
    deployment: Deployment,
    evaluated: Evaluated,
    /// None where the cache is the same, and so is who looks after it.
    keeper: Option<Keeper>,
    changes: Vec<ResourceChanged>,
}

/// What is deployed.
struct Live {
    deployment: Deployment,
    evaluated: Evaluated,
    cache: Cache,
    keeper: Keeper,
}

impl Stack {
    pub(super) fn open(
        state: &Path,
        region: &str,
        port: u16,
        offspring: Offspring,
    ) -> Result<Self, ServeError> {
        let endpoint = format!("http://127.0.0.1:{port}");
        let logs = state.join("logs");
        std::fs::create_dir_all(&logs).map_err(ServeError::Folder)?;
        let store = Store::open(&state.join("data.db"), region)?;
        let journal = Journal::open(&state.join("journal.db"))?;
        let queues = Queues::new(journal.clone(), region)?;
        let settings = lambda::Settings {
            region: region.to_owned(),
            endpoint_url: endpoint.clone(),
            logs,
        };
        let functions = Functions::new(settings, offspring.clone());
        let buckets = Buckets::below(state.join(BUCKETS));
        let mappings = Mappings::new(
            region,
            journal,
            store.clone(),
            functions.clone(),
            queues.clone(),
            buckets.clone(),
        )?;
        Ok(Self {
            state: state.to_owned(),
            endpoint,
            port,
            offspring,
            store,
            queues,
            buckets,
            functions,
            mappings,
            started_at: clock::now(),
            live: Mutex::new(None),
        })
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(super) fn mappings(&self) -> &Mappings {
        &self.mappings
    }

    pub(super) fn queues(&self) -> &Queues {
        &self.queues
    }

    /// How the functions and mappings are doing.
    pub(super) async fn status(&self) -> Status {
        let mappings = self.mappings.clone();
        // It reads the streams. Where it ends early, the process ends too.
        let mappings = tokio::task::spawn_blocking(move || mappings.status()).await;
        let live = self.live.lock().await;
        Status {
            started_at: self.started_at,
            changed_at: live.as_ref().and_then(|live| live.deployment.changed_at),
            functions: self.functions.status(),
            mappings: mappings.unwrap_or_default(),
        }
    }

    /// What goes on. It does not wait where the stack is deployed meanwhile.
    pub(super) fn watch(&self, after: u64) -> Watched {
        let live = self.live.try_lock();
        let live = live.as_ref().ok().and_then(|live| live.as_ref());
        Watched {
            seen: self.functions.live().look(after),
            faults: self.functions.faults().list(),
            whole: live.map(|live| live.keeper.is_whole()),
            cache_starts: live.map_or(0, |live| *live.cache.restarted().borrow()),
            changed_at: live.and_then(|live| live.deployment.changed_at),
        }
    }

    /// Lets something go wrong from now on.
    pub(super) async fn fault(&self, fault: Fault) -> Result<(), FaultError> {
        let Some(cache) = self.deployed_cache().await else {
            return Err(FaultError::NotOurCache);
        };
        let faults = self.functions.faults();
        log(format_args!("a fault begins: {fault:?}"));
        faults.begin(fault, &self.functions, &cache).await
    }

    /// Ends all that goes wrong on purpose, and says how many there were.
    pub(super) async fn clear_faults(&self) -> usize {
        match self.deployed_cache().await {
            Some(cache) => self.functions.faults().clear(&cache).await,
            None => 0,
        }
    }

    async fn deployed_cache(&self) -> Option<Cache> {
        let live = self.live.lock().await;
        live.as_ref().map(|live| live.cache.clone())
    }

    /// The stack as it is; none where nothing was deployed yet.
    pub(super) async fn describe(&self) -> Option<Description> {
        self.live.lock().await.as_ref().map(Live::describe)
    }

    /// Makes the stack what was deployed when this folder was last used.
    pub(super) async fn resume(&self, deployment: Deployment) -> Result<(), ServeError> {
        self.deploy(deployment).await.map(|_| ())
    }

    /// Makes the stack what `deployment` says. What it held stays; where it fails, what was deployed
    /// before serves on.
    pub(super) async fn deploy(&self, mut deployment: Deployment) -> Result<Deployed, ServeError> {
        let mut live = self.live.lock().await;
        deployment.port = self.port;
        let cache = self.cache(&mut deployment, live.as_ref()).await?;
        let made = match self.make(deployment, &cache, live.as_ref()).await {
            Ok(made) => made,
            Err(error) => {
                self.go_back(live.as_ref(), cache).await;
                return Err(error);
            }
        };
        let Made {
            deployment,
            evaluated,
            keeper,
            changes,
        } = made;
        let before = match keeper {
            Some(keeper) => live.replace(Live {
                deployment,
                evaluated,
                cache,
                keeper,
            }),
            None => {
                if let Some(live) = live.as_mut() {
                    live.deployment = deployment;
                    live.evaluated = evaluated;
                }
                None
            }
        };
        if let Some(before) = before {
            drop(before.keeper);
            before.cache.stop().await;
        }
        log(format_args!("deployed, {} changes", changes.len()));
        Ok(Deployed {
            changes,
            description: live.as_ref().map(Live::describe).unwrap_or_default(),
        })
    }

    /// Everything that can fail, the file that tells the next process of it at the end.
    async fn make(
        &self,
        mut deployment: Deployment,
        cache: &Cache,
        live: Option<&Live>,
    ) -> Result<Made, ServeError> {
        let evaluated = self.apply(&deployment, cache.address()).await?;
        let definition = &evaluated.definition;
        let before = live.map(|live| &live.evaluated.definition);
        let changes = difference::changes(before, definition);
        deployment.changed_at = match live {
            Some(live) if changes.is_empty() => live.deployment.changed_at,
            // It is taken up again as it was left.
            None if deployment.changed_at.is_some() => deployment.changed_at,
            _ => Some(clock::now()),
        };
        let keeper = match live {
            Some(live) if live.cache.address() == cache.address() => {
                live.keeper.target(definition);
                live.keeper.ended().await;
                None
            }
            _ => {
                let keeper = Keeper::start(
                    cache.clone(),
                    self.store.clone(),
                    self.functions.clone(),
                    definition,
                    &self.state,
                )?;
                keeper.ended().await;
                Some(keeper)
            }
        };
        let written = write_beside(&self.state.join("deployment.json"), &deployment)?;
        self.mappings.apply(definition.mappings.clone()).await?;
        written.replace()?;
        Ok(Made {
            deployment,
            evaluated,
            keeper,
            changes,
        })
    }

    /// Makes functions and mappings what they were; what was begun for a deployment ends.
    async fn go_back(&self, live: Option<&Live>, cache: Cache) {
        let Some(live) = live else {
            self.functions.apply(Vec::new()).await;
            return cache.stop().await;
        };
        let definition = &live.evaluated.definition;
        self.functions.apply(definition.functions.clone()).await;
        if live.cache.address() == cache.address() {
            live.keeper.target(definition);
        } else {
            cache.stop().await;
        }
        if let Err(error) = self.mappings.apply(definition.mappings.clone()).await {
            log(format_args!("the mappings are not as they were: {error}"));
        }
    }

    /// The cache that the deployment asks for: the one that runs, where it is the same.
    async fn cache(
        &self,
        deployment: &mut Deployment,
        live: Option<&Live>,
    ) -> Result<Cache, ServeError> {
        let cache = match live {
            Some(live) if live.deployment.cache == deployment.cache => live.cache.clone(),
            _ => {
                let folder = self.state.join("cache");
                std::fs::create_dir_all(&folder).map_err(ServeError::Folder)?;
                Cache::start(
                    deployment.cache.clone(),
                    folder,
                    deployment.cache_port,
                    self.offspring.clone(),
                )
                .await?
            }
        };
        deployment.cache_port = Some(cache.address().port);
        Ok(cache)
    }

    /// Tables, queues and functions; the mappings come last, when all that they need is there.
    async fn apply(
        &self,
        deployment: &Deployment,
        cache: Address,
    ) -> Result<Evaluated, ServeError> {
        let template = Template::from_text(&deployment.template_path, deployment.template.clone())?;
        let mut context = Context {
            stack: deployment.stack.clone(),
            region: deployment.region.clone(),
            parameters: deployment.parameters.clone(),
            programs: deployment.programs.clone(),
            endpoint: self.endpoint.clone(),
            cache,
            streams: BTreeMap::new(),
        };
        let draft = evaluate(&template, &context)?;
        for table in &draft.definition.tables {
            match self.store.apply(table).await? {
                TableChange::Created => log(format_args!("table {} is created", table.name)),
                TableChange::Updated => log(format_args!("table {} is changed", table.name)),
                TableChange::Unchanged => {}
            }
            if let Some(arn) = self.store.stream_arn(&table.name)? {
                context.streams.insert(table.logical_id.clone(), arn);
            }
        }
        // Only now are the streams' names known.
        let mut evaluated = evaluate(&template, &context)?;
        let definition = &evaluated.definition;
        self.queues.apply(definition.queues.clone())?;
        self.buckets
            .apply(&definition.buckets)
            .map_err(ServeError::Folder)?;
        self.functions.apply(definition.functions.clone()).await;
        // As on AWS, a function that cannot start fails its calls, and not the deployment.
        for failure in self.functions.warm().await {
            log(format_args!("a function cannot start: {failure}"));
            evaluated.notes.push(failure);
        }
        Ok(evaluated)
    }

    /// Ends everything, in an order in which nothing is missed by what still runs.
    pub(super) async fn stop(&self) {
        self.mappings.stop().await;
        self.functions.stop().await;
        if let Some(live) = self.live.lock().await.take() {
            drop(live.keeper);
            live.cache.stop().await;
        }
    }
}

impl Live {
    fn describe(&self) -> Description {
        Description {
            outputs: self.evaluated.outputs.clone(),
            left_out: self.evaluated.left_out.clone(),
            without_effect: self.evaluated.without_effect.clone(),
            notes: self.evaluated.notes.clone(),
            cache: match &self.deployment.cache {
                host::cache::Choice::Program(path) => path.display().to_string(),
                host::cache::Choice::Url(url) => url.clone(),
            },
        }
    }
}

/// A table whose changes a function projects: what the read model is made from again.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    pub(super) table: Arc<str>,
    pub(super) function: Arc<str>,
}

/// The projections of a stack.
pub(super) fn projections(definition: &Definition) -> Vec<Projection> {
    let mappings = definition.mappings.iter();
    mappings
        .map(|mapping| Projection {
            table: mapping.table.as_str().into(),
            function: mapping.function.as_str().into(),
        })
        .collect()
}
