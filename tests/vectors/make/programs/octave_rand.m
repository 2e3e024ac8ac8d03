% Oracle: Octave's rand after rand("twister", seed). Arguments: CALL LO HI COUNT SEED... (seeds in hex, below 2^32).
arguments = argv();
[lo, hi, count] = num2cell(cellfun(@str2double, arguments(2:4))){:};
for k = 5:numel(arguments)
  rand("twister", hex2dec(arguments{k}));
  switch arguments{1}
    case "randi"
      draws = randi([lo, hi], 1, count);
    case "rand"
      draws = lo + floor(rand(1, count) * (hi - lo + 1));
  end
  printf("%s%s\n", arguments{k}, sprintf(",%d", draws));
end
