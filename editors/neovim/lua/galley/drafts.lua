---Shows edits while the model writes them: dim lines below the ones that they replace. Nothing can be decided
---about them; they give way to the hunks of the proposal.
local M = {}

local api = vim.api
local ns = api.nvim_create_namespace('galley-drafts')

---@class galley.Draft
---@field uri string
---@field line? integer the first line that it replaces, zero-based
---@field old string
---@field new string

---@type table<string, galley.Draft[]> task → what it is writing
local writing = {}

---Lines of a draft that are shown at most: the last ones, where the model is.
local LINES = 12

---@param buf integer
---@param draft galley.Draft
local function draw(buf, draft)
  local draw_lines = require('galley.draw').lines
  local lines = draw_lines(draft.new)
  local virt = {}
  for i = math.max(1, #lines - LINES + 1), #lines do
    virt[#virt + 1] = { { '▏ ' .. lines[i], 'GalleyDim' } }
  end
  virt[#virt + 1] = { { '▏ Galley is writing …', 'GalleyBar' } }
  local old = draw_lines(draft.old)
  -- The buffer may have moved on since; a draft is drawn only where its lines still stand.
  local at = draft.line
  local there = at and api.nvim_buf_get_lines(buf, at, at + 1, false)[1]
  if not there or vim.trim(there) ~= vim.trim(old[1] or '') then
    return
  end
  local last = math.min(at + #old, api.nvim_buf_line_count(buf)) - 1
  api.nvim_buf_set_extmark(buf, ns, math.max(last, 0), 0, { virt_lines = virt })
end

local function redraw()
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_is_loaded(buf) then
      api.nvim_buf_clear_namespace(buf, ns, 0, -1)
    end
  end
  for _, drafts in pairs(writing) do
    for _, draft in ipairs(drafts) do
      local buf = vim.fn.bufnr(vim.uri_to_fname(draft.uri))
      if buf > 0 and api.nvim_buf_is_loaded(buf) then
        draw(buf, draft)
      end
    end
  end
end

---@param params { task: string, drafts: galley.Draft[] }
function M.on_draft(_, params)
  writing[params.task] = #params.drafts > 0 and params.drafts or nil
  redraw()
end

M.ns = ns

return M
