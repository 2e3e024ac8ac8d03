# Oracle: Ruby's Random. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
call, lo, hi, count = ARGV[0], *ARGV[1, 3].map(&:to_i)
size = hi - lo + 1
ARGV.drop(4).each do |seed|
  random = Random.new(seed.hex)
  draws = Array.new(count) do
    case call
    when "float" then lo + (random.rand * size).floor
    when "int" then lo + random.rand(size)
    when "word" then format("%08x", random.bytes(4).unpack1("L<"))
    end
  end
  puts [seed, *draws].join(",")
end
