---What the other language servers say, for the server when it asks. Each answer names the version of the text at
---which it was last renewed: what was said of an older text is left to the server to drop.
local M = {}

---@type table<integer, integer> buffer → version of its text when its diagnostics last changed
local spoken = {}

local group = vim.api.nvim_create_augroup('galley_diagnostics', { clear = true })
vim.api.nvim_create_autocmd('DiagnosticChanged', {
  group = group,
  callback = function(ev)
    -- the event carries the diagnostics of the one namespace that was set
    local said = ev.data and ev.data.diagnostics or {}
    if not (said[1] and said[1].source == 'galley') then
      spoken[ev.buf] = vim.lsp.util.buf_versions[ev.buf]
    end
  end,
})
vim.api.nvim_create_autocmd('BufWipeout', {
  group = group,
  callback = function(ev)
    spoken[ev.buf] = nil
  end,
})

---@param uri string
---@return integer? bufnr of a buffer that is there; asking makes none
local function buffer_of(uri)
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.uri_from_bufnr(bufnr) == uri then
      return bufnr
    end
  end
end

---@param request { uri?: string }
---@return { documents: galley.EditorDocument[] }
function M.on_request(_, request)
  local bufnr = request.uri and buffer_of(request.uri)
  if request.uri and not bufnr then
    return { documents = {} }
  end
  local documents = {} ---@type table<integer, galley.EditorDocument>
  for _, d in ipairs(vim.diagnostic.get(bufnr)) do
    if d.source ~= 'galley' then
      local document = documents[d.bufnr]
        or { uri = vim.uri_from_bufnr(d.bufnr), version = vim.api.nvim_buf_is_loaded(d.bufnr) and spoken[d.bufnr] or vim.NIL, diagnostics = {} }
      documents[d.bufnr] = document
      table.insert(document.diagnostics, {
        line = d.lnum,
        severity = d.severity,
        source = d.source,
        code = d.code and tostring(d.code),
        message = d.message,
      })
    end
  end
  return { documents = vim.tbl_values(documents) }
end

return M
