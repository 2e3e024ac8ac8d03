# Oracle: R's own generators. Arguments: CALL LO HI COUNT SEED... (seeds in hex); a call is KIND:words, KIND:runif or KIND:sample.
arguments <- commandArgs(trailingOnly = TRUE)
call <- strsplit(arguments[1], ":")[[1]]
lo <- as.numeric(arguments[2])
range <- as.numeric(arguments[3]) - lo + 1
count <- as.integer(arguments[4])

# what the kind multiplies a word by is the reciprocal of this; Wichmann-Hill has no word and is cut to 32 bits
units <- c("Marsaglia-Multicarry" = 2^32 - 1, "Super-Duper" = 2^32 - 1, "L'Ecuyer-CMRG" = 4294967088, "Knuth-TAOCP-2002" = 2^30)

words <- function() {
  u <- runif(count)
  word <- if (call[1] %in% names(units)) round(u * units[call[1]]) else floor(u * 2^32)
  sprintf("%04x%04x", as.integer(word %/% 65536), as.integer(word %% 65536))
}
draws <- list(
  words = words,
  runif = function() sprintf("%.0f", lo + floor(runif(count) * range)),
  sample = function() sprintf("%.0f", lo + vapply(seq_len(count), function(i) sample.int(range, 1) - 1, 0))
)
for (hex in arguments[-(1:4)]) {
  seed <- as.numeric(paste0("0x", hex))
  set.seed(as.integer(if (seed >= 2^31) seed - 2^32 else seed), kind = call[1])
  cat(paste(c(hex, draws[[call[2]]]()), collapse = ","), "\n", sep = "")
}
