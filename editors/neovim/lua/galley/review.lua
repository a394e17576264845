---The open proposals, as the server last told them, drawn into the buffers that they speak of.
---Decides what is drawn where and which keys work; every decision is the server's (see galley.decide).
local M = {}

local api = vim.api
local draw = require('galley.draw')
local keys = require('galley.keys')
local server = require('galley.server')
require('galley.colours')

---@class galley.Open
---@field client_id integer
---@field proposal galley.Proposal

---@class galley.Drawn
---@field hunk galley.Hunk
---@field file galley.FileProposal
---@field open galley.Open
---@field marks galley.Marks
---@field looks string what it was drawn from

---@type galley.Open[] oldest first
local opened = {}
---@type table<integer, table<string, galley.Drawn>> bufnr → hunk → what is drawn of it
local drawn = {}
---@type table<string, { text: string, after: string }> hunk → what the person has just asked for
local notes = {}
---@type table<integer, string> bufnr → the hunk under its cursor, whose bar is lit
local current = {}
---@type table<integer, string> buffer that previews a new file → its uri
local previews = {}

local function undecided(h)
  return h.state == 'pending' or h.state == 'conflicted'
end

---@param f galley.FileProposal
---@return boolean
local function needs_decision(f)
  return vim.iter(f.hunks):any(undecided)
end

---Where the text is that the hunks lie on: a file to be moved is still in its old place.
---@param f galley.FileProposal
local function uri_now(f)
  return f.kind == 'move' and f.fromUri or f.uri
end

---@param uri string
---@return integer? bufnr loaded
local function buffer_of(uri)
  local name = vim.uri_to_fname(uri)
  for _, b in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_is_loaded(b) and (previews[b] == uri or api.nvim_buf_get_name(b) == name) then
      return b
    end
  end
end

---@param f galley.FileProposal
---@return integer bufnr a scratch buffer with the text of a file that is to be
local function preview(f)
  local bufnr = api.nvim_create_buf(false, true)
  previews[bufnr] = f.uri
  api.nvim_buf_set_name(bufnr, 'galley://new/' .. f.path)
  api.nvim_buf_set_lines(bufnr, 0, -1, false, draw.lines(f.hunks[1] and f.hunks[1].after or ''))
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].bufhidden = 'hide'
  local ft = vim.filetype.match({ buf = bufnr, filename = vim.uri_to_fname(f.uri) })
  if ft then
    -- colours only: language servers and file type plugins have no business in a preview
    if not pcall(vim.treesitter.start, bufnr, vim.treesitter.language.get_lang(ft)) then
      vim.bo[bufnr].syntax = ft
    end
  end
  return bufnr
end

---@param f galley.FileProposal
---@return integer bufnr loaded, for the person to look at
local function buffer_for(f)
  local bufnr = buffer_of(uri_now(f))
  if bufnr then
    return bufnr
  end
  if f.kind == 'add' then
    return preview(f)
  end
  bufnr = vim.fn.bufadd(vim.fn.fnamemodify(vim.uri_to_fname(uri_now(f)), ':.'))
  vim.fn.bufload(bufnr)
  vim.bo[bufnr].buflisted = true
  return bufnr
end

