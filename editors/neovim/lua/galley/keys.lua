---The keys of a review: buffer-local, only while it is open, never over a mapping of the buffer's own.
local M = {}

local DEFAULT = {
  next = ']h',
  prev = '[h',
  accept = 'gha',
  reject = 'ghr',
  edit = 'ghe',
  comment = 'ghc',
  why = 'ghw',
  ['accept-all'] = 'ghA',
  ['reject-all'] = 'ghR',
}

---@type table<integer, table<string, string>> bufnr → verb → key that was mapped
local mapped = {}

---@param bufnr integer
---@param lhs string
local function is_taken(bufnr, lhs)
  return vim.iter(vim.api.nvim_buf_get_keymap(bufnr, 'n')):any(function(m)
    return m.lhs == lhs
  end)
end

---@param bufnr integer
---@return table<string, string> verb → key
function M.map(bufnr)
  if mapped[bufnr] or vim.g.galley_keys == false then
    return mapped[bufnr] or {}
  end
  mapped[bufnr] = {}
  for verb, lhs in pairs(vim.tbl_extend('force', DEFAULT, vim.g.galley_keys or {})) do
    if lhs and lhs ~= '' and not is_taken(bufnr, lhs) then
      vim.keymap.set('n', lhs, ('<Plug>(galley-%s)'):format(verb), { buffer = bufnr, desc = 'Galley: ' .. verb })
      mapped[bufnr][verb] = lhs
    end
  end
  return mapped[bufnr]
end

---@param bufnr integer
function M.unmap(bufnr)
  for _, lhs in pairs(vim.api.nvim_buf_is_valid(bufnr) and mapped[bufnr] or {}) do
    pcall(vim.keymap.del, 'n', lhs, { buffer = bufnr })
  end
  mapped[bufnr] = nil
end

return M
