---:Galley and its subcommands: one table, from which the command, its completion and the <Plug> keys come.
local M = {}

local server = require('galley.server')

---@class galley.Subcommand
---@field run fun(args: galley.Arguments)
---@field key? boolean has a <Plug>(galley-…) key

---@class galley.Arguments
---@field text string what follows the subcommand
---@field range? lsp.Range the lines that were selected

---@param what string
---@return fun(): any
local function lazily(module, what)
  return function(...)
    return require('galley.' .. module)[what](...)
  end
end

---@return lsp.Range at the cursor
local function cursor()
  local client = server.client()
  return vim.lsp.util.make_range_params(0, client and client.offset_encoding or 'utf-16').range
end

---What the cursor's line is blamed for, in the words of those who blame.
local function complaints()
  local lnum = vim.api.nvim_win_get_cursor(0)[1] - 1
  return vim.iter(vim.diagnostic.get(0, { lnum = lnum })):map(function(d) return d.message end):join('\n')
end

---@param mode galley.Mode
---@param ask? string the question, where the person must say what they want
local function start(mode, ask)
  local function send(text, args)
    local is_file = vim.bo.buftype == '' and vim.api.nvim_buf_get_name(0) ~= ''
    server.request('galley/task/start', {
      goal = text,
      mode = mode,
      uri = is_file and vim.uri_from_bufnr(0) or nil,
      range = is_file and (args.range or (mode ~= 'free' and cursor())) or nil,
    }, function()
      server.say('started · :Galley tasks shows it')
    end)
  end
  return function(args)
    if args.text ~= '' or not ask then
      return send(args.text == '' and mode == 'fix' and complaints() or args.text, args)
    end
    vim.ui.input({ prompt = 'Galley: ' .. ask .. ' ' }, function(text)
      if text and vim.trim(text) ~= '' then
        send(text, args)
      end
    end)
  end
end

---@param method string
---@param fits fun(t: galley.Task): boolean
---@param none string
local function to_task(method, fits, none)
  return function()
    require('galley.tasks').choose(fits, none, function(task)
      server.request('galley/task/' .. method, { task = task })
    end)
  end
end

---@param verb 'edit'|'approve'
---@param fits fun(t: galley.Task): boolean
---@param none string
local function to_plan(verb, fits, none)
  return function()
    require('galley.tasks').choose(fits, none, function(task)
      require('galley.plan')[verb](task)
    end)
  end
end

local function is_running(t)
  return require('galley.tasks').is_running(t)
end

local function steer(args)
  require('galley.tasks').choose(is_running, 'no task is running', function(task)
    local function send(text)
      if text and vim.trim(text) ~= '' then
        server.request('galley/task/steer', { task = task, message = text })
      end
    end
    if args.text ~= '' then
      return send(args.text)
    end
    vim.ui.input({ prompt = 'Galley: tell it ' }, send)
  end)
end

---@param result { applied: boolean, reason?: string, conflicts?: string[] }
local function rolled_back(result)
  local conflicts = result.conflicts or {}
  if #conflicts > 0 then
    server.warn('rolled back but for what changed since, now hunks to decide: ' .. table.concat(conflicts, ', '))
  elseif result.applied then
    server.say('rolled back')
  else
    server.warn('not rolled back: ' .. (result.reason or 'the server gave no reason'))
  end
end

