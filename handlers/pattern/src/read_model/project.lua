-- Projects one change of one entity onto the read model, all of it or nothing.
--
-- KEYS[1]  the entity
-- ARGV     1 prefix of all keys, 2 "present" or "removed", 3 version, 4 sequence number or "",
--          5 what the entity adds to a member, 6 its time in six bytes, 7 document without its id,
--          8 seconds that a tombstone stays, 9 "" or "=" and the mark of the state to be replaced,
--          10… name and value of each list that is to show it; an empty value is no list
-- Answers 1 when the change was applied, 0 when it was stale.
--
-- An entity is held as its time, its mark, a line feed and its document, which a tombstone lacks. A
-- mark is "<version> <sequence number> <1 of a tombstone>". Versions and sequence numbers are
-- decimal texts without leading zeros: numbers of Lua lose digits above 2^53, and sequence numbers
-- have 21.

local key, prefix, version, sequence, tail = KEYS[1], ARGV[1], ARGV[3], ARGV[4], ARGV[5]
local present, time, document = ARGV[2] == 'present', ARGV[6], ARGV[7]

-- By hand, a key that has another type is made anew: all entities are then projected. The stream
-- brings one entity, and would leave a list that lacks the others. The user may not delete; what expires at once is deleted.
local function anew(name, ...)
  local answer = redis.pcall(name, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then redis.call('EXPIRE', (...), 0) end
  return redis.call(name, ...)
end
local call = sequence == '' and anew or redis.call

local function compare(a, b)
  if #a ~= #b then return #a < #b and -1 or 1 end
  if a == b then return 0 end
  return a < b and -1 or 1
end

local heldTime, heldVersion, heldSequence, tombstone, heldDocument
local held = call('GET', key)
if held then
  local stop = string.find(held, '\n', 7, true)
  if stop then
    local mark = string.sub(held, 7, stop - 1)
    heldVersion, heldSequence, tombstone = string.match(mark, '^(%d+) (%d*) (1?)$')
    if heldVersion and tombstone == '' then
      heldTime, heldDocument = string.sub(held, 1, 6), string.sub(held, stop + 1)
    end
  end
end

local function hold(numbered)
  local mark = version .. ' ' .. numbered .. ' ' .. (present and '' or '1')
  if present then
    redis.call('SET', key, time .. mark .. '\n' .. document)
  else
    redis.call('SET', key, '\0\0\0\0\0\0' .. mark .. '\n', 'EX', ARGV[8])
  end
end

local function lists(change, at, values)
  for name, value in pairs(values) do
    if value ~= '' then
      if change == 'ZADD' then
        call('ZADD', prefix .. name .. ':' .. value, 0, at .. tail)
      else
        call('ZREM', prefix .. name .. ':' .. value, at .. tail)
      end
    end
  end
end

local names, new = {}, {}
for i = 10, #ARGV, 2 do
  names[#names + 1] = ARGV[i]
  if present then new[ARGV[i]] = ARGV[i + 1] end
end

local replaced = ARGV[9]
if replaced ~= '' then
  local mark = heldVersion and heldVersion .. ' ' .. heldSequence .. ' ' .. tombstone or ''
  if replaced ~= '=' .. mark then return 0 end
elseif heldVersion then
  if heldSequence ~= '' and sequence ~= '' then
    -- The stream's order of the writes of one item decides alone.
    if compare(sequence, heldSequence) <= 0 then return 0 end
  else
    local order = compare(version, heldVersion)
    if order < 0 then return 0 end
    if order == 0 then
      local same
      if present then same = heldDocument == document else same = tombstone == '1' end
      if same and sequence ~= '' then hold(sequence) end
      if same and present and sequence == '' then lists('ZADD', time, new) end
      -- At one version a removal comes after whatever was there.
      if same or (present and tombstone == '1') then return 0 end
    end
  end
end

-- A value as the name of a list has it, from a document.
local function text(value)
  if type(value) == 'string' then return value end
  if type(value) == 'number' then return string.format('%.0f', value) end
  if type(value) == 'boolean' then return tostring(value) end
  return ''
end

local old = {}
if heldDocument then
  -- What another client wrote may be no document; it must not keep the entity from being
  -- projected.
  local ok, fields = pcall(cjson.decode, heldDocument)
  if ok and type(fields) == 'table' then
    for _, name in ipairs(names) do old[name] = text(fields[name]) end
  end
end

-- Where nothing is to be mended, a list that shows it already is left alone.
if sequence ~= '' and heldTime == time then
  for name, value in pairs(old) do
    if new[name] == value then old[name], new[name] = '', '' end
  end
end
if heldTime then lists('ZREM', heldTime, old) end
if present then lists('ZADD', time, new) end

local numbered = sequence
if sequence == '' and heldVersion and heldDocument == document then
  -- It numbered another state unless the document is the same, and would then make the stream's
  -- next change of this one look old.
  numbered = heldSequence
end
hold(numbered)
return 1
