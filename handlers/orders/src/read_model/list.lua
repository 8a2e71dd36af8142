-- Answers one page of a list with its documents, in one round trip. Reads only.
--
-- KEYS     the list's sorted set, the hash with the witness
-- ARGV     prefix of the orders' hashes, where to start ("+" or "(" and a member), how many,
--          length of a member's time and the space after it
-- Answers {member that the page ends with, or "" when nothing follows, document, …}; nothing where
-- the read model is not complete: an empty list would say that there are no orders.
--
-- A member whose document is gone is passed over without ending the page: the set is walked until
-- the page is full or the set ends.

if type(redis.pcall('HGET', KEYS[2], 'complete')) ~= 'string' then return false end

local list, prefix, from, want, skip = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local page, found, last = {''}, 0, nil

while true do
  -- One more than wanted, to know whether anything follows.
  local asked = want - found + 1
  local members = redis.call('ZRANGE', list, from, '-', 'BYLEX', 'REV', 'LIMIT', 0, asked)
  for _, member in ipairs(members) do
    if found == want then
      page[1] = last
      return page
    end
    local document = redis.call('HGET', prefix .. string.sub(member, skip + 1), 'd')
    if document then
      found = found + 1
      page[found + 1] = document
    end
    last = member
  end
  if #members < asked then return page end
  from = '(' .. last
end
