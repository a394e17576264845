---Draws one hunk into a buffer without touching its text: the old lines tinted where they stand, the new
---ones as virtual lines below them, then the hunk's bar. Gives back the marks, which move along while the
---person types, until the server says where the hunk is now.
local M = {}

local api = vim.api
local words = require('galley.words')

M.ns = api.nvim_create_namespace('galley')

---@class galley.Marks
---@field range integer extmark over the old lines (an insertion: an empty one at the line it follows)
---@field all integer[] every extmark, the above too
---@field above boolean an insertion before the first line, drawn above it
---@field height integer virtual lines

---@class galley.View what is drawn of one hunk
---@field hunk galley.Hunk
---@field file galley.FileProposal
---@field proposal galley.Proposal
---@field note? string what is going on with it: 'accepting…'
---@field needs integer[] numbers of the open hunks that it requires
---@field keys table<string, string> verb → key that works in this buffer
---@field preview boolean the buffer is the new text itself
---@field current boolean the cursor is on it

---@param text string
---@return string[]
function M.lines(text)
  if text == '' then
    return {}
  end
  local out = vim.split(text, '\r?\n')
  if out[#out] == '' then
    out[#out] = nil
  end
  return out
end

---@param line string
---@param base string
---@param spans galley.Span[] later ones lie on top
---@return table[] chunks of a virtual line, filled up to the window's edge
local function chunks(line, base, spans)
  local cuts = { [0] = true, [#line] = true }
  for _, s in ipairs(spans) do
    cuts[math.min(s[1], #line)], cuts[math.min(s[2], #line)] = true, true
  end
  local at = vim.tbl_keys(cuts)
  table.sort(at)
  local out = {}
  for i = 1, #at - 1 do
    local hl = { base }
    for _, s in ipairs(spans) do
      if s[1] <= at[i] and s[2] >= at[i + 1] then
        hl[#hl + 1] = s[3]
      end
    end
    out[#out + 1] = { line:sub(at[i] + 1, at[i + 1]), hl }
  end
  -- a virtual line's colour ends with its text: blanks carry the tint to the edge
  out[#out + 1] = { (' '):rep(vim.o.columns), base }
  return out
end

---@param p galley.Proposal
---@return string text, string highlight
local function verdict(p)
  local passed, failed, before, missing, stale = 0, 0, 0, 0, 0
  for _, e in ipairs(p.evidence or {}) do
    local is_worse = #(e.newlyFailing or {}) + #(e.gone or {}) > 0 or #(e.stillFailing or {}) == 0
    before = before + (e.status == 'failed' and not is_worse and 1 or 0)
    passed = passed + (e.status == 'passed' and 1 or 0)
    failed = failed + (e.status == 'failed' and 1 or 0)
    missing = missing + (e.status == 'notRun' and 1 or 0)
    stale = stale + (e.stale and 1 or 0)
  end
  if failed > before then
    return '✗ checks fail', 'GalleyBad'
  elseif failed > 0 then
    return '! checks fail as before', 'GalleyWarning'
  elseif passed == 0 or missing > 0 then
    return '! not verified', 'GalleyWarning'
  elseif stale > 0 then
    return '! checks outdated', 'GalleyWarning'
  end
  return '✓ checks', 'GalleyGood'
end

---@param v galley.View
local function bar(v)
  local h, out = v.hunk, {}
  local function put(text, hl)
    out[#out + 1] = { text, hl }
  end
  put(('%d of %d'):format(h.number, h.of), v.current and 'GalleyCount' or 'GalleyBar')
  local text, hl = verdict(v.proposal)
  put('  ' .. text, hl)
  if h.wholeFile then
    put('  ' .. h.wholeFile, 'GalleyWarning')
  end
  if v.note then
    put('  ' .. v.note, 'GalleyBar')
    return out
  end
  if h.reviewed then
    put('  reviewed', 'GalleyGood')
  end
  if h.edited then
    put('  your text', 'GalleyBar')
  end
  if h.state == 'conflicted' then
    put('  conflict: you changed these lines', 'GalleyBad')
  end
  if #v.needs > 0 then
    put('  needs ' .. table.concat(v.needs, ', '), 'GalleyWarning')
  end
  if h.mergedByToken then
    put('  merged with what you typed', 'GalleyWarning')
  end
  local first = true
  for _, verb in ipairs({ 'accept', 'reject', 'edit', 'comment', 'why' }) do
    if not (verb == 'accept' and h.state == 'conflicted') then
      put((first and '   ' or ' · ') .. verb, 'GalleyBar')
      first = false
      if v.keys[verb] then
        put(' ' .. v.keys[verb], v.current and 'GalleyKey' or 'GalleyBar')
      end
    end
  end
  return out
end

---What a hunk is drawn from, but for its place: the same looks need no new drawing.
---@param v galley.View
---@return string
function M.looks(v)
  local h = v.hunk
  local proof = verdict(v.proposal)
  local parts = { h.state, h.number, h.of, proof, v.note or '', table.concat(v.needs, ','), tostring(v.current) }
  vim.list_extend(parts, { tostring(h.reviewed), tostring(h.edited), tostring(h.mergedByToken), h.conflict and h.conflict.yours or '', h.after })
  return table.concat(parts, '\0')
end

---@param h galley.Hunk
---@return integer first, integer after zero-based lines, half-open
function M.rows(h)
  local s, e = h.range.start, h.range['end']
  local first = s.line
  if s.character > 0 then -- behind the last line of a file that does not end with a line end
    first = first + 1
  end
  return first, math.max(first, e.line + (e.character > 0 and 1 or 0))
end

---@param bufnr integer
---@param v galley.View
---@param first integer
---@param after integer zero-based, half-open
---@return galley.Marks
function M.hunk(bufnr, v, first, after)
  local h, marks = v.hunk, { all = {} }
  local count = api.nvim_buf_line_count(bufnr)
  first, after = math.min(first, count), math.min(after, count)
  local insertion = first == after
  local conflict, dim = h.state == 'conflicted', v.note ~= nil
  local function mark(row, col, opts)
    opts.priority, opts.strict = opts.priority or 150, false
    local id = api.nvim_buf_set_extmark(bufnr, M.ns, row, col, opts)
    marks.all[#marks.all + 1] = id
    return id
  end
  local new = v.preview and {} or M.lines(conflict and h.conflict and h.conflict.theirs or h.after)
  local old = api.nvim_buf_get_lines(bufnr, first, after, false)
  local was, is = words.changed(old, new)

  local base = dim and 'GalleyDim' or conflict and 'GalleyConflict' or 'GalleyAdd'
  local spans = dim and {} or require('galley.syntax').spans(bufnr, new)
  local virt = {}
  for i, line in ipairs(new) do
    local list = vim.list_slice(spans[i] or {})
    for _, s in ipairs(dim and {} or is[i] or {}) do
      list[#list + 1] = { s[1], s[2], 'GalleyAddText' }
    end
    virt[i] = chunks(line, base, list)
  end
  local foot = bar(v)

  -- an insertion hangs below the line before it; before the first line there is none
  marks.above = insertion and first == 0 and not v.preview
  local anchor = marks.above and 0 or math.max(0, after - 1)
  if v.preview then
    table.insert(virt, 1, foot)
    anchor, marks.above = 0, true
  else
    virt[#virt + 1] = foot
  end
  marks.height = #virt
  mark(anchor, 0, {
    virt_lines = virt,
    virt_lines_above = marks.above,
    virt_lines_overflow = vim.fn.has('nvim-0.11') == 1 and 'scroll' or nil,
    right_gravity = not marks.above,
  })

  local sign = conflict and { '!', 'GalleyBad' }
    or insertion and { '+', 'GalleySignAdd' }
    or v.preview and { '+', 'GalleySignAdd' }
    or #new == 0 and { '-', 'GalleySignDelete' }
    or { '~', 'GalleySignChange' }
  mark(insertion and anchor or first, 0, {
    sign_text = sign[1],
    sign_hl_group = dim and 'GalleyDim' or sign[2],
    end_row = insertion and anchor or after - 1,
  })
  local tint = conflict and 'GalleyConflict' or v.preview and 'GalleyAdd' or 'GalleyDelete'
  marks.range = mark(insertion and anchor or first, 0, insertion and {} or {
    end_row = after,
    end_col = 0,
    hl_group = not dim and tint or nil,
    hl_eol = not dim,
  })
  for i in ipairs(old) do
    for _, s in ipairs((dim or conflict) and {} or was[i] or {}) do
      mark(first + i - 1, s[1], { end_col = s[2], hl_group = 'GalleyDeleteText', priority = 160 })
    end
  end
  return marks
end

---Where a drawn hunk is now.
---@return integer? first, integer? after
function M.where(bufnr, marks, h)
  local m = api.nvim_buf_get_extmark_by_id(bufnr, M.ns, marks.range, { details = true })
  if not m[1] then
    return nil
  end
  if m[3].end_row then
    local e = m[3].end_row + (m[3].end_col > 0 and 1 or 0)
    return m[1], math.max(m[1], e)
  end
  local first = marks.above and m[1] or m[1] + 1
  return first, first
end

---@param marks galley.Marks
function M.erase(bufnr, marks)
  for _, id in ipairs(marks.all) do
    api.nvim_buf_del_extmark(bufnr, M.ns, id)
  end
end

return M
