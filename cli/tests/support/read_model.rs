//! What the subscriber keeps in the cache, to be looked at and spoilt.

/// The key of an order.
pub(crate) fn key(id: &str) -> String {
    match id.len() {
        36 => format!("orders:v2:{}", id.replace('-', "")),
        _ => format!("orders:v2:={id}"),
    }
}

/// The key of a list: `status:placed`.
pub(crate) fn list(name: &str) -> String {
    format!("orders:v2:{name}")
}

/// Replaces a text in what is held: KEYS the order, ARGV the text and what it becomes.
pub(crate) const REPLACE: &str = "
local held = redis.call('GET', KEYS[1])
local from, to = string.find(held, ARGV[1], 1, true)
redis.call('SET', KEYS[1], string.sub(held, 1, from - 1) .. ARGV[2] .. string.sub(held, to + 1))
return 1
";

/// Replaces the mark: KEYS the order, ARGV the mark.
pub(crate) const REMARK: &str = "
local held = redis.call('GET', KEYS[1])
local stop = string.find(held, '\\n', 7, true)
redis.call('SET', KEYS[1], string.sub(held, 1, 6) .. ARGV[1] .. string.sub(held, stop))
return 1
";

/// Takes an order out of a list: KEYS the order and the list, ARGV the digits of its id.
pub(crate) const UNLIST: &str = "
local id = string.gsub(ARGV[1], '..', function(two) return string.char(tonumber(two, 16)) end)
local time = string.sub(redis.call('GET', KEYS[1]), 1, 6)
return redis.call('ZREM', KEYS[2], time .. id)
";

/// Holds an order at version 3 and puts it into lists: KEYS the order and the lists, ARGV its id and
/// its document, without the id.
pub(crate) const HOLD: &str = "
local time = '\\128\\0\\0\\0\\0\\0'
redis.call('SET', KEYS[1], time .. '3  \\n' .. ARGV[2])
for i = 2, #KEYS do redis.call('ZADD', KEYS[i], 0, time .. '\\255' .. ARGV[1]) end
return 1
";
