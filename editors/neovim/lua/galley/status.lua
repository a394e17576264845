---One line for the statusline: require('galley.status').get()
local M = {}

---@type table<integer, galley.Status>
local statuses = {}

---@param status galley.Status
function M.on_status(_, status, ctx)
  statuses[ctx.client_id] = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'GalleyStatus', modeline = false, data = status })
  vim.cmd.redrawstatus()
end

---@param client_id integer
function M.forget(client_id)
  if statuses[client_id] then
    statuses[client_id] = nil
    vim.cmd.redrawstatus()
  end
end

---The server's status of this buffer's workspace.
---@return galley.Status?
function M.current()
  local client = require('galley.server').client(vim.api.nvim_get_current_buf())
  return client and statuses[client.id]
end

---@return string text, empty while Galley does not run
function M.get()
  local s = M.current()
  -- '%' would be read as an item of 'statusline'
  return s and ('Galley: ' .. s.text):gsub('%%', '%%%%') or ''
end

return M
