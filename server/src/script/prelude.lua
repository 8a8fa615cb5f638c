-- What every script stands on: the globals it may see, which nobody can change, and how it is run.
-- Called once for each interpreter with the functions that the server gives; gives what places a chunk in the
-- sandbox, what describes an error where it is raised, and what loads a library.
local redis, server = ...

local G = _G
local real_error, real_pcall, real_xpcall = error, pcall, xpcall
local real_type, real_tostring, real_next, real_pairs = type, tostring, next, pairs
local real_rawset, real_rawget, real_setmetatable = rawset, rawget, setmetatable
local real_getmetatable, real_setfenv, real_getfenv = getmetatable, setfenv, getfenv
local real_loadstring, real_load, real_tonumber, real_select = loadstring, load, tonumber, select
local real_byte, real_format, real_match, real_floor = string.byte, string.format, string.match, math.floor

-- Lua 5.1 knows no read-only tables. A protected table is an empty one that looks its fields up in the
-- real one and refuses new fields; what walks or changes tables past their metatables sees to it here.
local real_of = real_setmetatable({}, { __mode = 'k' })

local function refuse()
  real_error('Attempt to modify a readonly table', 2)
end

local function protect(real, missing)
  local shown = {}
  real_of[shown] = real
  if missing then
    real_setmetatable(real, { __index = missing })
  end
  return real_setmetatable(shown, { __index = real, __newindex = refuse })
end

-- What takes the place of a function of Lua looks at its arguments as that one does, and says what is wrong with
-- them in the same words, where the script has called it. `level` is how far it is from who calls this to the
-- function of C in between (`server.native`), 0 if there is none.
local function wrong(index, what, level)
  level = level or 1
  local name = server.called(level + 2) or '?'
  real_error(real_format("bad argument #%d to '%s' (%s)", index, name, what), level + 3)
end

local function instead_of(expected, ...)
  local got = real_select('#', ...) == 0 and 'no value' or real_type((...))
  return expected .. ' expected, got ' .. got
end

-- The whole number that C takes an argument for.
local function integer(index, ...)
  local number = ...
  if real_type(number) ~= 'number' then
    number = real_type(number) == 'string' and real_tonumber(number)
    if not number then wrong(index, instead_of('number', ...), 2) end
  end
  return server.integer(number)
end

function G.next(...)
  local t, key = ...
  t = real_of[t] or t
  if real_type(t) ~= 'table' then wrong(1, instead_of('table', ...)) end
  return real_next(t, key)
end

function G.pairs(...)
  local t = ...
  t = real_of[t] or t
  if real_type(t) ~= 'table' then wrong(1, instead_of('table', ...)) end
  return real_next, t, nil
end

function G.rawget(...)
  local t, key = ...
  if real_type(t) ~= 'table' then wrong(1, instead_of('table', ...)) end
  if key == nil and real_select('#', ...) < 2 then wrong(2, 'value expected') end
  return real_rawget(real_of[t] or t, key)
end

function G.rawset(...)
  local t, key, value = ...
  if real_type(t) ~= 'table' then wrong(1, instead_of('table', ...)) end
  if value == nil and real_select('#', ...) < 3 then
    wrong(real_select('#', ...) < 2 and 2 or 3, 'value expected')
  end
  if real_of[t] then real_error('Attempt to modify a readonly table', 0) end
  return real_rawset(t, key, value)
end

function G.setmetatable(...)
  local t, meta = ...
  if real_type(t) ~= 'table' then wrong(1, instead_of('table', ...)) end
  if real_type(meta) ~= 'table' and (meta ~= nil or real_select('#', ...) < 2) then
    wrong(2, 'nil or table expected')
  end
  if real_of[t] then real_error('Attempt to modify a readonly table', 0) end
  if real_getmetatable(t) ~= nil then
    local ok, err = real_pcall(real_setmetatable, t, meta)
    if not ok then real_error(err, 3) end
    return t
  end
  return real_setmetatable(t, meta)
