---The plan of a task as a buffer: edit, move, delete or add lines; writing it sends the plan to the task.
local M = {}

local server = require('galley.server')
local api = vim.api

---@param bufnr integer
---@return string
local function text_of(bufnr)
  return table.concat(api.nvim_buf_get_lines(bufnr, 0, -1, false), '\n')
end

---@param task string
---@param text string
---@param approve boolean
---@param on_sent? fun()
local function send(task, text, approve, on_sent)
  server.request('galley/plan/update', { task = task, text = text, approve = approve }, function()
    server.say(approve and 'the task begins with this plan' or 'the task goes by this plan')
    if on_sent then
      on_sent()
    end
  end)
end

---@param task string
local function name(task)
  return 'galley://plan/' .. task
end

---@param task string
---@return integer? bufnr the buffer in which this plan is open
local function open(task)
  local bufnr = vim.fn.bufnr('^' .. vim.fn.escape(name(task), '[]*.?') .. '$')
  return bufnr > 0 and api.nvim_buf_is_loaded(bufnr) and bufnr or nil
end

---Opens the plan for editing, or goes to it.
---@param task string
function M.edit(task)
  local known = open(task)
  local winid = known and vim.fn.win_findbuf(known)[1]
  if winid then
    return api.nvim_set_current_win(winid)
  end
  server.request('galley/plan/get', { task = task }, function(result)
    local bufnr = known or api.nvim_create_buf(false, true)
    if not known then
      api.nvim_buf_set_name(bufnr, name(task))
      vim.bo[bufnr].buftype, vim.bo[bufnr].bufhidden = 'acwrite', 'wipe'
      api.nvim_create_autocmd('BufWriteCmd', {
        buffer = bufnr,
        callback = function()
          send(task, text_of(bufnr), false)
          vim.bo[bufnr].modified = false -- so that :wq closes; a refusal is told
        end,
      })
    end
    api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(vim.trim(result.text), '\n'))
    vim.bo[bufnr].filetype, vim.bo[bufnr].modified = 'markdown', false
    local height = math.min(math.max(api.nvim_buf_line_count(bufnr) + 1, 5), math.floor(vim.o.lines / 2))
    api.nvim_open_win(bufnr, true, { split = 'below', height = height })
    vim.wo.winbar = '%#GalleyBar# :w sends the plan'
      .. (result.waits and ' · :Galley approve begins with it' or '')
      .. ' · :q leaves it as it was'
  end)
end

---Lets a task begin with its plan, as it stands in its buffer where it is open.
---@param task string
function M.approve(task)
  local bufnr = open(task)
  if bufnr then
    return send(task, text_of(bufnr), true, function()
      if api.nvim_buf_is_valid(bufnr) then
        vim.bo[bufnr].modified = false
      end
    end)
  end
  server.request('galley/plan/get', { task = task }, function(result)
    send(task, result.text, true)
  end)
end

return M
