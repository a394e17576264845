---The tasks view: a scratch buffer that shows what the server tells of each task, as it happens. It opens
---when asked for and never takes the focus by itself.
local M = {}

local api = vim.api
local server = require('galley.server')
require('galley.colours')

local ns = api.nvim_create_namespace('galley.tasks')
local NAME = 'galley://tasks'

---@type table<string, { task: galley.Task, client_id: integer }> as last told
local tasks = {}
---@type table<string, boolean> 'task/step' → its detail is shown
local unfolded = {}
---@type { task: string, step?: integer }[] by line of the view
local rows = {}

local ENDED = { done = true, failed = true, cancelled = true }
local STATE_HL = {
  proposed = 'GalleyGood',
  done = 'GalleyGood',
  failed = 'GalleyBad',
  cancelled = 'GalleyBar',
  waiting = 'GalleyWarning',
  paused = 'GalleyWarning',
  interrupted = 'GalleyWarning',
}
local PLAN = {
  pending = { '·', 'GalleyBar', 'GalleyBar' },
  active = { '▸', 'GalleyActive', 'Normal' },
  done = { '✓', 'GalleyGood', 'Normal' },
  dropped = { '×', 'GalleyBar', 'GalleyDropped' },
}
local STEP = { running = { '…', 'GalleyActive' }, ok = { '✓', 'GalleyGood' }, error = { '✗', 'GalleyBad' } }

---@param ms number
local function duration(ms)
  local s = ms / 1000
  if s < 1 then
    return ('%d ms'):format(ms)
  elseif s < 10 then
    return ('%.1f s'):format(s)
  elseif s < 60 then
    return ('%d s'):format(s)
  end
  return ('%d:%02d min'):format(math.floor(s / 60), math.floor(s % 60))
end

---@param n integer
local function tokens(n)
  return n < 1000 and tostring(n) or ('%.1fk'):format(n / 1000)
end

