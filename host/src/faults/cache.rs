//! What can happen to the cache: its process stands still, works in fits and starts, or dies with all
//! that it holds.

use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::FaultError;
use crate::cache::{Cache, Strain};

/// A slow cache stands still for so long, then works for so long.
const STILL: Duration = Duration::from_millis(120);
const WORKS: Duration = Duration::from_millis(15);

/// The process stands still, and goes on after a while.
pub(super) async fn stop(cache: &Cache, lasts: Duration) -> Result<AbortHandle, FaultError> {
    strain(cache, Strain::Stop).await?;
    let cache = cache.clone();
    let task = tokio::spawn(async move {
        sleep(lasts).await;
        go_on(&cache).await;
    });
    Ok(task.abort_handle())
}

/// The process works in fits and starts for a while.
pub(super) async fn slow(cache: &Cache, lasts: Duration) -> Result<AbortHandle, FaultError> {
    strain(cache, Strain::Stop).await?;
    let cache = cache.clone();
    let until = Instant::now() + lasts;
    let task = tokio::spawn(async move {
        while Instant::now() < until {
            sleep(STILL).await;
            go_on(&cache).await;
            sleep(WORKS).await;
            let _ = cache.strain(Strain::Stop).await;
        }
        go_on(&cache).await;
    });
    Ok(task.abort_handle())
}

/// The process dies.
pub(super) async fn lose(cache: &Cache) -> Result<(), FaultError> {
    strain(cache, Strain::Kill).await
}

pub(super) async fn go_on(cache: &Cache) {
    let _ = cache.strain(Strain::GoOn).await;
}

async fn strain(cache: &Cache, strain: Strain) -> Result<(), FaultError> {
    match cache.strain(strain).await {
        true => Ok(()),
        false => Err(FaultError::NotOurCache),
    }
}
