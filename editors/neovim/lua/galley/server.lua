---The way to the server: which client, one request, one line to the person.
local M = {}

---@param bufnr? integer
---@return vim.lsp.Client?
function M.client(bufnr)
  return vim.lsp.get_clients({ name = 'galley', bufnr = bufnr or 0 })[1] or vim.lsp.get_clients({ name = 'galley' })[1]
end

---One line, cut to the screen: a message must never end in a "Press ENTER".
---@param text string
---@param level? integer vim.log.levels
function M.say(text, level)
  text = 'Galley: ' .. text:gsub('%s*\n%s*', ' ')
  local room = math.max(20, vim.o.columns - 15)
  if vim.fn.strdisplaywidth(text) > room then
    text = vim.fn.strcharpart(text, 0, room - 1) .. '…'
  end
  if level and level >= vim.log.levels.WARN then
    vim.notify(text, level)
  else
    vim.api.nvim_echo({ { text } }, false, {})
  end
end

---@param text string
function M.warn(text)
  M.say(text, vim.log.levels.WARN)
end

---What the server tells in words.
---@param params { type: integer, message: string }
function M.on_message(_, params)
  M.say((params.message:gsub('^[Gg]alley: ', '')), params.type <= 2 and vim.log.levels.WARN or nil)
  return vim.NIL
end

---JSON's null, which Neovim hands over as a value of its own, becomes an absent field.
---@generic T
---@param value T
---@return T
function M.plain(value)
  if type(value) == 'table' then
    for k, v in pairs(value) do
      value[k] = M.plain(v)
    end
  elseif value == vim.NIL then
    return nil
  end
  return value
end

---Asks the server; an error is shown, the answer handed on.
---@param method string
---@param params table
---@param on_result? fun(result: any, client: vim.lsp.Client)
---@param client? vim.lsp.Client|integer the one to ask (default: the current buffer's)
function M.request(method, params, on_result, client)
  if type(client) == 'number' then
    client = vim.lsp.get_client_by_id(client)
  end
  client = client or M.client()
  if not client then
    return M.warn('not running here; open a file of a project, or see :checkhealth galley')
  end
  client:request(method, next(params) and params or vim.empty_dict(), function(err, result)
    if err then
      return M.warn(err.message or tostring(err))
    end
    if on_result then
      on_result(M.plain(result) or {}, client)
    end
  end)
end

---@param n integer
---@param noun string
function M.count(n, noun)
  return ('%d %s%s'):format(n, noun, n == 1 and '' or 's')
end

return M