---@param p galley.Proposal
---@param h galley.Hunk
---@return integer[] numbers of the undecided hunks that it needs
function M.needs(p, h)
  local out = {}
  if #(h.requires or {}) == 0 then
    return out
  end
  for _, f in ipairs(p.files) do
    for _, other in ipairs(f.hunks) do
      if undecided(other) and vim.list_contains(h.requires, other.hunk) then
        out[#out + 1] = other.number
      end
    end
  end
  return out
end

---@return string?
local function note_of(h)
  local n = notes[h.hunk]
  if n and n.after ~= h.after then -- the server has revised it
    notes[h.hunk], n = nil, nil
  end
  return n and n.text or h.comment and 'being revised: ' .. h.comment or nil
end

---Lines above the first one show only while the window has filler there.
---@param winid integer
---@param bufnr integer
function M.uncover_top(winid, bufnr)
  local height = 0
  for _, d in pairs(drawn[bufnr] or {}) do
    height = height + (d.marks.above and d.marks.height or 0)
  end
  api.nvim_win_call(winid, function()
    local view = vim.fn.winsaveview()
    if height > 0 and view.topline == 1 and view.topfill < height then
      vim.fn.winrestview({ topfill = height })
    end
  end)
end

---@param bufnr integer
---@param open galley.Open
---@param f galley.FileProposal
---@param h galley.Hunk
---@param first integer
---@param after integer
---@param was? galley.Drawn what is drawn of it already: kept if it says the same in the same place
local function draw_hunk(bufnr, open, f, h, first, after, was)
  local view = {
    hunk = h,
    file = f,
    proposal = open.proposal,
    note = note_of(h),
    needs = M.needs(open.proposal, h),
    keys = keys.map(bufnr),
    preview = previews[bufnr] ~= nil,
    current = current[bufnr] == h.hunk,
  }
  local marks, looks = was and was.marks, draw.looks(view)
  local f0, a0
  if was and was.looks == looks then
    f0, a0 = draw.where(bufnr, was.marks, h)
  end
  if f0 ~= first or a0 ~= after then
    marks = draw.hunk(bufnr, view, first, after)
    if was then
      draw.erase(bufnr, was.marks)
    end
  end
  drawn[bufnr][h.hunk] = { hunk = h, file = f, open = open, marks = marks, looks = looks }
end

---@param bufnr integer
---@param open galley.Open
---@param f galley.FileProposal
---@param before table<string, galley.Drawn> what was drawn until now
local function draw_file(bufnr, open, f, before)
  -- Positions of an older text: the marks know better, until the server has seen the newest keys.
  local stale = type(f.version) == 'number' and f.version ~= vim.lsp.util.buf_versions[bufnr] and not previews[bufnr]
  keys.map(bufnr)
  for _, h in ipairs(f.hunks) do
    if undecided(h) then
      local first, after = draw.rows(h)
      local was = before[h.hunk]
      if was and stale then
        first, after = draw.where(bufnr, was.marks, h)
      elseif previews[bufnr] then
        first, after = 0, api.nvim_buf_line_count(bufnr)
      end
      draw_hunk(bufnr, open, f, h, first or 0, after or 0, was)
    end
  end
end

---Draws a buffer anew.
---@param bufnr integer
function M.refresh(bufnr)
  if not api.nvim_buf_is_loaded(bufnr) then
    return
  end
  local before = drawn[bufnr] or {}
  drawn[bufnr] = {}
  local name = vim.uri_from_bufnr(bufnr)
  local concerned, fresh = false, false
  for _, open in ipairs(opened) do
    for _, f in ipairs(open.proposal.files) do
      if previews[bufnr] == f.uri or uri_now(f) == name then
        concerned = true
        draw_file(bufnr, open, f, before)
      end
    end
  end
  for id, d in pairs(before) do
    if not drawn[bufnr][id] then
      draw.erase(bufnr, d.marks)
    end
  end
  for id, d in pairs(drawn[bufnr]) do
    fresh = fresh or (d.marks.above and not before[id])
  end
  if not concerned then
    drawn[bufnr], current[bufnr] = nil, nil
    keys.unmap(bufnr)
    return
  end
  for _, w in ipairs(fresh and vim.fn.win_findbuf(bufnr) or {}) do
    M.uncover_top(w, bufnr)
  end
  M.light()
end

---A preview whose file is decided gives its windows back: to the file, if there is one now.
---@param bufnr integer
---@param uri string
local function close_preview(bufnr, uri)
  local name = vim.uri_to_fname(uri)
  local file = vim.fn.bufexists(name) == 1 and vim.fn.bufadd(name) or vim.uv.fs_stat(name) and vim.fn.bufadd(name)
  for _, w in ipairs(vim.fn.win_findbuf(bufnr)) do
    local other = file or api.nvim_win_call(w, function()
      return vim.fn.bufnr('#')
    end)
    if other > 0 and other ~= bufnr and api.nvim_buf_is_valid(other) then
      api.nvim_win_call(w, function()
        local alternate = vim.fn.bufnr('#')
        api.nvim_win_set_buf(w, other)
        if alternate > 0 and alternate ~= other then
          vim.fn.setreg('#', alternate)
        end
      end)
    end
  end
  previews[bufnr] = nil
  drawn[bufnr] = nil
  keys.unmap(bufnr)
  pcall(api.nvim_buf_delete, bufnr, { force = true })
end

local function refresh_all()
  local waiting = {}
  for _, open in ipairs(opened) do
    for _, f in ipairs(open.proposal.files) do
      waiting[f.uri] = waiting[f.uri] or (f.kind == 'add' and needs_decision(f))
    end
  end
  for bufnr, uri in pairs(vim.deepcopy(previews)) do
    if not api.nvim_buf_is_valid(bufnr) then
      previews[bufnr] = nil
    elseif not waiting[uri] then
      close_preview(bufnr, uri)
    end
  end
  for _, bufnr in ipairs(api.nvim_list_bufs()) do
    M.refresh(bufnr)
  end
end

---@param p galley.Proposal
local function count(p, wanted)
  local n = 0
  for _, f in ipairs(p.files) do
    for _, h in ipairs(f.hunks) do
      n = n + (wanted(h) and 1 or 0)
    end
  end
  return n
end

---Tells once that exactly the accepted hunks passed their checks; a failure the server says itself.
---@param known? galley.Proposal
---@param p galley.Proposal
local function tell_accepted(known, p)
  local checks, was = p.acceptedChecks, known and known.acceptedChecks
  if checks and checks.state == 'passed' and was and was.state == 'running' then
    server.say(checks.summary)
  end
end

---@param known? galley.Proposal
---@param p galley.Proposal
local function announce(known, p)
  local waiting = count(p, undecided)
  if not known and waiting > 0 then
    server.say(server.count(waiting, 'hunk') .. ' to review · :Galley next')
  elseif known and waiting == 0 then
    local accepted = count(p, function(h)
      return h.state == 'accepted'
    end)
    local all = count(p, function()
      return true
    end)
    server.say(('reviewed · %d of %d accepted'):format(accepted, all))
  end
end

---@param p galley.Proposal
function M.on_proposal(_, p, ctx)
  local known, at
  for i, open in ipairs(opened) do
    if open.proposal.proposal == p.proposal and open.client_id == ctx.client_id then
      known, at = open.proposal, i
    end
  end
  if p.open and count(p, undecided) > 0 then
    opened[at or #opened + 1] = { client_id = ctx.client_id, proposal = p }
  elseif at then
    table.remove(opened, at)
  end
  announce(known, p)
  tell_accepted(known, p)
  refresh_all()
  api.nvim_exec_autocmds('User', { pattern = 'GalleyProposal', modeline = false, data = p })
end

---The server's hunk diagnostics are for editors that cannot draw hunks; here they would be drawn twice.
---@param params lsp.PublishDiagnosticsParams
function M.on_diagnostics(err, params, ctx)
  params.diagnostics = vim.tbl_filter(function(d)
    return not (d.source == 'galley' and d.code == 'hunk')
  end, params.diagnostics or {})
  return vim.lsp.handlers['textDocument/publishDiagnostics'](err, params, ctx)
end

---@param client_id integer whose server has gone
function M.forget(client_id)
  opened = vim.tbl_filter(function(open)
    return open.client_id ~= client_id
  end, opened)
  refresh_all()
end

---Marks a hunk as being decided, until the server answers or revises it.
---@param h galley.Hunk
---@param text? string nil takes the note away
function M.note(h, text)
  notes[h.hunk] = text and { text = text, after = h.after } or nil
  for bufnr, hunks in pairs(drawn) do
    if hunks[h.hunk] then
      M.refresh(bufnr)
    end
  end
end

---@class galley.Place
---@field open galley.Open
---@field file galley.FileProposal
---@field hunk galley.Hunk
---@field bufnr? integer if its buffer is loaded
---@field first integer
---@field after integer zero-based lines, half-open

---Every undecided hunk, in the order of review.
---@param bufnr? integer only of this buffer
---@return galley.Place[]
function M.places(bufnr)
  local out = {}
  for _, open in ipairs(opened) do
    for _, f in ipairs(open.proposal.files) do
      local b = buffer_of(uri_now(f))
      for _, h in ipairs(f.hunks) do
        if undecided(h) and (not bufnr or b == bufnr) then
          local d = b and drawn[b] and drawn[b][h.hunk]
          local first, after
          if d then
            first, after = draw.where(b, d.marks, h)
          end
          if not first then
            first, after = draw.rows(h)
          end
          out[#out + 1] = { open = open, file = f, hunk = h, bufnr = b, first = first, after = after }
        end
      end
    end
  end
  return out
end

---@return galley.Place? the hunk under the cursor
function M.here()
  local bufnr, row = api.nvim_get_current_buf(), api.nvim_win_get_cursor(0)[1] - 1
  local above, below
  for _, p in ipairs(M.places(bufnr)) do
    if row >= p.first and row < p.after or previews[bufnr] then
      return p
    elseif p.first == p.after then -- it hangs between two lines: both are its own
      above = above or (p.first - 1 == row and p or nil)
      below = below or (p.first == row and p or nil)
    end
  end
  return above or below
end

---Lights the bar of the hunk under the cursor: that is the one which the keys mean.
function M.light()
  local bufnr = api.nvim_get_current_buf()
  if not drawn[bufnr] then
    return
  end
  local here, was = M.here(), current[bufnr]
  current[bufnr] = here and here.hunk.hunk
  if was == current[bufnr] then
    return
  end
  for _, id in ipairs({ was or false, current[bufnr] or false }) do
    local d = drawn[bufnr][id]
    local first, after
    if d then
      first, after = draw.where(bufnr, d.marks, d.hunk)
    end
    if first then
      draw_hunk(bufnr, d.open, d.file, d.hunk, first, after, d)
    end
  end
end

---The proposal that a command without a hunk speaks of.
---@return galley.Open?
function M.current()
  local here = M.here() or M.places(api.nvim_get_current_buf())[1]
  return here and here.open or opened[1]
end

---@param p galley.Place
function M.file_buffer(p)
  local bufnr = buffer_for(p.file)
  M.refresh(bufnr)
  return bufnr
end

function M.is_preview(bufnr)
  return previews[bufnr] ~= nil
end

---What is drawn in a buffer (for tests and for other plugins).
---@return table<string, galley.Drawn>
function M.drawn(bufnr)
  return drawn[bufnr or api.nvim_get_current_buf()] or {}
end

local group = api.nvim_create_augroup('galley.review', {})
api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile', 'LspAttach' }, {
  group = group,
  callback = function(ev)
    if #opened > 0 then
      vim.schedule(function()
        if api.nvim_buf_is_valid(ev.buf) then
          M.refresh(ev.buf)
        end
      end)
    end
  end,
})
api.nvim_create_autocmd({ 'CursorMoved', 'BufEnter' }, {
  group = group,
  callback = function()
    M.light()
  end,
})
-- Coming up to the first line, but not going down from it, brings what stands above it into view.
api.nvim_create_autocmd('WinScrolled', {
  group = group,
  callback = function()
    for winid, by in pairs(vim.v.event) do
      local id = tonumber(winid)
      if id and by.topline < 0 and drawn[api.nvim_win_get_buf(id)] then
        M.uncover_top(id, api.nvim_win_get_buf(id))
      end
    end
  end,
})
api.nvim_create_autocmd('BufWinEnter', {
  group = group,
  callback = function(ev)
    if drawn[ev.buf] then
      M.uncover_top(api.nvim_get_current_win(), ev.buf)
    end
  end,
})

return M
