-- Answers one page of a list with its documents, in one round trip. Reads only.
--
-- KEYS     the witness, then the sorted sets whose members are to be shown as one list
-- ARGV     prefix of all keys, where to start ("+" or "(" and a member), how many
-- Answers {member that the page ends with, or "" when nothing follows, then for each in one text: how
-- long its member is, in three digits, the member, and its document without its id}; nothing where the
-- read model is not complete: an empty list would say that there is none.
--
-- A member whose document is gone is passed over without ending the page: the sets are walked until
-- the page is full or all sets end.

if redis.call('MGET', KEYS[1])[1] == false then return false end

local prefix, from, want = ARGV[1], ARGV[2], tonumber(ARGV[3])
local page, found, last = {''}, 0, nil

-- The key of the entity that a member names by 16 bytes of a UUID, or by 255, a text, and a zero
-- that tells it apart.
local function key(member)
  if #member == 22 then
    return prefix .. string.format(string.rep('%02x', 16), string.byte(member, 7, 22))
  end
  local text = string.sub(member, 8)
  if string.byte(text, #text) == 0 then text = string.sub(text, 1, -2) end
  return prefix .. '=' .. text
end

-- Whether `a` comes before `b`: the greater first, by their bytes. Lua's own order is the locale's.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

while true do
  -- One more than wanted, to know whether anything follows.
  local asked = want - found + 1
  local members = {}
  for i = 2, #KEYS do
    for _, member in ipairs(
      redis.call('ZRANGE', KEYS[i], from, '-', 'BYLEX', 'REV', 'LIMIT', 0, asked))
    do
      members[#members + 1] = member
    end
  end
  if #KEYS > 2 then table.sort(members, before) end
  local ended = #members < asked
  local keys = {}
  for i = 1, math.min(#members, asked) do keys[i] = key(members[i]) end
  local documents = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
  for i = 1, #keys do
    if found == want then
      page[1] = last
      return page
    end
    local held = documents[i]
    local stop = held and string.find(held, '\n', 7, true)
    if stop and stop < #held then
      found = found + 1
      page[1 + found] = string.format('%03d', #members[i]) .. members[i] .. string.sub(held, stop + 1)
    end
    last = members[i]
  end
  if ended then return page end
  from = '(' .. last
end