end

function G.getmetatable(...)
  local t = ...
  if t == nil and real_select('#', ...) == 0 then wrong(1, 'value expected') end
  if real_of[t] then return protect({}) end
  -- The one of all strings is shared by all scripts.
  if real_type(t) == 'string' then
    return protect({ __index = G.string })
  end
  return real_getmetatable(t)
end

-- A function of the server fails with an object that no script may see: what it stands for is a text, or a
-- table that describes the error.
local function reveal(err)
  if real_type(err) == 'userdata' then
    return server.reveal(err)
  end
  return err
end

-- Where an error has come from a level of the stack that only the prelude has, the script stands there.
local function placed(err)
  local rest = real_type(err) == 'string' and real_match(err, '^prelude:%d+: (.*)$')
  if not rest then return err end
  local source, line = server.place()
  return source and real_format('%s:%d: %s', real_match(source, '^[@=]?(.*)$'), line, rest) or rest
end

-- As in Redis: an error that is a table with a text is handed on as that text.
local function hand_on(ok, err, ...)
  if ok then
    return true, err, ...
  end
  -- A script that is to end cannot go on by catching that.
  if server.is_killed() then
    real_error(err, 0)
  end
  err = reveal(err)
  if real_type(err) == 'table' and real_type(real_rawget(err, 'err')) == 'string' then
    return false, err.err
  end
  return false, placed(err)
end

function G.pcall(...)
  -- Redis puts a truth value where the function should be.
  if (...) == nil and real_select('#', ...) == 0 then
    return false, 'attempt to call a boolean value'
  end
  return hand_on(real_pcall(...))
end

function G.xpcall(...)
  local f, handler = ...
  if handler == nil and real_select('#', ...) < 2 then wrong(2, 'value expected', 0) end
  local function check(ok, ...)
    if not ok and server.is_killed() then
      real_error(server.killed(), 0)
    end
    return ok, ...
  end
  return check(real_xpcall(f, function(err) return handler(placed(reveal(err))) end))
end

local function pass_on(ok, err, ...)
  if ok then
    return true, err, ...
  end
  if server.is_killed() then
    real_error(err, 0)
  end
  return false, reveal(err)
end

local real_resume = coroutine.resume
function G.coroutine.resume(...)
  if real_type((...)) ~= 'thread' then wrong(1, 'coroutine expected', 0) end
  return pass_on(real_resume(...))
end

local shown_globals

local function in_sandbox(f, err)
  if f then
    real_setfenv(f, shown_globals)
  elseif server.is_killed() then
    real_error(err, 0)
  end
  return f, reveal(err)
end

local function is_text(value)
  local kind = real_type(value)
  return kind == 'string' or kind == 'number'
end

-- Compiled code is refused: it could do anything.
local BAD_HEADER = 'bad header in precompiled chunk'

local function is_compiled(text)
  return real_type(text) == 'string' and real_byte(text, 1) == 27
end

function G.loadstring(...)
  local text, name = ...
  if not is_text(text) then wrong(1, instead_of('string', ...)) end
  if name ~= nil and not is_text(name) then wrong(2, instead_of('string', name)) end
  if is_compiled(text) then return nil, BAD_HEADER end
  return in_sandbox(real_loadstring(text, name))
end

function G.load(...)
  local pieces, name = ...
  if name ~= nil and not is_text(name) then wrong(2, instead_of('string', name)) end
  if real_type(pieces) ~= 'function' then wrong(1, instead_of('function', ...)) end
  local is_first = true
  local function read()
    -- As if it were called from C.
    local ok, piece = real_pcall(pieces)
    if not ok then real_error(piece, 0) end
    if is_first and is_compiled(piece) then real_error(BAD_HEADER, 0) end
    is_first = false
    return piece
  end
  return in_sandbox(real_load(read, name))
end

-- Of a level, as the caller was given it.
local function has_level(level)
  return (real_pcall(real_getfenv, level + 4))
