---An accepted edit arrives as `workspace/applyEdit`. Neovim's own handler applies it; around it stand
---three things that handler leaves out: an outdated version is refused and said so (it would answer
---`applied`), the edit is an undo step of its own even while somebody types, and a created file gets
---no blank last line.
local M = {}

local util = vim.lsp.util

---@param uri string
---@return integer? bufnr of a loaded buffer
local function loaded(uri)
  local name = vim.uri_to_fname(uri)
  for _, b in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(b) and vim.api.nvim_buf_get_name(b) == name then
      return b
    end
  end
end

---@param changes table[] documentChanges
---@return string? reason
local function outdated(changes)
  for _, c in ipairs(changes) do
    local version = c.textDocument and c.textDocument.version
    local b = type(version) == 'number' and loaded(c.textDocument.uri)
    local now = b and util.buf_versions[b]
    if now and now ~= version then
      return ('%s is at version %d, the edit is for %d'):format(vim.fs.basename(c.textDocument.uri), now, version)
    end
  end
end

---Neovim's buffers carry the last line end implicitly: a new file's text comes without it.
---@param changes table[]
---@return string[] uris of new files whose last line has no end
local function drop_last_newline(changes)
  local new, bare = {}, {}
  for _, c in ipairs(changes) do
    if c.kind == 'create' then
      new[c.uri] = true
    elseif c.edits and #c.edits == 1 and new[c.textDocument.uri] then
      local text = c.edits[1].newText
      c.edits[1].newText = text:gsub('\r?\n$', '')
      if text ~= '' and c.edits[1].newText == text then
        bare[#bare + 1] = c.textDocument.uri
      end
    end
  end
  return bare
end

---@param changes table[]
local function break_undo(changes)
  for _, c in ipairs(changes) do
    local b = c.textDocument and loaded(c.textDocument.uri)
    if b then
      vim.bo[b].undolevels = vim.bo[b].undolevels
    end
  end
end

---A file that had no last line end and got one: Neovim keeps it as an empty last line, and 'fixendofline'
---would write a second one.
---@param changes table[]
local function keep_last_newline(changes)
  for _, c in ipairs(changes) do
    local b = c.textDocument and loaded(c.textDocument.uri)
    if b and not vim.bo[b].endofline and vim.api.nvim_buf_get_lines(b, -2, -1, false)[1] == '' then
      vim.bo[b].fixendofline = false
    end
  end
end

---@param params lsp.ApplyWorkspaceEditParams
function M.on_apply_edit(err, params, ctx)
  local changes = params.edit.documentChanges or {}
  local reason = outdated(changes)
  if reason then
    return { applied = false, failureReason = reason }
  end
  local bare = drop_last_newline(changes)
  params.label = nil -- it would be printed over the person's command line
  break_undo(changes)
  local answer = vim.lsp.handlers['workspace/applyEdit'](err, params, ctx)
  break_undo(changes)
  for _, uri in ipairs(bare) do
    local b = loaded(uri)
    if b then
      vim.bo[b].fixendofline, vim.bo[b].endofline = false, false
    end
  end
  keep_last_newline(changes)
  return answer
end

return M
