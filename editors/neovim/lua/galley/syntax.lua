---Syntax colours for lines that are not in any buffer yet: by tree-sitter where the buffer's own come from it,
---else by the buffer's regular-expression syntax, in a scratch buffer.
local M = {}

local api = vim.api

local MAX_BYTES, MAX_SYNTAX_LINES = 50000, 60

---@type table<string, table<integer, galley.Span[]>> language and text → spans
local known = {}
local known_size = 0

---@param text string
---@param lang string
---@return table<integer, galley.Span[]>
local function by_tree(text, lang)
  local out = {}
  local query = vim.treesitter.query.get(lang, 'highlights')
  local ok, parser = pcall(vim.treesitter.get_string_parser, text, lang)
  if not ok or not query then
    return out
  end
  for id, node in query:iter_captures(parser:parse()[1]:root(), text) do
    local name = query.captures[id]
    local r1, c1, r2, c2 = node:range()
    if name:sub(1, 1) ~= '_' and name ~= 'spell' and name ~= 'nospell' then
      for row = r1, r2 do
        out[row + 1] = out[row + 1] or {}
        table.insert(out[row + 1], { row == r1 and c1 or 0, row == r2 and c2 or math.huge, '@' .. name .. '.' .. lang })
      end
    end
  end
  return out
end

---@param lines string[]
---@param name string 'syntax'
---@return table<integer, galley.Span[]>
local function by_syntax(lines, name)
  local out = {}
  if #lines > MAX_SYNTAX_LINES then
    return out
  end
  local scratch = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(scratch, 0, -1, false, lines)
  api.nvim_buf_call(scratch, function()
    vim.cmd('noautocmd setlocal buftype=nofile')
    vim.bo.syntax = name
    for i, line in ipairs(lines) do
      local spans, last = {}, 0
      for col = 1, math.min(#line, 200) do
        local id = vim.fn.synIDtrans(vim.fn.synID(i, col, 1))
        if id ~= 0 and id == last then
          spans[#spans][2] = col
        elseif id ~= 0 then
          spans[#spans + 1] = { col - 1, col, vim.fn.synIDattr(id, 'name') }
        end
        last = id
      end
      out[i] = spans
    end
  end)
  api.nvim_buf_delete(scratch, { force = true })
  return out
end

---@param bufnr integer whose colours are wanted
---@param lines string[]
---@return table<integer, galley.Span[]> by line number
function M.spans(bufnr, lines)
  local text = table.concat(lines, '\n')
  local active = vim.treesitter.highlighter.active[bufnr]
  local name = active and active.tree:lang() or vim.bo[bufnr].syntax
  if name == '' or name == 'OFF' or #text == 0 or #text > MAX_BYTES then
    return {}
  end
  local key = (active and 'tree ' or 'syntax ') .. name .. '\n' .. text
  if not known[key] then
    if known_size > 500 then
      known, known_size = {}, 0
    end
    known[key] = active and by_tree(text, name) or by_syntax(lines, name)
    known_size = known_size + 1
  end
  return known[key]
end

return M
