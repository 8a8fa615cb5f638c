-- What every script stands on: the globals it may see, which nobody can change, and how it is run.
-- Called once for each interpreter with the functions that the server gives; gives what places a chunk in the
-- sandbox, what describes an error where it is raised, and what loads a library.
local redis, server = ...

local G = _G
local real_error, real_pcall, real_xpcall = error, pcall, xpcall
local real_type, real_tostring, real_next, real_pairs = type, tostring, next, pairs
local real_rawset, real_rawget, real_setmetatable = rawset, rawget, setmetatable
local real_getmetatable, real_setfenv, real_getfenv = getmetatable, setfenv, getfenv
local real_loadstring, real_load, real_byte = loadstring, load, string.byte

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

function G.next(t, key)
  return real_next(real_of[t] or t, key)
end

function G.pairs(t)
  local real = real_of[t]
  if real then
    return real_next, real, nil
  end
  return real_pairs(t)
end

function G.rawget(t, key)
  return real_rawget(real_of[t] or t, key)
end

function G.rawset(t, key, value)
  if real_of[t] then real_error('Attempt to modify a readonly table', 0) end
  return real_rawset(t, key, value)
end

function G.setmetatable(t, meta)
  if real_of[t] then real_error('Attempt to modify a readonly table', 0) end
  return real_setmetatable(t, meta)
end

function G.getmetatable(t)
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
  return false, err
end

function G.pcall(...)
  return hand_on(real_pcall(...))
end

function G.xpcall(f, handler)
  local function check(ok, ...)
    if not ok and server.is_killed() then
      real_error(server.killed(), 0)
    end
    return ok, ...
  end
  return check(real_xpcall(f, function(err) return handler(reveal(err)) end))
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
  return pass_on(real_resume(...))
end

local shown_globals

local function in_sandbox(f, err)
  if f then real_setfenv(f, shown_globals) end
  return f, err
end

-- Compiled code is refused: it could do anything.
function G.loadstring(text, name)
  if real_type(text) == 'string' and real_byte(text, 1) == 27 then
    return nil, 'bad header in precompiled chunk'
  end
  return in_sandbox(real_loadstring(text, name))
end

function G.load(pieces, name)
  local all = {}
  while true do
    local piece = pieces()
    if piece == nil or piece == '' then break end
    all[#all + 1] = piece
  end
  return G.loadstring(G.table.concat(all), name or '=(load)')
end

function G.setfenv(f, env)
  if f == 0 then real_error("'setfenv' cannot change environment of given object", 2) end
  if real_type(f) == 'number' then f = f + 1 end
  return real_setfenv(f, env)
end

function G.getfenv(f)
  if f == nil then f = 1 end
  if f == 0 then return shown_globals end
  if real_type(f) == 'number' then f = f + 1 end
  local env = real_getfenv(f)
  if env == G then return shown_globals end
  return env
end

for _, name in real_pairs({ 'print', 'dofile', 'loadfile', 'require', 'module', 'package', 'io', 'debug' }) do
  G[name] = nil
end
G.os = { clock = G.os.clock }
G.math.randomseed = server.randomseed

function G.math.random(low, high, ...)
  local fraction = server.fraction()
  if low == nil then return fraction end
  if high == nil then low, high = 1, low end
  if select('#', ...) > 0 then real_error('wrong number of arguments', 2) end
  if low > high then real_error('interval is empty', 2) end
  return G.math.floor(fraction * (high - low + 1)) + low
end

for library, functions in real_pairs(server.libraries) do
  G[library] = functions
end

local function describe(err)
  -- The error of a command knows where it was called; any other has come from where it is raised.
  local is_ours = real_type(err) == 'userdata'
  err = reveal(err)
  if real_type(err) ~= 'table' then
    err = { err = 'ERR ' .. real_tostring(err) }
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
