local json = require("json") -- marks: definition.variable json; import json
LIMIT = 3 -- marks: definition.variable LIMIT

local function helper(x) -- marks: definition.function helper
  local inner = x
  return string.upper(inner) -- marks: reference.call upper
end

function plain() -- marks: definition.function plain
  helper(1) -- marks: reference.call helper
end

local Stack = {} -- marks: definition.variable Stack
function Stack.new() return setmetatable({}, Stack) end -- marks: definition.function new; container Stack; reference.call setmetatable
function Stack:push(item) self:add(item) end -- marks: definition.method push; container Stack; reference.call add
Stack.pop = function(self) end -- marks: definition.function pop
local arrow = function() end -- marks: definition.function arrow
local t = { run = function() end } -- marks: definition.variable t; definition.function run

describe("a stack", function() -- marks: test a stack
  it("pushes", function() plain() end) -- marks: test pushes; reference.call plain
end)
return Stack
