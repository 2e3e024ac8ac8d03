-- Oracle: math.random of Lua 5.4 and of LuaJIT. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
local call, lo, hi, count = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])
local function hex(high, low) return string.format("%06x%07x", high, low) end

local calls = {
  words = function() return string.format("%016x", math.random(0)) end,
  range = function() return math.random(lo, hi) end,
  float = function() return lo + math.floor(math.random() * (hi - lo + 1)) end,
  -- the 52 bits of LuaJIT's double, in two parts that %x takes
  double = function()
    local word = math.random() * 2^52
    local high = math.floor(word / 2^28)
    return hex(high, word - high * 2^28)
  end,
}

for i = 5, #arg do
  math.randomseed(tonumber("0x" .. arg[i]))
  local row = {arg[i]}
  for _ = 1, count do row[#row + 1] = calls[call]() end
  print(table.concat(row, ","))
end
