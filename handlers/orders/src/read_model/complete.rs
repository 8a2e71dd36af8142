//! The witness that the read model is complete: it holds what the write model holds, but for what
//! the stream still brings.
//!
//! It is a field of a hash under the read model's prefix, so it is lost with the contents. Whoever
//! makes the read model complete (the first deployment of an empty stack, a rebuild) leaves a token
//! there before the first order and asks for the witness after the last: it is written only where
//! the token is still there, so contents that were lost in between are noticed. Each maker has a
//! token of its own, and several do not disturb each other.

use redis::{Pipeline, Value};

use super::cache::{CacheError, ReadModel, server_error};
use super::keys;
use crate::error::ProjectionError;
use crate::projection::{Projected, Token};

/// The field of [`keys::COMPLETE`] that is the witness. `list.lua` names it too.
pub(super) const WITNESS: &str = "complete";
/// What a token's field starts with.
const BEGUN: &str = "begun:";

/// Leaves a token; 1 when it was not there. What is no hash, or no list, is made anew.
const BEGIN: &str = "
local function anew(name, key, ...)
  local answer = redis.pcall(name, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then redis.call('EXPIRE', key, 0) end
  return redis.call(name, key, ...)
end
anew('ZREM', KEYS[2], '')
return anew('HSET', KEYS[1], ARGV[1], '1')
";

/// Writes the witness and takes the token away; 0 when the token is not there.
const COMPLETE: &str = "
if not redis.call('HMGET', KEYS[1], ARGV[1])[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], '1')
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
";

impl ReadModel {
    /// Begins to make the read model complete. Counts as stale where `token` was there: then
    /// nothing was lost since it was left.
    ///
    /// # Errors
    /// When the cache is not to be had.
    pub async fn begin(&self, token: &Token) -> Result<Projected, ProjectionError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline
            .cmd("EVAL")
            .arg(BEGIN)
            .arg(2)
            .arg(keys::COMPLETE)
            .arg(keys::ALL)
            .arg(format!("{BEGUN}{token}"));
        let is_new = self.flag(&pipeline).await?;
        Ok(Projected {
            applied: u64::from(is_new),
            stale: u64::from(!is_new),
            ..Projected::default()
        })
    }

    /// Writes the witness: all that was to be projected since [`ReadModel::begin`] was.
    ///
    /// # Errors
    /// [`ProjectionError::ReadModelIncomplete`] when the contents were lost meanwhile; else when
    /// the cache is not to be had.
    pub async fn complete(&self, token: &Token) -> Result<Projected, ProjectionError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline
            .cmd("EVAL")
            .arg(COMPLETE)
            .arg(1)
            .arg(keys::COMPLETE)
            .arg(format!("{BEGUN}{token}"))
            .arg(WITNESS);
        if !self.flag(&pipeline).await? {
            return Err(ProjectionError::ReadModelIncomplete);
        }
        Ok(Projected {
            applied: 1,
            ..Projected::default()
        })
    }

    async fn flag(&self, pipeline: &Pipeline) -> Result<bool, CacheError> {
        match self.send(pipeline).await?.pop() {
            Some(Value::Int(flag)) => Ok(flag == 1),
            other => {
                let other = other.unwrap_or(Value::Nil);
                let unexpected = || CacheError::Unexpected(format!("{other:?}"));
                Err(server_error(&other).unwrap_or_else(unexpected))
            }
        }
    }
}
