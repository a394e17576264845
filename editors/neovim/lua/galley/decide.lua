---What the person does with hunks: go to them, accept, reject, edit, comment, ask why. Each is one request
---to the server; what it means for the text comes back as an edit and as the proposal's next state.
local M = {}

local api = vim.api
local review = require('galley.review')
local server = require('galley.server')

---@return galley.Place?
local function here()
  local p = review.here()
  if not p then
    server.say(review.current() and 'no hunk under the cursor' or 'nothing to review')
  end
  return p
end

---Scrolls just enough that the hunk and its bar are on the screen.
local function uncover(bufnr, p)
  review.uncover_top(0, bufnr)
  local last = api.nvim_buf_line_count(bufnr)
  local view, lnum = vim.fn.winsaveview(), api.nvim_win_get_cursor(0)[1]
  local top = view.topline
  local function height(first)
    -- virtual lines belong to the line that they stand above: ask up to the one after the hunk
    local next_line = math.max(p.after, p.first, lnum) + 1
    local to = next_line <= last and next_line - 1 or nil
    local all = api.nvim_win_text_height(0, { start_row = first - 1, end_row = to }).all
    return to and all - 1 or all
  end
  while top < lnum and height(top) > api.nvim_win_get_height(0) do
    top = top + 1
  end
  if top ~= view.topline then
    vim.fn.winrestview({ topline = top, topfill = 0 })
  end
end

---@param p galley.Place
local function jump(p)
  local bufnr = p.bufnr or review.file_buffer(p)
  vim.cmd("normal! m'")
  if api.nvim_get_current_buf() ~= bufnr then
    if vim.bo.buftype == 'nofile' and not review.is_preview(0) and vim.bo.filetype == 'galley-tasks' then
      vim.cmd.wincmd('p')
    end
    api.nvim_win_set_buf(0, bufnr)
    review.refresh(bufnr)
  end
  local row = p.first == p.after and math.max(0, p.first - 1) or p.first
  api.nvim_win_set_cursor(0, { math.min(row + 1, api.nvim_buf_line_count(bufnr)), 0 })
  vim.cmd('normal! zv')
  uncover(bufnr, p)
end