local function rollback()
  server.request('galley/checkpoint/list', {}, function(result, client)
    local list = result.checkpoints or {}
    if #list == 0 then
      return server.say('nothing to roll back to')
    end
    vim.ui.select(list, {
      prompt = 'Galley: return to the state before',
      format_item = function(c)
        local at = os.date('%d %b %H:%M', math.floor(c.atMs / 1000))
        local label = (c.label or '') ~= '' and c.label .. ', ' or ''
      return ('%s  %s  %s%s'):format(at, c.title, label, server.count(#c.files, 'file'))
      end,
    }, function(c)
      if c then
        server.request('galley/checkpoint/restore', { checkpoint = c.checkpoint }, rolled_back, client)
      end
    end)
  end)
end

local function status()
  server.request('galley/status', {}, function(s, client)
    require('galley.status').on_status(nil, s, { client_id = client.id })
    server.say(s.text or '')
  end)
end

---@type table<string, galley.Subcommand>
M.subcommands = {
  ask = { run = start('free', 'what is to be done?'), key = true },
  start = { run = start('free', 'what is to be done?') },
  fix = { run = start('fix'), key = true },
  implement = { run = start('implement'), key = true },
  refactor = { run = start('refactor', 'refactor how?'), key = true },
  tests = { run = start('tests'), key = true },
  document = { run = start('document'), key = true },
  explain = { run = start('explain'), key = true },
  tasks = { run = lazily('tasks', 'open'), key = true },
  plan = { run = to_plan('edit', function(t) return #(t.plan or {}) > 0 end, 'no task has a plan'), key = true },
  approve = { run = to_plan('approve', function(t) return t.state == 'waiting' end, 'no plan waits for approval'), key = true },
  steer = { run = steer, key = true },
  pause = { run = to_task('pause', is_running, 'no task is running'), key = true },
  resume = {
    run = to_task('resume', function(t) return require('galley.tasks').is_resumable(t) end, 'no task to resume'),
    key = true,
  },
  stop = { run = to_task('cancel', is_running, 'no task is running'), key = true },
  rollback = { run = rollback, key = true },
  status = { run = status },
}

for _, verb in ipairs({
  'next', 'prev', 'accept', 'reject', 'edit', 'comment', 'why',
  'reject-why', 'mark', 'split', 'undo',
  'accept-file', 'reject-file', 'accept-all', 'reject-all', 'diff', 'quickfix',
}) do
  M.subcommands[verb] = {
    run = function()
      require('galley.decide').verbs[verb]()
    end,
    key = true,
  }
end

---@param o vim.api.keyset.create_user_command.command_args
function M.run(o)
  local name, text = o.args:match('^(%S*)%s*(.*)$')
  local sub = M.subcommands[name == '' and 'status' or name]
  if not sub then
    return server.warn(('no such subcommand: %s (:Galley <Tab> lists them)'):format(name))
  end
  local range
  if o.range > 0 then
    range = { start = { line = o.line1 - 1, character = 0 }, ['end'] = { line = o.line2, character = 0 } }
  end
  sub.run({ text = text, range = range })
end

---@return string[]
function M.complete(lead, line)
  if line:sub(1, #line - #lead):match('Galley!?%s+%S+%s') then
    return {}
  end
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(M.subcommands))
  table.sort(names)
  return names
end

---@param name string
function M.key(name)
  M.subcommands[name].run({ text = '' })
end

---Asks for a sentence; nothing is done when the person leaves it empty.
---@param prompt string
---@param on_text fun(text: string)
local function sentence(prompt, on_text)
  vim.ui.input({ prompt = prompt .. ' ' }, function(text)
    if text and vim.trim(text) ~= '' then
      on_text(text)
    end
  end)
end

---Code actions of the server that need words first.
function M.register()
  vim.lsp.commands['galley.ask'] = function(command, ctx)
    local arg = (command.arguments or {})[1] or {}
    sentence('Galley: ' .. (arg.title or 'what is to be done?'), function(text)
      server.request('galley/task/start', vim.tbl_extend('force', arg.params or {}, { goal = text }), nil, ctx.client_id)
    end)
  end
  vim.lsp.commands['galley.task.steer'] = function(command, ctx)
    local arg = (command.arguments or {})[1] or {}
    sentence('Galley: tell it', function(text)
      server.request('galley/task/steer', { task = arg.task, message = text }, nil, ctx.client_id)
    end)
  end
  for _, verb in ipairs({ 'edit', 'comment' }) do
    vim.lsp.commands['galley.hunk.' .. verb] = function()
      require('galley.decide').verbs[verb]()
    end
  end
end

---A review outlives editor and server: whoever attaches asks what is open.
---@param client vim.lsp.Client
function M.attach(client)
  M.register()
  local ctx = { client_id = client.id }
  local function ask(method, on_result)
    client:request(method, vim.empty_dict(), function(err, result)
      if not err and result then
        on_result(server.plain(result))
      end
    end)
  end
  ask('galley/status', function(s)
    require('galley.status').on_status(nil, s, ctx)
  end)
  ask('galley/proposal/list', function(result)
    for _, p in ipairs(result.proposals or {}) do
      require('galley.review').on_proposal(nil, p, ctx)
    end
  end)
end

---@param client_id integer
function M.detach(client_id)
  for _, module in ipairs({ 'review', 'tasks', 'status' }) do
    if package.loaded['galley.' .. module] then
      require('galley.' .. module).forget(client_id)
    end
  end
end

return M