end

function G.setfenv(...)
  local f, env = ...
  if real_type(env) ~= 'table' then wrong(2, instead_of('table', real_select(2, ...))) end
  if real_type(f) ~= 'function' then
    f = integer(1, ...)
    if f < 0 then wrong(1, 'level must be non-negative') end
    if f == 0 then real_error("'setfenv' cannot change environment of given object", 3) end
    if not has_level(f) then wrong(1, 'invalid level') end
    f = f + 3
  end
  local ok, changed = real_pcall(real_setfenv, f, env)
  if not ok then real_error(changed, 3) end
  return changed
end

function G.getfenv(...)
  local f = ...
  if f == nil then f = 1 end
  if real_type(f) ~= 'function' then
    f = integer(1, f)
    if f < 0 then wrong(1, 'level must be non-negative') end
    if f == 0 then return shown_globals end
    if not has_level(f) then wrong(1, 'invalid level') end
    f = f + 2
  end
  local env = real_getfenv(f)
  if env == G then return shown_globals end
  return env
end

for _, name in real_pairs({ 'print', 'dofile', 'loadfile', 'require', 'module', 'package', 'io', 'debug' }) do
  G[name] = nil
end
G.os = { clock = G.os.clock }
function G.math.randomseed(...)
  server.randomseed(integer(1, ...))
end

function G.math.random(...)
  local fraction, count = server.fraction(), real_select('#', ...)
  if count == 0 then return fraction end
  if count > 2 then real_error('wrong number of arguments', 3) end
  local low, high = 1, integer(1, ...)
  if count == 2 then low, high = high, integer(2, real_select(2, ...)) end
  if low > high then wrong(count, 'interval is empty') end
  return real_floor(fraction * (high - low + 1)) + low
end

-- But for those that call back: how deep calls through C may be nested is bounded.
for _, name in real_pairs({
  'next', 'pairs', 'rawget', 'rawset', 'setmetatable', 'getmetatable', 'loadstring', 'load', 'setfenv', 'getfenv',
}) do
  G[name] = server.native(G[name])
end
G.math.random = server.native(G.math.random)
G.math.randomseed = server.native(G.math.randomseed)

for library, functions in real_pairs(server.libraries) do
  G[library] = functions
end

local function describe(err)
  -- The error of a command knows where it was called; any other has come from where it is raised.
  local is_ours = real_type(err) == 'userdata'
  err = reveal(err)
  if real_type(err) ~= 'table' then
    err = { err = 'ERR ' .. real_tostring(placed(err)) }
  end
  if not is_ours or err.line == nil then
    err.source, err.line = server.place()
  end
  return err
end
if not server.library then
  G.__redis__err__handler = describe
end

G.redis = redis
for _, name in real_pairs({ 'redis', 'string', 'table', 'math', 'os', 'coroutine', 'cjson', 'cmsgpack', 'struct', 'bit' }) do
  if G[name] then
    G[name] = protect(G[name])
  end
end

local function nonexistent(_, name)
  if real_type(name) ~= 'string' and real_type(name) ~= 'number' then
    real_error('Second argument to luaProtectedTableError must be a string or number', 2)
  end
  real_error("Script attempted to access nonexistent global variable '" .. real_tostring(name) .. "'", 2)
end

shown_globals = protect(G, nonexistent)
G._G = shown_globals

local function in_place(f)
  return real_setfenv(f, shown_globals)
end

if not server.library then
  return in_place, describe
end

-- While a library is loaded it sees nothing but what it registers its functions with. Its functions look
-- globals up when they run, and then all of them are there.
local view = real_getmetatable(shown_globals)
local at_load = real_setmetatable({ redis = protect(server.library, nonexistent) }, { __index = nonexistent })

local function load_library(chunk)
  view.__index = at_load
  local ok, err = real_xpcall(chunk, describe)
  view.__index = G
  return ok, err
end

return in_place, describe, load_library
