//! The page that shows the stack at work, and the server behind it.
//!
//! [`server`] answers on 127.0.0.1 alone, below a path that nobody can guess, with the [`page`]'s files
//! and its questions. [`feed`] looks at the stack and tells all pages at once, at a pace that does not
//! depend on the load; what it tells are [`frame`]s. [`reach`] is the way to the stack, [`entity`] and
//! [`about`] are what is asked of it, and [`run`] runs a command of this tool, word for word the one that
//! the page shows.

mod about;
mod entity;
mod feed;
mod frame;
mod history;
mod page;
mod parts;
mod reach;
mod run;
mod server;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;

use self::feed::Feed;
use self::reach::Reach;
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::local::client::Folder;
use crate::settings::{Settings, Target};

/// How the page is served.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Else a free one.
    pub(crate) port: Option<u16>,
    /// Nothing can be changed by it.
    pub(crate) read_only: bool,
    /// On AWS what the entities hold is hidden otherwise.
    pub(crate) show_documents: bool,
    /// What leads a command to the same stack: `--local`, `--stack shop`.
    pub(crate) place: Vec<String>,
}

/// A page that can be opened.
pub(crate) struct Ui {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What all connections share.
struct Shared {
    settings: Settings,
    /// What the stack is about, as it was last looked up.
    domain: Mutex<Domain>,
    options: Options,
    reach: Reach,
    feed: Feed,
    token: String,
}

impl Shared {
    /// Whether what the entities hold is not shown.
    fn hides_documents(&self) -> bool {
        self.settings.target == Target::Aws && !self.options.show_documents
    }

    fn domain(&self) -> Domain {
        let known = self.domain.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks it up again in the project, which may be edited while the page is open. One that cannot be
    /// read changes nothing.
    fn renew_domain(&self) {
        let project = self.settings.project.as_deref();
        if let Some(Ok(Some(domain))) = project.map(Domain::of_project) {
            *self.domain.lock().unwrap_or_else(PoisonError::into_inner) = domain;
        }
    }
}

impl Ui {
    /// Takes the port; nothing is served yet. `folder` is that of a stack on this machine.
    pub(crate) async fn bind(
        settings: &Settings,
        folder: Option<Folder>,
        options: Options,
    ) -> Result<Self, Failure> {
        let port = options.port.unwrap_or(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(|error| {
            Failure::new(
                Kind::Failed,
                format!("port {port} on 127.0.0.1 cannot be had"),
            )
            .caused_by(error.to_string())
            .hint("give another with `--port N`, or leave it out for a free one")
        })?;
        let reach = Reach::new(settings, folder).await?;
        Ok(Self {
            listener,
            shared: Arc::new(Shared {
                settings: settings.clone(),
                domain: Mutex::new(settings.domain.clone()),
                options,
                feed: Feed::new(settings),
                reach,
                token: uuid::Uuid::new_v4().simple().to_string(),
            }),
        })
    }

    /// Where it is; whoever knows it may do there what this user may do.
    pub(crate) fn address(&self) -> Result<String, Failure> {
        let address = self.listener.local_addr().map_err(|error| {
            Failure::new(Kind::Failed, "the page's port is lost").caused_by(error.to_string())
        })?;
        Ok(format!("http://{address}/{}/", self.shared.token))
    }

    /// Serves until this is dropped.
    pub(crate) async fn serve(self) {
        let Self { listener, shared } = self;
        // What is under way is dropped with the set.
        let tasks = tokio::task::LocalSet::new();
        let here = Arc::clone(&shared);
        let looking = here.feed.run(&here.reach, &here.settings);
        let serving = async { tokio::join!(looking, server::serve(listener, shared)) };
        tasks.run_until(serving).await;
    }
}
