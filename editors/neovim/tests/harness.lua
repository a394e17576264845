---Test words: a project in a temporary folder, the client started in it, waits for events, counts.
local T = { passed = 0, failed = 0 }

local api = vim.api

T.work = vim.uv.fs_realpath(vim.fn.fnamemodify(vim.fn.tempname(), ':h')) .. '/project'
T.log = vim.env.MOCK_LOG or (T.work .. '/../lsp.jsonl')

---@param here string the tests' folder
---@param cmd string[] the server
---@param env? table<string, string>
function T.client(here, cmd, env)
  vim.fn.mkdir(T.work .. '/.git', 'p')
  vim.cmd.cd(T.work) -- also the root of buffers without a name
  vim.o.swapfile, vim.o.termguicolors = false, true
  vim.opt.runtimepath:prepend(vim.fs.dirname(here))
  vim.g.galley_cmd = cmd
  vim.cmd.runtime('plugin/galley.lua')
  vim.lsp.config('galley', { cmd_env = vim.tbl_extend('force', { MOCK_LOG = T.log, MOCK_DIR = T.work .. '/..' }, env or {}) })
  vim.cmd('filetype on') -- the server attaches by file type
  vim.lsp.enable('galley')
end

function T.test(name, fn)
  if T.pattern and not name:find(T.pattern) then
    return
  end
  vim.v.errmsg = ''
  local ok, err = xpcall(fn, debug.traceback)
  if ok and vim.v.errmsg:find('stack traceback', 1, true) then
    ok, err = false, 'in a callback: ' .. vim.v.errmsg
  end
  T.passed, T.failed = T.passed + (ok and 1 or 0), T.failed + (ok and 0 or 1)
  io.write((ok and 'ok   ' or 'FAIL ') .. name .. '\n' .. (ok and '' or '     ' .. tostring(err):gsub('\n', '\n     ') .. '\n'))
  pcall(T.cleanup)
end

function T.finish()
  io.write(('%d passed, %d failed\n'):format(T.passed, T.failed))
  for _, c in ipairs(vim.lsp.get_clients()) do
    c:stop(true)
  end
  vim.fn.delete(T.work, 'rf')
  os.exit(T.failed == 0 and T.passed > 0 and 0 or 1)
end

function T.eq(want, got, what)
  if not vim.deep_equal(want, got) then
    error((what or 'value') .. ': wanted ' .. vim.inspect(want) .. ', got ' .. vim.inspect(got), 2)
  end
end

---@param fn fun(): any
function T.wait(what, fn, ms)
  local got
  if not vim.wait(ms or 5000, function() got = fn() return got end, 5) then
    error('timed out: ' .. what, 2)
  end
  return got
end

---@param name string
---@param text string
function T.write(name, text)
  local path = T.work .. '/' .. name
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  local out = assert(io.open(path, 'wb'))
  out:write(text)
  out:close()
  return path
end

function T.read(name)
  local f = io.open(T.work .. '/' .. name, 'rb')
  local text = f and f:read('a')
  if f then
    f:close()
  end
  return text
end

function T.lines(bufnr)
  return api.nvim_buf_get_lines(bufnr or 0, 0, -1, false)
end

function T.server()
  return vim.lsp.get_clients({ name = 'galley' })[1]
end

---@param name string
---@param text string the file's content
function T.open(name, text)
  T.write(name, text)
  vim.cmd('silent edit! ' .. vim.fn.fnameescape(T.work .. '/' .. name))
  T.wait('the server attaches', function()
    local c = vim.lsp.get_clients({ name = 'galley', bufnr = 0 })[1]
    return c and c.initialized
  end, 10000)
  return api.nvim_get_current_buf()
end

function T.ask(method, params)
  local done, err, result
  T.server():request(method, params or vim.empty_dict(), function(e, r)
    done, err, result = true, e, r
  end)
  T.wait(method, function() return done end)
  return assert(not err and (result or {}), err and err.message)
end

function T.keys(keys)
  api.nvim_feedkeys(vim.keycode(keys), 'mtx', false)
end

---The undo step that typing would begin.
function T.undo_step()
  vim.cmd('let &undolevels = &undolevels')
end

---@param method string
---@return table[] params of what the client has sent
function T.sent(method)
  local out = {}
  for l in io.lines(T.log) do
    local entry = vim.json.decode(l, { luanil = { object = true } })
    if entry.way == 'in' and entry.message.method == method then
      out[#out + 1] = entry.message.params or {}
    end
  end
  return out
end

---Sees what the client says until `fn` returns.
function T.messages(fn)
  local out, echo, notify = {}, api.nvim_echo, vim.notify
  api.nvim_echo = function(chunks) out[#out + 1] = chunks[1][1] end
  vim.notify = function(text) out[#out + 1] = text end
  local ok, err = pcall(fn, out)
  api.nvim_echo, vim.notify = echo, notify
  assert(ok, err)
  return out
end

---Answers the next vim.ui.select by the number of the choice (nil: dismissed); gives back what was asked.
function T.choosing(number)
  local seen, select = {}, vim.ui.select
  vim.ui.select = function(items, o, on_choice)
    vim.ui.select = select
    seen.prompt, seen.items = o.prompt, vim.tbl_map(o.format_item or tostring, items)
    on_choice(number and items[number], number)
  end
  return seen
end

function T.answering(text)
  local seen, input = {}, vim.ui.input
  vim.ui.input = function(o, on_text)
    vim.ui.input = input
    seen.prompt = o.prompt
    on_text(text)
  end
  return seen
end

function T.marks(bufnr)
  return api.nvim_buf_get_extmarks(bufnr or 0, require('galley.draw').ns, 0, -1, { details = true })
end

---The virtual lines of a buffer as text, in the order of their place.
function T.virtual(bufnr)
  local out = {}
  for _, m in ipairs(T.marks(bufnr)) do
    for _, line in ipairs(m[4].virt_lines or {}) do
      out[#out + 1] = vim.trim(vim.iter(line):map(function(c) return c[1] end):join(''))
    end
  end
  return out
end

---Proposes new texts and waits until they are drawn.
function T.propose(spec)
  local n = vim.tbl_count(require('galley.review').places())
  local r = T.ask('mock/propose', spec)
  T.wait('the proposal', function() return #require('galley.review').places() > n end)
  return r.proposal
end

function T.cleanup()
  if T.server() then
    T.ask('mock/reset')
    T.wait('the review ends', function() return not require('galley.review').current() end)
  end
  vim.cmd('silent! %bwipeout!')
end

return T
