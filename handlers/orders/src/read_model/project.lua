-- Projects one change of one order onto the read model, all of it or nothing.
--
-- KEYS[1]  the order's hash
-- ARGV     prefix of all keys, "present" or "removed", version, sequence number or "", then
--          present: document, createdAt, order id, client id, product id, status, and to replace
--                   what the rules would keep: the mark of the state to be replaced
--          removed: order id, seconds that the tombstone stays
-- Answers 1 when the change was applied, 0 when it was stale.
--
-- Versions and sequence numbers are decimal texts without leading zeros: numbers of Lua lose
-- digits above 2^53, and sequence numbers have 21.

local key, prefix, kind, version, sequence = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local present = kind == 'present'
local document = ARGV[5]

-- By hand, a key that somebody else gave another type is made anew: who projects by hand does so
-- with all orders. The stream brings one, and would leave a list that lacks the others in silence.
-- The user may not delete; what expires at once is deleted.
local function anew(name, ...)
  local answer = redis.pcall(name, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then redis.call('EXPIRE', (...), 0) end
  return redis.call(name, ...)
end
local call = sequence == '' and anew or redis.call

-- The lists that show an order, and its member in them.
local function lists(createdAt, id, client, product, status)
  return createdAt .. ' ' .. id, {
    prefix .. 'all',
    prefix .. 'client:' .. client,
    prefix .. 'product:' .. product,
    prefix .. 'status:' .. status,
  }
end

local function compare(a, b)
  if #a ~= #b then return #a < #b and -1 or 1 end
  if a == b then return 0 end
  return a < b and -1 or 1
end

local held = call('HMGET', key, 'v', 'q', 'd', 'x')
local heldVersion, heldSequence, heldDocument, tombstone = held[1], held[2], held[3], held[4]

local replaced = ARGV[11]
if replaced then
  local mark = ''
  if heldVersion then
    mark = heldVersion .. ' ' .. (heldSequence or '') .. ' ' .. (tombstone or '')
  end
  if replaced ~= mark then return 0 end
elseif heldVersion then
  if heldSequence and sequence ~= '' then
    -- The stream's order of the writes of one item settles it alone.
    if compare(sequence, heldSequence) <= 0 then return 0 end
  else
    local order = compare(version, heldVersion)
    if order < 0 then return 0 end
    if order == 0 then
      local same
      if present then same = heldDocument == document else same = tombstone end
      if same and sequence ~= '' then redis.call('HSET', key, 'q', sequence) end
      if same and present and sequence == '' then
        local member, all = lists(ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10])
        for i = 1, 4 do call('ZADD', all[i], 0, member) end
      end
      -- At one version a removal comes after whatever was there.
      if same or (present and tombstone) then return 0 end
    end
  end
end

local oldMember, oldLists = nil, {}
if heldDocument then
  -- One that somebody else wrote may be no order; it must not keep the order from being projected.
  local ok, member, of = pcall(function()
    local old = cjson.decode(heldDocument)
    return lists(old.createdAt, old.orderId, old.clientId, old.productId, old.status)
  end)
  if ok then oldMember, oldLists = member, of end
end
local newMember, newLists = nil, {}
if present then
  newMember, newLists = lists(ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10])
end

for i = 1, 4 do
  local stays = sequence ~= '' and oldMember == newMember and oldLists[i] == newLists[i]
  if not stays then
    if oldMember then call('ZREM', oldLists[i], oldMember) end
    if newMember then call('ZADD', newLists[i], 0, newMember) end
  end
end

if present then
  redis.call('HSET', key, 'v', version, 'd', document)
  if tombstone then
    redis.call('HDEL', key, 'x')
    redis.call('PERSIST', key)
  end
else
  redis.call('HSET', key, 'v', version, 'x', '1')
  redis.call('HDEL', key, 'd')
  redis.call('EXPIRE', key, ARGV[6])
end
if sequence ~= '' then
  redis.call('HSET', key, 'q', sequence)
elseif heldSequence and heldDocument ~= document then
  -- It numbered another state, and would make the stream's next change of this one look old.
  redis.call('HDEL', key, 'q')
end
return 1
