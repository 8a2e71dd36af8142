//! Waiting for what others bring about. The growing pauses between attempts are `host`'s.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Looks until there is something, with a pause after each look that found nothing. Nothing once
/// `limit` has passed; it looks once in any case.
pub(crate) async fn until<T, E>(
    limit: Duration,
    pause: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let deadline = Instant::now() + limit;
    loop {
        let found = look().await?;
        if found.is_some() || Instant::now() > deadline {
            return Ok(found);
        }
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The outcome of looks that find something, or fail, at the second that is given.
    async fn looked(
        limit: u32,
        found: Option<u64>,
        failed: Option<u64>,
    ) -> Result<Option<u64>, u64> {
        let start = Instant::now();
        until(SECOND * limit, SECOND, async || {
            let now = start.elapsed().as_secs();
            match (found, failed) {
                (_, Some(at)) if at == now => Err(now),
                (Some(at), _) if at == now => Ok(Some(now)),
                _ => Ok(None),
            }
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_until_there_is_something_or_the_time_is_over() {
        assert_eq!(looked(0, Some(0), None).await, Ok(Some(0)));
        assert_eq!(looked(5, Some(3), None).await, Ok(Some(3)));
        assert_eq!(looked(2, Some(9), None).await, Ok(None));
        assert_eq!(looked(5, Some(3), Some(2)).await, Err(2));
    }
}
