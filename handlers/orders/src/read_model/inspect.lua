-- Answers all that is held of some orders. Reads only.
--
-- KEYS[1]  a key of the read model
-- ARGV     prefix of all keys, prefix of the orders' hashes, an order id, …
-- Answers for each id {} where nothing is held, or {mark, document or "", 1 when every list that
-- is to show the document does}. The mark is what project.lua compares: version, sequence number
-- and tombstone.

local prefix, orders = ARGV[1], ARGV[2]

-- A document that nobody can read is in no list that anybody knows.
local function listed(document)
  local ok, all = pcall(function()
    local order = cjson.decode(document)
    local member = order.createdAt .. ' ' .. order.orderId
    for _, list in ipairs({
      'all', 'client:' .. order.clientId, 'product:' .. order.productId, 'status:' .. order.status,
    }) do
      if not redis.call('ZSCORE', prefix .. list, member) then return 0 end
    end
    return 1
  end)
  return ok and all or 0
end

local answer = {}
for i = 3, #ARGV do
  local key = orders .. ARGV[i]
  -- A key of another type, which somebody else made, holds nothing.
  local version = redis.pcall('HGET', key, 'v')
  local held = {}
  if type(version) == 'string' then
    local sequence, tombstone = redis.call('HGET', key, 'q'), redis.call('HGET', key, 'x')
    local document = redis.call('HGET', key, 'd')
    held = {
      version .. ' ' .. (sequence or '') .. ' ' .. (tombstone or ''),
      document or '',
      document and listed(document) or 0,
    }
  end
  answer[i - 2] = held
end
return answer