---@param step 1|-1
local function go(step)
  local all, bufnr = review.places(), api.nvim_get_current_buf()
  if #all == 0 then
    return server.say('nothing to review')
  end
  -- by place in this buffer first; where it has no more, on into the neighbour in the order of review
  local now, row = review.here(), api.nvim_win_get_cursor(0)[1] - 1
  local at
  for i, p in ipairs(all) do
    if now and p.hunk == now.hunk then
      at = i + step
    elseif not now and p.bufnr == bufnr then
      if step == 1 and p.first > row then
        at = at or i
      elseif step == -1 and p.first <= row then
        at = i
      end
    end
  end
  if not at then
    local mine = vim.iter(ipairs(all)):filter(function(_, p) return p.bufnr == bufnr end):totable()
    local edge = mine[step == 1 and #mine or 1]
    at = edge and edge[1] + step or (step == 1 and 1 or #all)
  end
  jump(all[(at - 1) % #all + 1])
end

---@param params table
---@param client_id integer
---@param h? galley.Hunk
local function accept(params, client_id, h)
  local answered = false
  if h then -- the server may have to run checks first; an answer at once needs no note
    vim.defer_fn(function()
      if not answered then
        review.note(h, 'accepting…')
      end
    end, 200)
  end
  server.request('galley/hunk/accept', params, function(result)
    answered = true
    if not result.applied then
      server.warn('not applied: ' .. (result.reason or 'the server gave no reason'))
    end
    if h then
      review.note(h, nil)
    end
  end, client_id)
end

local function accept_here()
  local p = here()
  if not p then
    return
  end
  local needs = review.needs(p.open.proposal, p.hunk)
  if #needs == 0 then
    return accept({ hunks = { p.hunk.hunk } }, p.open.client_id, p.hunk)
  end
  local other = ('hunk%s %s'):format(#needs == 1 and '' or 's', table.concat(needs, ', '))
  vim.ui.select({ 'Accept together with ' .. other, 'Leave it' }, {
    prompt = ('Galley: hunk %d needs %s'):format(p.hunk.number, other),
  }, function(_, choice)
    if choice == 1 then
      accept({ hunks = { p.hunk.hunk }, prerequisites = true }, p.open.client_id, p.hunk)
    end
  end)
end

local function reject_here()
  local p = here()
  if p then
    server.request('galley/hunk/reject', { hunks = { p.hunk.hunk } }, nil, p.open.client_id)
  end
end

---Rejects the hunk under the cursor, and tells the model why.
local function reject_why()
  local p = here()
  if not p then
    return
  end
  vim.ui.input({ prompt = ('Galley: why not hunk %d? '):format(p.hunk.number) }, function(text)
    if text then
      server.request('galley/hunk/reject', { hunks = { p.hunk.hunk }, reason = text }, nil, p.open.client_id)
    end
  end)
end

---Marks the hunk under the cursor as looked at, or takes the mark away.
local function mark_here()
  local p = here()
  if p then
    local params = { hunks = { p.hunk.hunk }, reviewed = not p.hunk.reviewed }
    server.request('galley/hunk/mark', params, nil, p.open.client_id)
  end
end

---Splits the hunk under the cursor into its parts.
local function split_here()
  local p = here()
  if p then
    server.request('galley/hunk/split', { hunk = p.hunk.hunk }, function(result)
      server.say('split into ' .. server.count(#result.hunks, 'hunk'))
    end, p.open.client_id)
  end
end

---Takes the latest decision back, accepted or rejected.
local function undo()
  server.request('galley/hunk/undo', {}, function(result)
    if not result.applied then
      return server.warn('not taken back: ' .. (result.reason or 'the server gave no reason'))
    end
    server.say(server.count(#result.hunks, 'hunk') .. ' to decide again')
  end)
end

---@param method string
---@param of_file boolean
local function many(method, of_file)
  local open = review.current()
  if not open then
    return server.say('nothing to review')
  end
  local params = { proposal = open.proposal.proposal }
  if of_file then
    local p = review.here() or review.places(api.nvim_get_current_buf())[1]
    if not p then
      return server.say('nothing to review in this file')
    end
    params.uri = p.file.uri
  end
  if method == 'accept' then
    return accept(params, open.client_id)
  end
  server.request('galley/hunk/' .. method, params, nil, open.client_id)
end

---A small buffer with the hunk's new text; writing it sends the text to the server.
local function edit_here()
  local p = here()
  if not p then
    return
  end
  local h, ft = p.hunk, vim.bo[p.bufnr].filetype
  if ft == '' then
    ft = vim.filetype.match({ filename = p.file.path }) or ''
  end
  local ends = h.after == '' or h.after:sub(-1) == '\n'
  local bufnr = api.nvim_create_buf(false, true)
  api.nvim_buf_set_name(bufnr, ('galley://hunk/%s/%d/%s'):format(h.hunk, bufnr, vim.fs.basename(p.file.path)))
  api.nvim_buf_set_lines(bufnr, 0, -1, false, require('galley.draw').lines(h.after))
  vim.bo[bufnr].buftype, vim.bo[bufnr].bufhidden = 'acwrite', 'wipe'
  vim.bo[bufnr].syntax = ft
  pcall(vim.treesitter.start, bufnr, vim.treesitter.language.get_lang(ft))
  vim.bo[bufnr].modified = false
  api.nvim_create_autocmd('BufWriteCmd', {
    buffer = bufnr,
    callback = function()
      local lines = api.nvim_buf_get_lines(bufnr, 0, -1, false)
      local text = table.concat(lines, '\n')
      if text ~= '' or #lines > 1 then
        text = text .. (ends and '\n' or '')
      end
      server.request('galley/hunk/edit', { hunk = h.hunk, text = text }, function()
        if api.nvim_buf_is_valid(bufnr) then
          vim.bo[bufnr].modified = false
        end
        server.say(('hunk %d now has your text'):format(h.number))
      end, p.open.client_id)
      vim.bo[bufnr].modified = false -- so that :wq closes; a refusal is told
    end,
  })
  local height = math.min(math.max(api.nvim_buf_line_count(bufnr) + 1, 3), math.floor(vim.o.lines / 2))
  api.nvim_open_win(bufnr, true, { split = 'below', height = height })
  vim.wo.winhighlight = 'WinBar:Normal,WinBarNC:Normal'
  vim.wo.winbar = ('%%#GalleyCount# hunk %d of %d '):format(h.number, h.of)
    .. '%#GalleyBar# :w keeps your text for it · :q leaves it as it was'
end

local function comment_here()
  local p = here()
  if not p then
    return
  end
  vim.ui.input({ prompt = ('Galley: comment on hunk %d: '):format(p.hunk.number) }, function(text)
    if text and vim.trim(text) ~= '' then
      server.request('galley/hunk/comment', { hunk = p.hunk.hunk, text = text }, function()
        review.note(p.hunk, 'to be revised: ' .. text)
      end, p.open.client_id)
    end
  end)
end

local function why_here()
  local p = here()
  if p then
    server.request('galley/hunk/why', { hunk = p.hunk.hunk }, function(result)
      local lines = vim.split(vim.trim(result.markdown or ''), '\n')
      vim.lsp.util.open_floating_preview(lines, 'markdown', {
        focus_id = 'galley-why',
        border = (vim.fn.exists('&winborder') == 1 and vim.o.winborder ~= '') and vim.o.winborder or 'rounded',
        max_width = 90,
      })
    end, p.open.client_id)
  end
end

local function diff()
  local open = review.current()
  if not open then
    return server.say('nothing to review')
  end
  server.request('galley/proposal/diff', { proposal = open.proposal.proposal }, function(result)
    local ok, lines = pcall(vim.fn.readfile, vim.uri_to_fname(result.uri))
    if not ok then
      return server.warn('the diff cannot be read: ' .. result.uri)
    end
    -- a scratch buffer: the file itself lies outside the project, and would start a server of its own
    local bufnr = api.nvim_create_buf(false, true)
    api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
    vim.bo[bufnr].bufhidden, vim.bo[bufnr].modifiable = 'wipe', false
    api.nvim_open_win(bufnr, true, { split = 'below', win = -1 })
    vim.bo[bufnr].filetype = 'diff'
  end, open.client_id)
end

local function quickfix()
  local items = {}
  local draw = require('galley.draw')
  for _, p in ipairs(review.places()) do
    local bufnr, h = p.bufnr or review.file_buffer(p), p.hunk
    local size = ('-%d +%d'):format(#draw.lines(h.before), #draw.lines(h.after))
    items[#items + 1] = {
      bufnr = bufnr,
      lnum = math.min(p.first + 1, api.nvim_buf_line_count(bufnr)),
      end_lnum = math.max(p.first + 1, p.after),
      type = h.state == 'conflicted' and 'W' or 'I',
      text = ('hunk %d of %d  %s  %s'):format(h.number, h.of, size, h.reason or ''),
    }
  end
  vim.fn.setqflist({}, ' ', { title = 'Galley: hunks to review', items = items })
  if #items == 0 then
    return server.say('nothing to review')
  end
  vim.cmd('botright copen')
end

---@type table<string, fun()>
M.verbs = {
  next = function() go(1) end,
  prev = function() go(-1) end,
  accept = accept_here,
  reject = reject_here,
  edit = edit_here,
  comment = comment_here,
  why = why_here,
  ['accept-file'] = function() many('accept', true) end,
  ['reject-file'] = function() many('reject', true) end,
  ['accept-all'] = function() many('accept', false) end,
  ['reject-all'] = function() many('reject', false) end,
  ['reject-why'] = reject_why,
  mark = mark_here,
  split = split_here,
  undo = undo,
  diff = diff,
  quickfix = quickfix,
}

return M
