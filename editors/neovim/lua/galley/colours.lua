---Highlight groups. The tints are mixed from the colour scheme's own red, green and background, so that
---syntax colours stay readable on them. A group that the person or the colour scheme has set is left alone.
local M = {}

local api = vim.api

---@type table<string, vim.api.keyset.get_hl_info>
local ours = {}

---@param fg integer
---@param bg integer
---@param share number of fg
local function mix(fg, bg, share)
  local out = 0
  for _, shift in ipairs({ 16, 8, 0 }) do
    local f, b = bit.band(bit.rshift(fg, shift), 255), bit.band(bit.rshift(bg, shift), 255)
    out = bit.bor(out, bit.lshift(math.floor(f * share + b * (1 - share) + 0.5), shift))
  end
  return out
end

local function get(name)
  return api.nvim_get_hl(0, { name = name, link = false })
end

---@return table<string, vim.api.keyset.highlight>
local function groups()
  local out = {
    GalleySignAdd = { link = 'Added' },
    GalleySignChange = { link = 'Changed' },
    GalleySignDelete = { link = 'Removed' },
    GalleyBar = { link = 'Comment' },
    GalleyKey = { link = 'Special' },
    GalleyDim = { link = 'NonText' },
    GalleyGood = { link = 'DiagnosticOk' },
    GalleyWarning = { link = 'DiagnosticWarn' },
    GalleyBad = { link = 'DiagnosticError' },
    GalleyTitle = { link = 'Title' },
    GalleyActive = { link = 'Special' },
    GalleyDropped = { strikethrough = true, fg = get('NonText').fg, ctermfg = get('NonText').ctermfg },
  }
  local count = get('Normal')
  out.GalleyCount = { bold = true, fg = count.fg, ctermfg = count.ctermfg }
  if not vim.o.termguicolors then
    out.GalleyAdd, out.GalleyAddText = { link = 'DiffAdd' }, { link = 'DiffText' }
    out.GalleyDelete, out.GalleyDeleteText = { link = 'DiffDelete' }, { link = 'DiffText' }
    out.GalleyConflict = { link = 'DiffChange' }
    return out
  end
  local dark = vim.o.background == 'dark'
  local bg = get('Normal').bg or (dark and 0x14161b or 0xeeeeee)
  local green = get('Added').fg or get('DiffAdd').fg or 0x44aa44
  local red = get('Removed').fg or get('DiffDelete').fg or 0xcc4444
  local yellow = get('DiagnosticWarn').fg or 0xbbaa33
  out.GalleyAdd = { bg = mix(green, bg, 0.13) }
  out.GalleyAddText = { bg = mix(green, bg, 0.32) }
  out.GalleyDelete = { bg = mix(red, bg, 0.13) }
  out.GalleyDeleteText = { bg = mix(red, bg, 0.32) }
  out.GalleyConflict = { bg = mix(yellow, bg, 0.15) }
  return out
end

function M.set()
  for name, spec in pairs(groups()) do
    local now = api.nvim_get_hl(0, { name = name })
    if vim.tbl_isempty(now) or vim.deep_equal(now, ours[name]) then
      api.nvim_set_hl(0, name, spec)
      ours[name] = api.nvim_get_hl(0, { name = name })
    end
  end
end

local group = api.nvim_create_augroup('galley.colours', {})
api.nvim_create_autocmd('ColorScheme', { group = group, callback = M.set })
-- set late, when the terminal has answered what it can show
api.nvim_create_autocmd('OptionSet', { group = group, pattern = { 'termguicolors', 'background' }, callback = M.set })
M.set()

return M
