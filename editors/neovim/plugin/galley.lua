if vim.g.loaded_galley then
  return
end
vim.g.loaded_galley = true

vim.api.nvim_create_user_command('Galley', function(o)
  require('galley.commands').run(o)
end, {
  nargs = '*',
  range = true,
  desc = 'Galley: ask for work, watch it, review it',
  complete = function(...)
    return require('galley.commands').complete(...)
  end,
})

for _, name in ipairs({
  'ask', 'fix', 'implement', 'refactor', 'tests', 'document', 'explain',
  'tasks', 'plan', 'approve', 'steer', 'pause', 'resume', 'stop', 'rollback',
  'next', 'prev', 'accept', 'reject', 'edit', 'comment', 'why',
  'accept-file', 'reject-file', 'reject-why', 'mark', 'split', 'undo', 'accept-all', 'reject-all', 'diff', 'quickfix',
}) do
  local plug = ('<Plug>(galley-%s)'):format(name)
  vim.keymap.set('n', plug, function()
    require('galley.commands').key(name)
  end, { desc = 'Galley: ' .. name })
  vim.keymap.set('x', plug, (':Galley %s<CR>'):format(name), { silent = true, desc = 'Galley: ' .. name })
end

local group = vim.api.nvim_create_augroup('galley', {})
local known = {} ---@type table<integer, boolean>

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(ev)
    local client = vim.lsp.get_client_by_id(ev.data.client_id)
    if client and client.name == 'galley' and not known[client.id] then
      known[client.id] = true
      require('galley.commands').attach(client)
    end
  end,
})

vim.api.nvim_create_autocmd('LspDetach', {
  group = group,
  callback = function(ev)
    local id = ev.data.client_id
    if not known[id] then
      return
    end
    vim.schedule(function() -- a buffer may go without its server
      local client = vim.lsp.get_client_by_id(id)
      if not client or client:is_stopped() then
        known[id] = nil
        require('galley.commands').detach(id)
      end
    end)
  end,
})
