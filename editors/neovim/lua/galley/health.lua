---:checkhealth galley
local M = {}

local function version()
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok('Neovim ' .. tostring(vim.version()))
  else
    vim.health.error('Neovim 0.11 or later is needed', { 'vim.lsp.enable() came with 0.11' })
  end
end

local function program()
  local config = vim.lsp.config.galley
  local cmd = config and type(config.cmd) == 'table' and config.cmd[1]
  if not cmd then
    return vim.health.error('no server program is configured', { "vim.g.galley_cmd = { '/path/to/galley', 'lsp' }" })
  end
  if vim.fn.executable(cmd) == 0 then
    return vim.health.error('server program not found: ' .. cmd, {
      'install it: cargo install --path server/galley',
      "or say where it is: vim.g.galley_cmd = { '/path/to/galley', 'lsp' }",
    })
  end
  vim.health.ok('server program: ' .. vim.fn.exepath(cmd))
end

local function enabled()
  if vim.lsp.is_enabled and not vim.lsp.is_enabled('galley') then
    vim.health.warn('not enabled', { "add vim.lsp.enable('galley') to init.lua" })
  end
end

local function clients()
  local ours = require('galley.protocol').version
  local list = vim.lsp.get_clients({ name = 'galley' })
  if #list == 0 then
    return vim.health.info('no server is running; it starts with the first file')
  end
  for _, c in ipairs(list) do
    local theirs = vim.tbl_get(c.server_capabilities or {}, 'experimental', 'galley', 'version')
    local where = ('%s in %s'):format((c.server_info or {}).version or 'running', c.root_dir or 'no folder')
    if theirs == ours then
      vim.health.ok(where)
    else
      local what = (': speaks protocol %s, this client %d'):format(theirs or 'unknown', ours)
      vim.health.warn(where .. what, { 'update both' })
    end
    local s = require('galley.status').current()
    if s then
      vim.health.info(s.text)
    end
  end
end

function M.check()
  vim.health.start('galley')
  version()
  program()
  enabled()
  clients()
  vim.health.info('more: galley doctor')
end

return M
