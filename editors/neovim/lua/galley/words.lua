---Which words differ between the old and the new lines of one hunk: paint only. What is applied comes
---from the server; nothing here reaches a text.
local M = {}

local diff = (vim.text and vim.text.diff) or vim.diff -- renamed in 0.12

local MAX_LINES, MAX_BYTES = 300, 1000
---Above this share of changed bytes a line is new rather than changed: marking all of it says nothing.
local MAX_SHARE = 0.6

---@alias galley.Columns { [1]: integer, [2]: integer } bytes of a line, zero-based and half-open
---@alias galley.Span { [1]: integer, [2]: integer, [3]: string } byte columns (zero-based, half-open), highlight group

---@return string[] tokens
---@return integer[] starts zero-based byte column of each, and the line's length at the end
local function tokens(line)
  local out, starts, at = {}, {}, 1
  while at <= #line do
    local s = line:match('^[%w_\128-\255]+', at) or line:match('^%s+', at) or line:sub(at, at)
    out[#out + 1], starts[#starts + 1] = s, at - 1
    at = at + #s
  end
  starts[#starts + 1] = #line
  return out, starts
end

---@param list galley.Columns[]
local function size(list)
  local n = 0
  for _, s in ipairs(list) do
    n = n + s[2] - s[1]
  end
  return n
end

---@return galley.Columns[] old, galley.Columns[] new
local function pair(old, new)
  if old == new or old == '' or new == '' or #old > MAX_BYTES or #new > MAX_BYTES then
    return {}, {}
  end
  local a, as = tokens(old)
  local b, bs = tokens(new)
  local was, is = {}, {}
  for _, d in ipairs(diff(table.concat(a, '\n') .. '\n', table.concat(b, '\n') .. '\n', { result_type = 'indices' })) do
    if d[2] > 0 then
      was[#was + 1] = { as[d[1]], as[d[1] + d[2]] }
    end
    if d[4] > 0 then
      is[#is + 1] = { bs[d[3]], bs[d[3] + d[4]] }
    end
  end
  if size(was) > MAX_SHARE * #vim.trim(old) or size(is) > MAX_SHARE * #vim.trim(new) then
    return {}, {}
  end
  return was, is
end

---@param old string[]
---@param new string[]
---@return table<integer, galley.Columns[]> old by line number
---@return table<integer, galley.Columns[]> new by line number
function M.changed(old, new)
  local was, is = {}, {}
  if #old == 0 or #new == 0 or #old > MAX_LINES or #new > MAX_LINES then
    return was, is
  end
  local a, b = table.concat(old, '\n') .. '\n', table.concat(new, '\n') .. '\n'
  local blocks = diff(a, b, { result_type = 'indices', linematch = 60 })
  for _, d in ipairs(blocks) do
    for i = 0, math.min(d[2], d[4]) - 1 do
      was[d[1] + i], is[d[3] + i] = pair(old[d[1] + i], new[d[3] + i])
    end
  end
  return was, is
end

return M
