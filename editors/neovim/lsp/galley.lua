-- What `vim.lsp.enable('galley')` starts. There is no setup(): a user changes any field with
-- vim.lsp.config('galley', { ... }), and the program alone with vim.g.galley_cmd.

---@param module string
---@param name string
local function to(module, name)
  return function(err, params, ctx)
    return require('galley.' .. module)[name](err, require('galley.server').plain(params), ctx)
  end
end

local cmd = vim.g.galley_cmd
if type(cmd) == 'string' then
  cmd = { cmd, 'lsp' }
end

---@type vim.lsp.Config
return {
  cmd = cmd or { 'galley', 'lsp' },
  root_dir = function(bufnr, on_dir)
    -- a proposal's diff lies outside the project: opened, it must not start a server of its own
    local name = vim.api.nvim_buf_get_name(bufnr)
    if name ~= '' and not name:match('%.diff$') then
      on_dir(vim.fs.root(bufnr, { 'galley.toml', '.git' }))
    end
  end,
  capabilities = {
    -- Neovim applies documentChanges but does not announce it; without it, versions would not be sent.
    workspace = { workspaceEdit = { documentChanges = true } },
    experimental = { galley = { version = require('galley.protocol').version, review = true, diagnostics = require('galley.diagnostics') ~= nil } },
  },
  -- The default leaves without waiting, and `exit` never reaches the server.
  exit_timeout = 1000,
  handlers = {
    ['galley/proposal/didChange'] = to('review', 'on_proposal'),
    ['galley/task/didDraft'] = to('drafts', 'on_draft'),
    ['galley/task/didUpdate'] = to('tasks', 'on_task'),
    ['galley/status/didChange'] = to('status', 'on_status'),
    ['galley/approval/request'] = to('approval', 'on_request'),
    ['galley/editor/diagnostics'] = to('diagnostics', 'on_request'),
    ['window/showMessage'] = to('server', 'on_message'),
    ['workspace/applyEdit'] = to('apply', 'on_apply_edit'),
    ['textDocument/publishDiagnostics'] = to('review', 'on_diagnostics'),
  },
}