---@param t galley.Task
local function spent(t)
  local out, u = { duration(t.workedMs or 0) }, t.usage
  if u then
    if u.usd then
      out[#out + 1] = ('$%.2f'):format(u.usd)
    end
    local all = (u.input or 0) + (u.output or 0)
    if all > 0 then
      out[#out + 1] = ('%s tokens, %d %% cached'):format(tokens(all), 100 * (u.cached or 0) / math.max(1, u.input or 0))
    end
  end
  out[#out + 1] = t.recorded and 'recorded model' or t.model
  return table.concat(out, ' · ')
end

---@class galley.Page
---@field lines string[]
---@field marks { [1]: integer, [2]: integer, [3]: table }[] row, column, extmark
---@field rows { task: string, step?: integer }[]

---@param page galley.Page
---@param row { task: string, step?: integer }
---@param parts { [1]: string, [2]: string? }[] text, highlight
---@param right? string dim, at the right edge
local function line(page, row, parts, right)
  local text, at = '', #page.lines
  for _, p in ipairs(parts) do
    local s = p[1]:gsub('%s*\n%s*', ' ')
    if p[2] and s ~= '' then
      page.marks[#page.marks + 1] = { at, #text, { end_col = #text + #s, hl_group = p[2] } }
    end
    text = text .. s
  end
  if right then
    local virt = { virt_text = { { ' ' .. right .. ' ', 'GalleyBar' } }, virt_text_pos = 'right_align' }
    page.marks[#page.marks + 1] = { at, 0, virt }
  end
  page.lines[at + 1], page.rows[at + 1] = text, row
end

---@param page galley.Page
---@param items galley.PlanItem[]
local function plan(page, row, items, indent)
  for _, item in ipairs(items or {}) do
    local look = PLAN[item.state] or PLAN.pending
    line(page, row, { { indent }, { look[1] .. ' ', look[2] }, { item.text, look[3] } })
    plan(page, row, item.items, indent .. '  ')
  end
end

---@param page galley.Page
---@param t galley.Task
local function steps(page, t)
  for _, s in ipairs(t.steps or {}) do
    local row, look = { task = t.task, step = s.step }, STEP[s.state] or STEP.running
    local time = s.state ~= 'running' and duration(s.ms or 0) or nil
    -- Most summaries begin with their tool's name, which is then not said twice.
    local said = vim.startswith(s.summary .. ' ', s.tool .. ' ') and s.summary:sub(#s.tool + 1) or ('  ' .. s.summary)
    local parts = { { '  ' }, { look[1] .. ' ', look[2] }, { s.tool, 'GalleyKey' }, { said, 'Normal' } }
    line(page, row, parts, time)
    if s.detail and unfolded[t.task .. '/' .. s.step] then
      for _, l in ipairs(vim.split(vim.trim(s.detail), '\r?\n')) do
        line(page, row, { { '    │ ', 'GalleyDim' }, { l, 'GalleyBar' } })
      end
    end
  end
end

---A line as several that fit, broken between words.
---@param text string
---@param width integer columns
---@return string[]
local function folded(text, width)
  local out, used = { '' }, 0
  for word, blanks in text:gmatch('(%S*)(%s*)') do
    local room = vim.fn.strdisplaywidth(word)
    if used > 0 and used + room > width then
      out[#out] = out[#out]:gsub('%s+$', '')
      out[#out + 1], used = '', 0
    end
    out[#out] = out[#out] .. word .. blanks
    used = used + room + #blanks
  end
  return out
end

---@param page galley.Page
---@param t galley.Task
local function whole(page, t)
  local row = { task = t.task }
  line(page, row, { { t.title, 'GalleyTitle' }, { '  ' }, { t.state, STATE_HL[t.state] or 'GalleyActive' } }, spent(t))
  if t.activity and t.activity ~= '' and not ENDED[t.state] then
    line(page, row, { { '  ' }, { t.activity, 'GalleyBar' } })
  end
  if #(t.plan or {}) > 0 then
    line(page, row, {})
    plan(page, row, t.plan, '  ')
  end
  if #(t.steps or {}) > 0 then
    line(page, row, {})
    steps(page, t)
  end
  if t.message and t.message ~= '' then
    line(page, row, {})
    for _, l in ipairs(vim.split(vim.trim(t.message), '\r?\n')) do
      for _, piece in ipairs(folded(l, vim.o.columns - 4)) do
        line(page, row, { { '  ' }, { piece, t.state == 'failed' and 'GalleyBad' or 'Normal' } })
      end
    end
  end
  if t.resumable and t.state ~= 'paused' then
    line(page, row, { { '  ' }, { 'r', 'GalleyKey' }, { ' goes on from here, ', 'GalleyBar' }, { 's', 'GalleyKey' }, { ' with words of yours', 'GalleyBar' } })
  end
  line(page, row, {})
end

---@return galley.Page
local function page_of_all()
  local page = { lines = {}, marks = {}, rows = {} }
  local list = vim.tbl_values(tasks)
  table.sort(list, function(a, b)
    return (a.task.createdMs or 0) > (b.task.createdMs or 0)
  end)
  for _, entry in ipairs(list) do
    whole(page, entry.task)
  end
  if #list == 0 then
    local hint = { { 'No tasks yet. ', 'GalleyBar' }, { ':Galley ask', 'GalleyKey' }, { ' starts one.', 'GalleyBar' } }
    line(page, {}, hint)
  elseif page.lines[#page.lines] == '' then
    page.lines[#page.lines], page.rows[#page.lines] = nil, nil
  end
  return page
end

---Replaces only the lines that differ, so that cursor and scroll position stay.
local function replace(bufnr, new)
  local old = api.nvim_buf_get_lines(bufnr, 0, -1, false)
  local head, tail = 0, 0
  while head < math.min(#old, #new) and old[head + 1] == new[head + 1] do
    head = head + 1
  end
  while tail < math.min(#old, #new) - head and old[#old - tail] == new[#new - tail] do
    tail = tail + 1
  end
  vim.bo[bufnr].modifiable = true
  api.nvim_buf_set_lines(bufnr, head, #old - tail, false, vim.list_slice(new, head + 1, #new - tail))
  vim.bo[bufnr].modifiable = false
end

---@return integer? bufnr
local function view()
  local b = vim.fn.bufnr('^' .. NAME .. '$')
  return b > 0 and api.nvim_buf_is_loaded(b) and b or nil
end

function M.render()
  local bufnr = view()
  if not bufnr then
    return
  end
  local page = page_of_all()
  rows = page.rows
  replace(bufnr, page.lines)
  api.nvim_buf_clear_namespace(bufnr, ns, 0, -1)
  for _, m in ipairs(page.marks) do
    api.nvim_buf_set_extmark(bufnr, ns, m[1], m[2], m[3])
  end
end

---@param task galley.Task
function M.on_task(_, task, ctx)
  local known = tasks[task.task]
  tasks[task.task] = { task = task, client_id = ctx.client_id }
  if task.state == 'done' and task.message and not task.proposal and not (known and known.task.state == 'done') then
    server.say(task.message .. ' · :Galley tasks')
  end
  M.render()
  api.nvim_exec_autocmds('User', { pattern = 'GalleyTask', modeline = false, data = task })
end

---@param client_id integer whose server has gone
function M.forget(client_id)
  for id, entry in pairs(tasks) do
    if entry.client_id == client_id then
      tasks[id] = nil
    end
  end
  M.render()
end

---@return { task: string, step?: integer }? the view's line under the cursor
function M.here()
  if api.nvim_get_current_buf() == view() then
    return rows[api.nvim_win_get_cursor(0)[1]]
  end
end

local function toggle()
  local row = M.here()
  if row and row.step then
    local key = row.task .. '/' .. row.step
    unfolded[key] = not unfolded[key] or nil
    M.render()
  end
end

local KEYS = {
  { 's', 'steer' },
  { 'p', 'pause' },
  { 'r', 'resume' },
  { 'x', 'stop' },
  { 'd', 'diff' },
}

---Opens the view, or goes to it.
function M.open()
  local bufnr = view()
  local winid = bufnr and vim.fn.win_findbuf(bufnr)[1]
  if winid then
    return api.nvim_set_current_win(winid)
  end
  if not bufnr then
    bufnr = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(bufnr, NAME)
    vim.bo[bufnr].filetype, vim.bo[bufnr].modifiable = 'galley-tasks', false
    for _, k in ipairs(KEYS) do
      local o = { buffer = bufnr, nowait = true, desc = 'Galley: ' .. k[2] }
      vim.keymap.set('n', k[1], '<Cmd>Galley ' .. k[2] .. '<CR>', o)
    end
    vim.keymap.set('n', '<CR>', toggle, { buffer = bufnr, desc = 'Galley: open or close a step' })
    vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, nowait = true, desc = 'Galley: close' })
  end
  local height = math.max(10, math.floor(vim.o.lines * 0.4))
  winid = api.nvim_open_win(bufnr, true, { split = 'below', win = -1, height = height })
  local wo = vim.wo[winid][0]
  wo.number, wo.relativenumber, wo.list, wo.spell = false, false, false, false
  wo.signcolumn, wo.foldcolumn, wo.winfixheight, wo.wrap = 'no', '0', true, false
  wo.winhighlight = 'WinBar:Normal,WinBarNC:Normal'
  wo.winbar = ' %#GalleyKey#<CR>%#GalleyBar# open a step'
    .. vim.iter(KEYS):map(function(k) return (' · %%#GalleyKey#%s%%#GalleyBar# %s'):format(k[1], k[2]) end):join('')
    .. ' · %#GalleyKey#q%#GalleyBar# close'
  M.render()
  if server.client() then
    server.request('galley/task/list', {}, function(result, client)
      for _, t in ipairs(result.tasks or {}) do
        tasks[t.task] = { task = t, client_id = client.id }
      end
      M.render()
    end)
  end
end

---Lets the person choose one of the server's tasks: the one under the cursor of the view, the only one that
---fits, or one from a list.
---@param fits fun(t: galley.Task): boolean
---@param none string said when there is none
---@param on_task fun(task: string)
function M.choose(fits, none, on_task)
  local row = M.here()
  if row and row.task then
    return on_task(row.task)
  end
  server.request('galley/task/list', {}, function(result)
    local list = vim.tbl_filter(fits, result.tasks or {})
    if #list <= 1 then
      return list[1] and on_task(list[1].task) or server.say(none)
    end
    vim.ui.select(list, {
      prompt = 'Galley: which task?',
      format_item = function(t)
        return t.title .. '  ' .. t.state
      end,
    }, function(t)
      if t then
        on_task(t.task)
      end
    end)
  end)
end

---@param t galley.Task
function M.is_running(t)
  return not ENDED[t.state] and t.state ~= 'proposed' and t.state ~= 'interrupted'
end

---@param t galley.Task
function M.is_resumable(t)
  return t.resumable or t.state == 'waiting'
end

return M
