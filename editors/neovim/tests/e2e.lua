-- The main job with the real server, in a real Neovim without a screen:
--   GALLEY_BIN=target/release/galley GALLEY_MODEL=openai-chat/fake GALLEY_BASE_URL=http://127.0.0.1:8089/v1 \
--   PROJECT=folder FILE=src/lib.rs LINE=12 EXPECT_TEXT='checked_sub' nvim --headless -u NONE -l editors/neovim/tests/e2e.lua
-- Without GALLEY_BIN it runs against the mock server, to test itself.
--   PROJECT      a folder that is copied                FILE, LINE   where the task is asked for
--   PROMPT       words after `:Galley fix`              ACTION       instead: run the code action whose kind begins so
--   EXPECT_FILE  (default: FILE) has EXPECT_TEXT after the accept
--   CHECK        a shell command that passes in the project after saving (and failed before, with CHECK_FAILS_BEFORE=1)
--   WAIT         seconds for the proposal (default 120)
-- Prints a line per check and "N passed, N failed".
local here = vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, 'S').source:sub(2)))
package.path = here .. '/?.lua;' .. package.path
local T = require('harness')
local api, env = vim.api, vim.env

local project = env.PROJECT or (here .. '/project')
local file, line = env.FILE or 'src/range.rs', tonumber(env.LINE) or 17
local expect_file, expect_text = env.EXPECT_FILE or file, env.EXPECT_TEXT or 'saturating_sub'
local patience = (tonumber(env.WAIT) or 120) * 1000

local bin = env.GALLEY_BIN and vim.fs.normalize(vim.fn.fnamemodify(env.GALLEY_BIN, ':p'))
local cmd = bin and { bin, 'lsp' } or { 'python3', here .. '/mock_galley.py' }
vim.fn.mkdir(vim.fs.dirname(T.work), 'p')
assert(vim.system({ 'cp', '-r', vim.fn.fnamemodify(project, ':p'), T.work }):wait().code == 0, 'cannot copy ' .. project)
if not vim.uv.fs_stat(T.work .. '/.git') and vim.fn.executable('git') == 1 then
  vim.system({ 'git', 'init', '-q', T.work }):wait()
end
T.client(here, cmd, {
  GALLEY_STATE_DIR = env.GALLEY_STATE_DIR or (vim.fs.dirname(T.work) .. '/state'),
  MOCK_SCENARIO = env.MOCK_SCENARIO or (here .. '/project.json'),
})

local review = require('galley.review')
local before = {} ---@type table<string, string> path → bytes
for name, kind in vim.fs.dir(T.work, { depth = 10 }) do
  if kind == 'file' and not name:find('^%.git/') then
    before[name] = T.read(name)
  end
end

