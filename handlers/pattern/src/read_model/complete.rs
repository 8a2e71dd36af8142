//! The witness that the read model is complete: it holds what the write model holds, but for what
//! the stream still brings.
//!
//! It is a key under the read model's prefix, so it is lost with the contents. Whoever makes the
//! read model complete (the first deployment of an empty stack, a rebuild) leaves a token there
//! before the first entity and asks for the witness after the last: it is written only where the
//! token is still there, so contents that were lost in between are noticed. Each maker has a token
//! of its own, and several do not disturb each other.

use redis::{Pipeline, Value};

use super::cache::{CacheError, ReadModel, server_error};
use crate::entity::Entity;
use crate::error::ProjectionError;
use crate::payload::{Projected, Token};

/// How long a making may take that stops and goes on. A token that nobody asks for goes by itself.
const TOKEN_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Leaves a token; 1 when it was not there. A list by status of another type is made anew.
const BEGIN: &str = "
for i = 2, #KEYS do
  local answer = redis.pcall('ZREM', KEYS[i], '')
  if type(answer) == 'table' and answer.err then redis.call('EXPIRE', KEYS[i], 0) end
end
local known = redis.call('MGET', KEYS[1])[1]
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
return known and 0 or 1
";

/// Writes the witness and takes the token away; 0 when the token is not there.
const COMPLETE: &str = "
if not redis.call('MGET', KEYS[1])[1] then return 0 end
redis.call('SET', KEYS[2], '1')
redis.call('EXPIRE', KEYS[1], 0)
return 1
";

impl<E: Entity> ReadModel<E> {
    /// Begins to make the read model complete. Counts as stale where `token` was there: then
    /// nothing was lost since it was left.
    ///
    /// # Errors
    /// When the cache is not to be had.
    pub async fn begin(&self, token: &Token) -> Result<Projected, ProjectionError> {
        let mut pipeline = Pipeline::with_capacity(1);
        let command = pipeline.cmd("EVAL").arg(BEGIN).arg(1 + self.keys.all.len());
        command
            .arg(self.keys.begun(token.as_str()))
            .arg(&self.keys.all);
        command.arg(TOKEN_SECONDS);
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
        let command = pipeline.cmd("EVAL").arg(COMPLETE).arg(2);
        command
            .arg(self.keys.begun(token.as_str()))
            .arg(&self.keys.complete);
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
