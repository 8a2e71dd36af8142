//! Removes what the layout before this one left in the cache: once the read model is made in this
//! one it only takes memory.

use redis::{Pipeline, Value};

use super::cache::{CacheError, ReadModel};
use super::read::unexpected;
use crate::entity::Entity;
use crate::error::ProjectionError;
use crate::payload::Outdated;

/// Keys that the server looks at in one go, in which it answers nobody else.
const LOOKED_AT: usize = 1000;
/// Looks of one call, which has an end also where there are millions of keys.
const LOOKS: usize = 10;

impl<E: Entity> ReadModel<E> {
    /// Removes keys of the older layout, from `cursor` on, which is 0 at first. What is interrupted
    /// can begin anew.
    ///
    /// # Errors
    /// When the cache is not to be had.
    pub async fn remove_outdated(&self, mut cursor: u64) -> Result<Outdated, ProjectionError> {
        let mut removed = 0;
        for _ in 0..LOOKS {
            let (next, keys) = self.scan(cursor).await?;
            if !keys.is_empty() {
                // The user may not delete; what expires at once is deleted.
                let mut pipeline = Pipeline::with_capacity(keys.len());
                for key in keys {
                    pipeline.cmd("EXPIRE").arg(key).arg(0);
                }
                for answer in self.send(&pipeline).await? {
                    match answer {
                        Value::Int(one) => removed += u64::from(one == 1),
                        other => return Err(unexpected(&other).into()),
                    }
                }
            }
            if next == 0 {
                return Ok(Outdated {
                    removed,
                    cursor: None,
                });
            }
            cursor = next;
        }
        Ok(Outdated {
            removed,
            cursor: Some(cursor),
        })
    }

    async fn scan(&self, cursor: u64) -> Result<(u64, Vec<Vec<u8>>), CacheError> {
        let mut command = redis::cmd("SCAN");
        command.arg(cursor);
        command.arg("MATCH").arg(&self.keys.outdated);
        command.arg("COUNT").arg(LOOKED_AT);
        let answer = self.one(command).await?;
        redis::from_redis_value_ref(&answer).map_err(|_| unexpected(&answer))
    }
}
