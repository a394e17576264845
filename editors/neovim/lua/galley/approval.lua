---Questions of the server: may this be done? Asked through vim.ui.select, one at a time, and never into
---somebody's typing: outside Normal mode a question waits, so that no keystroke answers it by accident.
local M = {}

---@type { request: galley.ApprovalRequest, answer: fun(option?: string) }[]
local queue = {}
local asking = false

local function ask_next()
  if asking or not queue[1] or vim.api.nvim_get_mode().mode ~= 'n' then
    return
  end
  local q = table.remove(queue, 1)
  asking = true
  local prompt = 'Galley: ' .. q.request.title
  if q.request.detail and q.request.detail ~= '' then
    prompt = prompt .. '\n' .. q.request.detail
  end
  vim.ui.select(q.request.options, {
    prompt = prompt .. '\n',
    kind = 'galley_approval',
    format_item = function(o)
      return o.label
    end,
  }, function(choice)
    asking = false
    q.answer(choice and choice.id)
    vim.schedule(ask_next)
  end)
end

---Runs in a coroutine; the server waits for what it returns. Dismissed: null, which denies.
---@param request galley.ApprovalRequest
function M.on_request(_, request)
  local co = assert(coroutine.running())
  queue[#queue + 1] = {
    request = request,
    answer = vim.schedule_wrap(function(option)
      coroutine.resume(co, { option = option or vim.NIL })
    end),
  }
  if vim.api.nvim_get_mode().mode ~= 'n' then
    require('galley.server').say('asks: ' .. request.title)
  end
  vim.schedule(ask_next)
  return coroutine.yield()
end

vim.api.nvim_create_autocmd('ModeChanged', {
  pattern = '*:n',
  group = vim.api.nvim_create_augroup('galley.approval', {}),
  callback = vim.schedule_wrap(ask_next),
})

return M
