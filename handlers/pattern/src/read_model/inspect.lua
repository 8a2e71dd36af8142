-- Answers all that is held of some entities. Reads only.
--
-- KEYS     the entities
-- ARGV     prefix of all keys, how many names of lists follow, these, and what each entity adds to
--          a member
-- Answers for each {} where nothing is held, or {mark, document without its id or "", 1 when every list that is to
-- show the document does}.

local prefix, count = ARGV[1], tonumber(ARGV[2])

local function text(value)
  if type(value) == 'string' then return value end
  if type(value) == 'number' then return string.format('%.0f', value) end
  if type(value) == 'boolean' then return tostring(value) end
  return ''
end

-- A document that nobody can read is in no list that anybody knows.
local function listed(document, member)
  local ok, all = pcall(function()
    local fields = cjson.decode(document)
    for i = 3, 2 + count do
      local value = text(fields[ARGV[i]])
      local list = prefix .. ARGV[i] .. ':' .. value
      if value ~= '' and not redis.call('ZSCORE', list, member) then return 0 end
    end
    return 1
  end)
  return ok and all or 0
end

local answer = {}
for i, held in ipairs(redis.call('MGET', unpack(KEYS))) do
  local shown = {}
  -- What somebody else put there holds nothing.
  local stop = held and string.find(held, '\n', 7, true)
  if stop then
    local document = string.sub(held, stop + 1)
    local member = string.sub(held, 1, 6) .. ARGV[2 + count + i]
    shown = {
      string.sub(held, 7, stop - 1),
      document,
      document ~= '' and listed(document, member) or 0,
    }
  end
  answer[i] = shown
end
return answer