local last_task ---@type galley.Task?
api.nvim_create_autocmd('User', { pattern = 'GalleyTask', callback = function(ev) last_task = ev.data end })
local said = {}
for _, f in ipairs({ 'notify', 'notify_once' }) do
  vim[f] = function(text) said[#said + 1] = text end
end

---One check; what comes after a failed one has no meaning, so the run ends there.
local function check(name, fn)
  local failed = T.failed
  T.test(name, function()
    local ok, err = xpcall(fn, debug.traceback)
    if not ok then
      error(('%s\ntask: %s\nsaid: %s'):format(err, vim.inspect(last_task), table.concat(said, '\n      ')), 0)
    end
  end)
  if T.failed > failed then
    T.finish()
  end
end
T.cleanup = function() end

local function run_check()
  return vim.system({ 'sh', '-c', env.CHECK }, { cwd = T.work, text = true }):wait(patience)
end

check('the server attaches and speaks our protocol', function()
  vim.cmd('silent edit ' .. vim.fn.fnameescape(file))
  T.wait('the server', function()
    local c = T.server()
    return c and c.initialized and vim.lsp.buf_is_attached(0, c.id)
  end, 20000)
  T.eq(1, vim.tbl_get(T.server().server_capabilities, 'experimental', 'galley', 'version'))
end)
local bufnr = api.nvim_get_current_buf()

if env.CHECK and env.CHECK_FAILS_BEFORE then
  check('the check fails before: ' .. env.CHECK, function()
    assert(run_check().code ~= 0)
  end)
end

check('a task is started and ends in a proposal; the cursor stays', function()
  api.nvim_win_set_cursor(0, { line, 0 })
  if env.ACTION then
    vim.lsp.buf.code_action({ apply = true, filter = function(a) return vim.startswith(a.kind or '', env.ACTION) end })
  else
    vim.cmd('Galley fix ' .. (env.PROMPT or ''))
  end
  T.wait('a hunk to review', function()
    assert(not (last_task and last_task.state == 'failed'), 'the task failed: ' .. tostring(last_task and last_task.message))
    return review.current()
  end, patience)
  -- the proposal may grow while the model still writes
  T.wait('the task is done thinking', function()
    return not last_task or not require('galley.tasks').is_running(last_task)
  end, patience)
  T.eq({ bufnr, line }, { api.nvim_get_current_buf(), api.nvim_win_get_cursor(0)[1] })
end)

check('nothing is applied unseen', function()
  for name, bytes in pairs(before) do
    T.eq(bytes, T.read(name), name)
  end
  T.eq(false, vim.bo[bufnr].modified)
end)

check('why gives a reason', function()
  vim.cmd('Galley next')
  T.keys('ghw')
  local float = T.wait('the float', function()
    return vim.iter(api.nvim_list_wins()):find(function(w) return api.nvim_win_get_config(w).relative ~= '' end)
  end)
  assert(#vim.trim(table.concat(T.lines(api.nvim_win_get_buf(float)), '\n')) > 0)
  api.nvim_win_close(float, true)
end)

local accepted = {} ---@type table<string, integer> path → accepts
check('every hunk is accepted by key', function()
  vim.ui.select = function(items, _, on_choice) on_choice(items[1], 1) end
  for _ = 1, 200 do
    local left = #review.places()
    if left == 0 then
      break
    end
    if not review.here() then
      T.keys(vim.fn.maparg(']h', 'n') ~= '' and ']h' or ':Galley next<CR>')
    end
    local p = assert(review.here(), 'no hunk under the cursor after ]h')
    accepted[p.file.path] = (accepted[p.file.path] or 0) + 1
    T.keys('gha')
    T.wait('hunk ' .. p.hunk.number .. ' is settled', function() return #review.places() < left end, patience)
  end
  T.eq(0, #review.places())
end)

check('the text is there, in the buffer and not yet on the disk', function()
  local b = vim.fn.bufnr(T.work .. '/' .. expect_file)
  assert(b > 0, expect_file .. ' has no buffer')
  local text = table.concat(T.lines(b), '\n')
  assert(text:find(expect_text, 1, true), expect_file .. ' lacks ' .. expect_text .. ':\n' .. text)
  if before[expect_file] then
    T.eq(before[expect_file], T.read(expect_file))
  end
end)

check('saved, it is on the disk', function()
  vim.cmd('silent wall')
  assert(T.read(expect_file):find(expect_text, 1, true))
end)

if env.CHECK then
  check('the check passes: ' .. env.CHECK, function()
    local r = run_check()
    assert(r.code == 0, r.stdout .. r.stderr)
  end)
end

check('one undo step an accept, and every byte is back', function()
  for path, n in pairs(accepted) do
    local b = vim.fn.bufnr(T.work .. '/' .. path)
    if before[path] and b > 0 then
      api.nvim_buf_call(b, function()
        for _ = 1, n do
          vim.cmd('silent undo')
        end
        vim.cmd('silent write')
      end)
      T.eq(before[path], T.read(path), path)
    end
  end
end)

check('the server ends with the editor', function()
  local c = T.server()
  c:stop()
  T.wait('its end', function() return c:is_stopped() and #vim.lsp.get_clients({ name = 'galley' }) == 0 end)
end)

T.finish()
