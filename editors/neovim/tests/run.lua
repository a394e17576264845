-- The client against a mock server, in a real Neovim without a screen:
--   nvim --headless -u NONE -l editors/neovim/tests/run.lua [PATTERN]
-- Prints a line per test and "N passed, N failed"; the exit status says the same.
local here = vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, 'S').source:sub(2)))
package.path = here .. '/?.lua;' .. package.path
local T = require('harness')
T.pattern = _G.arg and _G.arg[1]

T.client(here, { 'python3', here .. '/mock_galley.py' })
for _, file in ipairs(vim.fn.sort(vim.fn.glob(here .. '/test_*.lua', true, true))) do
  dofile(file)
end
T.finish()
